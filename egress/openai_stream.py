"""What an OpenAI-compatible server streams, read without trusting a byte of it.

No IO: bytes go in line by line, a whole answer comes out, or `Refused` with a reason of our own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

_MODEL_NAME: Final = re.compile(r"[A-Za-z0-9._:/@+-]{1,100}", re.ASCII)
_DONE: Final = b"[DONE]"
BYTES_PER_CHARACTER: Final = 512  # servers wrap each word, some each letter, in an event of about 300 bytes
_ENDINGS: Final = {
    "length": "the answer was cut at the provider's length limit",
    "content_filter": "the provider's content filter withheld the answer",
    "tool_calls": "the model asked for a tool; there are none",
    "function_call": "the model asked for a tool; there are none",
}


class Refused(Exception):
    """No usable answer; the message holds no foreign text."""


class Unusable(Refused):
    """The provider works as it should; this answer cannot be used all the same."""


class _Delta(BaseModel):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None
    function_call: Any = None


class _Choice(BaseModel):
    index: int = 0
    delta: _Delta
    finish_reason: str | None = None


class _Event(BaseModel):
    choices: list[_Choice] = []
    model: str | None = None
    error: Any = None
    usage: Any = None  # believed no further than a count of our own


class Reply:
    """An answer that grows line by line, and counts only once it is whole."""

    def __init__(self, limit: int) -> None:
        self.done = False
        self.model = ""
        self.usage: object = None
        self._ended = False
        self._pieces: list[str] = []
        self._room = limit

    def read(self, line: bytes) -> None:
        """Take one line of the event stream; lines other than `data:` carry nothing that we want."""
        name, _, data = line.partition(b":")
        if name != b"data":
            return
        if data.strip() == _DONE:
            self.done = True
            return
        event = _Event.model_validate_json(data)
        if event.error is not None:
            raise Refused("answered 200, but with an error")
        if event.model and _MODEL_NAME.fullmatch(event.model):
            self.model = event.model
        self.usage = self.usage if event.usage is None else event.usage
        for choice in event.choices:
            self._take(choice)

    def _take(self, choice: _Choice) -> None:
        if choice.index != 0:
            raise Refused("answered more than once")
        if choice.delta.tool_calls or choice.delta.function_call:
            raise Unusable(_ENDINGS["tool_calls"])
        if choice.delta.refusal:
            raise Unusable("the model refused to answer")
        if content := choice.delta.content:
            self._pieces.append(content)
            self._room -= len(content)
        if self._room < 0:
            raise Unusable("the answer is too long")
        if choice.finish_reason not in {None, "", "stop"}:
            raise Unusable(_ENDINGS.get(choice.finish_reason or "", "the answer ended for an unknown reason"))
        self._ended = self._ended or choice.finish_reason == "stop"

    def whole_text(self) -> str:
        """Give the answer, unless its end is missing."""
        if not self._ended or not self.done:
            raise Refused("the answer broke off")
        text = "".join(self._pieces)
        if not text.strip():
            raise Unusable("the answer is empty")
        return text


async def lines(chunks: AsyncIterator[bytes], limit: int) -> AsyncGenerator[bytes]:
    """Cut a byte stream at line feeds; a line that the stream ends within is not given.

    Raises:
        Refused: There are more than `limit` bytes, lines finished or not.
    """
    parts: list[bytes] = []
    async for chunk in chunks:
        limit -= len(chunk)
        if limit < 0:
            raise Refused("the answer is too long")
        head, *rest = chunk.split(b"\n")
        parts.append(head)
        for following in rest:
            yield b"".join(parts).rstrip(b"\r")
            parts = [following]
