"""The label of a question: at least internal, and whatever stands in it may call for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acl.labels import join
from egress.route import QUESTION
from redaction.detect import detect

if TYPE_CHECKING:
    from acl.labels import Label


def question_label(text: str) -> Label:
    """Give the label that the words of a question call for: card numbers, somebody's health, a pasted marking.

    A secret raises nothing: it is removed from every prompt.

    Raises:
        RecogniserFailed: It could not be looked through.
    """
    return join([QUESTION, *(finding.calls_for for finding in detect(text) if finding.kind != "secret")])
