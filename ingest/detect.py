"""What in a text calls for a label. A detector can hold a document back, and never lets one through."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.types import Finding


def detect(text: str) -> tuple[Finding, ...]:  # noqa: ARG001 - no detector is there yet
    """Find what calls for a label."""
    return ()
