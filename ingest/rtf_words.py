r"""The control words of rich text: which are data, which are characters, and which name a code page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN: Final = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<byte>[0-9a-fA-F]{2})"
    rb"|\\(?P<symbol>[^a-zA-Z])|(?P<brace>[{}])|[\r\n]+|(?P<text>[^\\{}\r\n]+)|\\"
)
# Groups that are data and no text. A group that begins with \* is one as well, unless it is named below.
DATA: Final = frozenset(
    b"annotation atnauthor atnid atrfend atrfstart atndate atnref atntime bkmkend bkmkstart blipuid colorschememapping"
    b" colortbl comment datafield datastore docvar factoidname falt filetbl fldinst formfield ftncn ftnsep ftnsepc"
    b" aftncn aftnsep aftnsepc generator info keywords latentstyles leveltext levelnumbers list listname"
    b" listoverridetable listtable mmath nonshppict objclass objdata objname operator pict pn pgptbl private revtbl"
    b" rsidtbl sn stylesheet subject sv themedata title userprops wgrffmtfilter xmlnstbl".split()
)
SHOWN: Final = frozenset({b"shpinst", b"shptxt", b"ud", b"pntext", b"listtext"})
CHARACTERS: Final[Mapping[bytes, str]] = {
    b"tab": " ", b"emdash": "—", b"endash": "\u2013", b"emspace": " ", b"enspace": " ", b"qmspace": " ",
    b"bullet": "•", b"lquote": "\u2018", b"rquote": "\u2019", b"ldblquote": "“", b"rdblquote": "”", b"line": "\n",
    b"lbr": "\n", b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"-": "", b"nestcell": " ",
}  # fmt: skip
CODE_PAGES: Final[Mapping[int, str]] = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251",
    222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
WHOLE_FILE: Final[Mapping[bytes, str]] = {b"mac": "mac_roman", b"pc": "cp437", b"pca": "cp850", b"ansi": "cp1252"}
