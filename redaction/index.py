"""The forms, addresses and numbers of all people, and whom each of them may mean."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redaction.names import Form
from redaction.types import Identity, any_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from redaction.names import Words


@dataclass(frozen=True, slots=True)
class Someone:
    """All people whom a form may mean, with one identity: a first name is shared by hundreds."""

    identity: Identity
    people: frozenset[Identity]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Whom some words mean as this form."""

    someone: Someone
    form: Form
    login: bool


@dataclass(frozen=True, slots=True)
class Names:
    """What the words of a text are looked up in."""

    meanings: Mapping[Words, tuple[Meaning, ...]]
    lengths: Mapping[str, tuple[int, ...]]  # of the forms that begin with a word, the longest first


@dataclass(slots=True)
class Index:
    """What is gathered of the people, one after the other."""

    forms: defaultdict[Words, dict[Identity, tuple[Form, bool]]] = field(default_factory=lambda: defaultdict(dict))
    values: defaultdict[str, set[Identity]] = field(default_factory=lambda: defaultdict(set))  # addresses, numbers

    def add(self, identity: Identity, form: Form, *, login: bool = False) -> None:
        """Add a form of a person; of two with the same words, the one that says more."""
        if not form.words:
            return
        known, was_login = self.forms[form.words].get(identity, (form, login))
        best = known if known.strength > form.strength else form
        self.forms[form.words][identity] = best, login or was_login

    def frozen(self) -> Names:
        """Give all forms, with those together whose words mean them in the same way."""
        lengths = defaultdict[str, set[int]](set)
        for words in self.forms:
            lengths[words[0]].add(len(words))
        return Names(
            {words: _meanings(known) for words, known in self.forms.items()},
            {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()},
        )


def together(values: Mapping[str, AbstractSet[Identity]]) -> dict[str, Someone]:
    """Give whom each value means."""
    return {value: _someone(people) for value, people in values.items()}


def _meanings(known: Mapping[Identity, tuple[Form, bool]]) -> tuple[Meaning, ...]:
    alike = defaultdict[tuple[Form, bool], set[Identity]](set)
    for identity, way in known.items():
        alike[way].add(identity)
    return tuple(Meaning(_someone(people), form, login) for (form, login), people in alike.items())


def _someone(people: AbstractSet[Identity]) -> Someone:
    return Someone(next(iter(people)) if len(people) == 1 else any_of(people), frozenset(people))
