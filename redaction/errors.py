"""What can go wrong between a text and its redacted form. Each of them means: nothing is sent.

RedactionError
├── RecogniserFailed        a recogniser raised, or returned what is no span of its text
├── TextTooLong             the texts of one call are over the limit of characters
├── VaultDown               there are no usable tokens for the texts
└── UnknownConversation     it is not there, has ended, or is another's: all the same to the caller
"""

from __future__ import annotations


class RedactionError(Exception):
    """Texts could not be redacted."""


class RecogniserFailed(RedactionError):
    """A recogniser raised, or returned what is no span of its text."""


class TextTooLong(RedactionError):
    """The texts of one call are over the limit of characters."""


class VaultDown(RedactionError):
    """There are no usable tokens for the texts."""


class UnknownConversation(RedactionError):
    """The conversation is not there, has ended, or is another's."""
