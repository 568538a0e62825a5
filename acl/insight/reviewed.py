"""A review as it is shown: lines for a terminal, values for a program."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from acl.insight.explained import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acl.insight.review import Line, Reason, Review
    from audit.chain import Json


def to_lines(review: Review) -> list[str]:
    """Give a review in plain English: a person, and below him what he reaches."""
    return list(_told(review)) or ["Nobody reaches anything."]


def to_json(review: Review) -> dict[str, Json]:
    """Give a review as JSON values."""
    return {"action": review.action, "epoch": review.epoch, "lines": [_line(line) for line in review.lines]}


def _told(review: Review) -> Iterator[str]:
    for person, lines in groupby(review.lines, lambda line: line.person):
        for number, line in enumerate(lines):
            if number == 0:
                state = "" if line.active else ", not active"
                yield f"{person} ({printable(line.name)}), cleared for {line.clearance}{state}"
            yield f"  {' / '.join(map(printable, line.path))} ({line.place}): {line.extent}, {_because(line.here)}"
            for apart in line.apart:
                yield f"    but {apart.documents} documents in it: {_because(apart.reason)}"


def _because(reason: Reason) -> str:
    chain = f", through {' -> '.join(reason.chain)}" if len(reason.chain) > 1 else ""
    return f"{'allowed by' if reason.permitted else 'refused:'} {reason.words}{chain}"


def _line(line: Line) -> dict[str, Json]:
    return {
        "person": line.person,
        "name": line.name,
        "active": line.active,
        "clearance": str(line.clearance),
        "collection": line.collection,
        "place": line.place,
        "path": list(line.path),
        "label": str(line.label),
        "extent": line.extent,
        "here": _reason(line.here),
        "apart": [{"documents": apart.documents, **_reason(apart.reason)} for apart in line.apart],
    }


def _reason(reason: Reason) -> dict[str, Json]:
    return {"permitted": reason.permitted, "words": reason.words, "chain": list(reason.chain)}
