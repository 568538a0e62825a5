"""Every error that a package can raise has one row: a status, an exit code, a code, a title."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

import acl.errors
import api.errors
import audit.errors
import egress.errors
import ingest.errors
import redaction.errors
import retrieval.errors
import store.errors
from api.errors import ERRORS, Exit, problem, row_of

if TYPE_CHECKING:
    from types import ModuleType

PACKAGES = (acl, api, audit, egress, ingest, redaction, retrieval, store)


def _raised(module: ModuleType) -> list[type[Exception]]:
    """The errors of a package that are raised: those without subclasses, and those raised beside them."""
    classes = [
        value
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Exception) and value.__module__ == module.__name__
    ]
    return [one for one in classes if not any(other is not one and issubclass(other, one) for other in classes)]


@pytest.mark.parametrize("error", [error for package in PACKAGES for error in _raised(package.errors)])
def test_every_error_has_a_row(error: type[Exception]) -> None:
    assert error in ERRORS, f"{error.__module__}.{error.__name__} has no row in api/errors.py"


def test_codes_are_unique_and_stable_words() -> None:
    codes = [row.code for row in ERRORS.values()]
    assert len(codes) == len(set(codes))
    assert all(code.replace("-", "").isalpha() and code == code.lower() for code in codes)


def test_a_row_says_no_success() -> None:
    for row in ERRORS.values():
        assert row.status >= 400
        assert row.exit is not Exit.YES


def test_an_unforeseen_error_shows_nothing_of_itself() -> None:
    shown = problem(KeyError("the secret formula"))
    assert shown["code"] == "unexpected"
    assert shown["status"] == 500
    assert "formula" not in str(shown)


def test_an_error_of_the_stores_shows_its_own_words_to_nobody() -> None:
    """Its message names files of the server."""
    shown = problem(store.errors.SecretMissing("the secret file /srv/ntk/master.key cannot be read"))
    assert "/srv" not in str(shown)
    assert "administrator" in str(shown["detail"])


def test_an_error_of_the_askers_says_what_to_do() -> None:
    shown = problem(egress.errors.QuestionTooLong("the question has 3000 characters; at most 2000 can be asked"))
    assert shown["status"] == 422
    assert "2000" in str(shown["detail"])


def test_a_subclass_without_a_row_is_unforeseen() -> None:
    class Surprise(egress.errors.EgressError):
        pass

    assert row_of(Surprise("x")).code == "unexpected"
