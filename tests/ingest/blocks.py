"""What tests of readers ask of a document that was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.types import Parsed


def texts(parsed: Parsed) -> list[str]:
    """List what the blocks say."""
    return [block.text for block in parsed.blocks]
