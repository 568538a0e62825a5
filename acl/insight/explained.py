"""An explanation as it is shown: lines for a terminal, values for a program. Ids and names of folders, no titles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acl.insight.explain import GOVERNING, Denied, LevelAbove, NoRule, NotActive, NotHeld, NotLive
from acl.labels import PUBLIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from acl.insight.explain import Explanation, KeptOut, Missing, Place, Ruling
    from acl.labels import Level
    from audit.chain import Json

_SHOWN: Final = 10  # rules of others; a program gets all


def to_lines(explanation: Explanation) -> list[str]:
    """Give an explanation in plain English."""
    may = "may" if explanation.verdict else "may not"
    lines = [f"{explanation.user} {may} {explanation.action} {explanation.place}"]
    if explanation.ruling:
        lines += [f"  allowed by {explanation.ruling.rule}", *_way(explanation, explanation.ruling)]
    if explanation.verdict and explanation.action not in GOVERNING:
        lines += [f"  label      {explanation.label}{_origin(explanation)}", f"  clearance  {explanation.clearance}"]
    for number, piece in enumerate(explanation.missing, start=1):
        first, *more = _said(explanation, piece)
        lines += [f"  {number}. {first}", *(f"   {line}" for line in more)]
    return lines


def to_json(explanation: Explanation) -> dict[str, Json]:
    """Give an explanation as JSON values. A missing piece has a `kind` that never changes."""
    return {
        "user": explanation.user,
        "place": explanation.place,
        "action": explanation.action,
        "allowed": bool(explanation.verdict),
        "path": [_place(place) for place in explanation.path],
        "label": str(explanation.label),
        "clearance": str(explanation.clearance),
        "ruling": _ruling(explanation.ruling) if explanation.ruling else None,
        "missing": [_piece(piece) for piece in explanation.missing],
    }


def printable(name: str) -> str:
    """Drop from a name what could move a terminal's cursor or break a line."""
    return "".join(character for character in name if character.isprintable())


# --- in words ---------------------------------------------------------------------------------


def _said(explanation: Explanation, piece: Missing) -> Iterator[str]:
    match piece:
        case NotActive(known=known):
            yield "the user is not active" if known else "there is no such user"
        case NotLive(state=state):
            yield f"the document does not answer: its state is {state}"
        case LevelAbove(level=level, clearance=clearance, raised_by=places):
            yield f"clearance for {_word(level)}: the user is cleared for {_word(clearance)}"
            yield f"  raised by {_listed(places)}"
        case NotHeld(compartment=compartment, asked_by=places):
            yield f"the compartment {compartment}: the user does not hold it"
            yield f"  asked for by {_listed(places)}"
        case Denied(ruling=ruling):
            yield f"a rule denies it: {ruling.rule}"
            yield from _way(explanation, ruling)
        case NoRule(others=others, kept_out=kept_out):
            yield "no rule allows it"
            yield from _allowed_here(others)
            yield from (line for kept in kept_out for line in _behind_a_cut(explanation, kept))


def _allowed_here(others: Sequence[Ruling]) -> Iterator[str]:
    if others:
        yield "  allowed here by:"
    yield from (f"    {ruling.rule}" for ruling in others[:_SHOWN])
    if len(others) > _SHOWN:
        yield f"    and {len(others) - _SHOWN} more"


def _behind_a_cut(explanation: Explanation, kept: KeptOut) -> Iterator[str]:
    yield f"  kept out by the cut of inheritance at {_listed(kept.cuts)}: {kept.ruling.rule}"
    yield from (f"  {line}" for line in _way(explanation, kept.ruling))


def _way(explanation: Explanation, ruling: Ruling) -> Iterator[str]:
    names = {str(place.id): _named(place) for place in explanation.path}
    reach = " -> ".join(names.get(part, part) for part in ruling.reach)
    yield f"  membership {' -> '.join(ruling.chain)}"
    yield f"  object     {reach}{_origin(explanation) if ruling.rule.object.startswith('label:') else ''}"


def _origin(explanation: Explanation) -> str:
    """Say which places make the label what it is."""
    raisers = [place for place in explanation.path if place.label != PUBLIC]
    return ", from " + ", ".join(f"{_named(place)}: {place.label}" for place in raisers) if raisers else ""


def _named(place: Place) -> str:
    return f"{place.id} ({printable(place.name)})" if place.name else place.id


def _listed(places: Iterable[Place]) -> str:
    return ", ".join(map(_named, places))


def _word(level: Level) -> str:
    return level.name.lower()


# --- in values --------------------------------------------------------------------------------


def _piece(piece: Missing) -> dict[str, Json]:
    match piece:
        case NotActive(known=known):
            return {"kind": "not-active" if known else "unknown-user"}
        case NotLive(state=state):
            return {"kind": "not-live", "state": state}
        case LevelAbove(level=level, clearance=clearance, raised_by=places):
            needed, held = _word(level), _word(clearance)
            return {"kind": "level", "level": needed, "clearance": held, "raised_by": [_place(one) for one in places]}
        case NotHeld(compartment=compartment, asked_by=places):
            return {"kind": "compartment", "compartment": compartment, "asked_by": [_place(one) for one in places]}
        case Denied(ruling=ruling):
            return {"kind": "denied", "ruling": _ruling(ruling)}
        case NoRule(others=others, kept_out=kept_out):
            allowed, kept = [_ruling(one) for one in others], [_kept_out(one) for one in kept_out]
            return {"kind": "no-rule", "allowed_here": allowed, "kept_out": kept}


def _kept_out(kept: KeptOut) -> dict[str, Json]:
    return {"ruling": _ruling(kept.ruling), "cuts": [_place(cut) for cut in kept.cuts]}


def _place(place: Place) -> dict[str, Json]:
    return {"id": place.id, "name": place.name, "label": str(place.label), "cuts": place.cuts}


def _ruling(ruling: Ruling) -> dict[str, Json]:
    return {"rule": str(ruling.rule), "chain": list(ruling.chain), "reach": list(ruling.reach)}
