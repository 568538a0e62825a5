"""Text from pictures of pages, where the extra `ocr` and the program tesseract are installed."""

from __future__ import annotations

import shutil
from functools import cache
from importlib.util import find_spec
from math import sqrt
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import ModuleType

HINT: Final = "install the ocr extra, and the program tesseract"
_RESOLUTION: Final = 300  # dots per inch; what the program was trained on
_MOST_DOTS: Final = 25_000_000  # of a page; a poster is recognised in a coarser picture
_POINTS: Final = 72  # per inch
_SECONDS: Final = 120  # for all pages of a document
_SECONDS_OF_PAGE: Final = 40
_MOST_LANGUAGES: Final = 4  # each takes its time on each page


class Recogniser:
    """Recognises the pages of one document, until its time is over."""

    def __init__(self) -> None:
        """Start the clock."""
        self._until = monotonic() + _SECONDS
        self.left_out = 0  # pages that were not recognised

    def paragraphs(self, page: Any) -> list[str]:
        """Give the paragraphs of a page, none if there are none or its time is over.

        Args:
            page: A page of PDFium, whose lock the caller holds.
        """
        seconds = min(self._until - monotonic(), _SECONDS_OF_PAGE)
        if seconds <= 0:
            self.left_out += 1
            return []
        try:
            text = _library().image_to_string(_picture(page), lang=_languages(), timeout=seconds)
        except RuntimeError:  # it took too long, or failed
            self.left_out += 1
            return []
        return [" ".join(paragraph.split()) for paragraph in str(text).split("\n\n") if paragraph.strip()]


def can_recognise() -> bool:
    """Say whether the extra and the program are installed."""
    return find_spec("pytesseract") is not None and shutil.which("tesseract") is not None


def _library() -> ModuleType:
    import pytesseract  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra; it ships no types

    return pytesseract  # type: ignore[no-any-return]  # same


@cache
def _languages() -> str:
    """Name the languages that are installed, English first; only English if there are too many to try all."""
    installed = [name for name in _library().get_languages() if name not in {"osd", "snum"}]
    ordered = sorted(installed, key=lambda name: (name != "eng", name))
    return "+".join(ordered if len(ordered) <= _MOST_LANGUAGES else ordered[:1])


def _picture(page: Any) -> Any:
    width, height = page.get_size()
    scale = min(_RESOLUTION / _POINTS, sqrt(_MOST_DOTS / max(width * height, 1)))
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        return bitmap.to_pil().copy()
    finally:
        bitmap.close()
