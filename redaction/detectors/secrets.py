"""Secrets in a document: the rules are those by which a prompt loses them."""

from __future__ import annotations

from redaction import secret


def secrets(text: str) -> int:
    """Count the secrets of a folded text."""
    return sum(1 for _ in secret.secrets(text))
