"""A parser that starts a thread when it is loaded."""

from __future__ import annotations

from threading import Event, Thread

from ingest.types import Reading

Thread(target=Event().wait, daemon=True).start()


def read(_data: bytes, _name: str) -> Reading:
    return Reading("never read", ())
