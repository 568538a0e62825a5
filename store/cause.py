"""Why a connection failed, in words that may be shown."""

from __future__ import annotations


def cause_of(error: BaseException) -> str:
    """Give the operating system's words for a failure; without them, the class of its first cause alone.

    A library's words are left out: they quote a header that they dislike, key and all.
    """
    cause: BaseException | None = error
    while cause is not None:
        error = cause
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
