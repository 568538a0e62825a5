"""What can go wrong between a text and its redacted form. Each of them means: nothing is sent.

RedactionError
├── RecogniserFailed        a recogniser raised, or returned what is no span of its text
│   └── TookTooLong         it did not come to an end in time
├── BadPattern              a configured pattern cannot be used
├── AdapterMissing          a library that was asked for, or its model, is not there
├── BadExamples             a file that should hold marked texts holds none
├── TextTooLong             the texts of one call are over the limit of characters
├── VaultDown               there are no usable tokens for the texts
└── UnknownConversation     it is not there, has ended, or is another's: all the same to the caller
"""

from __future__ import annotations


class RedactionError(Exception):
    """Texts could not be redacted."""


class RecogniserFailed(RedactionError):
    """A recogniser raised, or returned what is no span of its text."""


class TookTooLong(RecogniserFailed):
    """Recognition did not come to an end in time."""


class BadPattern(RedactionError):
    """A configured pattern cannot be used."""


class AdapterMissing(RedactionError):
    """A library that was asked for, or its model, is not there."""


class BadExamples(RedactionError):
    """A file that should hold marked texts holds none."""


class TextTooLong(RedactionError):
    """The texts of one call are over the limit of characters."""


class VaultDown(RedactionError):
    """There are no usable tokens for the texts."""


class UnknownConversation(RedactionError):
    """The conversation is not there, has ended, or is another's."""
