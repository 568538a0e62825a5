"""A simulation as it is shown: lines for a terminal, values for a program. Ids alone, no names and no titles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from acl.insight.places import Part
    from acl.insight.simulate import Difference, Line, Why
    from audit.chain import Json

_SHOWN: Final = 5  # people or exceptions by name in a line; a program gets all


def to_lines(difference: Difference) -> list[str]:
    """Give a difference in plain English."""
    lines = [*_told("gain", difference.gained), *_told("lose", difference.lost)]
    return lines or ["nobody gains or loses anything"]


def to_json(difference: Difference) -> dict[str, Json]:
    """Give a difference as JSON values."""
    return {
        "epoch": difference.epoch,
        "gained": [_line(line) for line in difference.gained],
        "lost": [_line(line) for line in difference.lost],
    }


def _told(verb: str, lines: tuple[Line, ...]) -> Iterator[str]:
    for line in lines:
        one = verb + "s" if len(line.users) == 1 else verb
        yield f"{_some(line.users)} {one} {', '.join(line.actions)} on {_on(line.on)}: {_because(verb, line.why)}"


def _on(part: Part) -> str:
    if not part.whole or part.places == 1:
        return part.place
    but = f" but {_some([_on(excepted) for excepted in part.but])}" if part.but else ""
    return f"{part.place} and all that lies in it{but} ({part.places:,} places)"


def _because(verb: str, why: Why) -> str:
    gains = verb == "gain"
    through = f", through {' -> '.join(why.through)}" if why.through else ""
    match why.obstacle:
        case "not active":
            return "active now" if gains else "not active any more"
        case "clearance":
            return "cleared for it now" if gains else "not cleared for it any more"
        case "label":
            return "its label is lower now" if gains else "its label is above the clearance now"
        case "denied":
            return f"{'no longer' if gains else 'now'} denied by {why.rule}{through}"
        case "no rule":
            return f"{'now' if gains else 'no longer'} allowed by {why.rule}{through}"


def _some(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _line(line: Line) -> dict[str, Json]:
    why = line.why
    return {
        "users": list(line.users),
        "actions": list(line.actions),
        **_part(line.on),
        "why": {
            "obstacle": why.obstacle.replace(" ", "-"),
            "rule": str(why.rule) if why.rule else None,
            "through": list(why.through),
        },
    }


def _part(part: Part) -> dict[str, Json]:
    return {
        "place": part.place,
        "whole": part.whole,
        "but": [_part(excepted) for excepted in part.but],
        "places": part.places,
    }
