"""What can go wrong on the way in.

    IngestError
    ├── FolderProblem
    │   ├── NoSuchFolder    it is not there, or it is no folder
    │   ├── EmptyFolder     there is no file in it to read
    │   ├── TooMuch         it holds more than may be taken in at once
    │   └── OtherFolder     its collection is filled from another folder
    ├── Overtaken           one file is taken in by somebody else at the same time
    ├── Unreadable          one file cannot be read; the message is the reason, without its content
    ├── ParserMoved         the installed parser is not the one that this release was written for
    └── SandboxDown         no process can be started to read files in

`Unreadable` concerns one file and the rest goes on. Every other error ends the run.
"""

from __future__ import annotations


class IngestError(Exception):
    """A folder, or a file in it, could not be taken in."""


class FolderProblem(IngestError):
    """The folder as a whole cannot be taken in."""


class NoSuchFolder(FolderProblem):
    """It is not there, or it is no folder."""


class EmptyFolder(FolderProblem):
    """There is no file in it to read."""


class TooMuch(FolderProblem):
    """The folder holds more than may be taken in at once."""


class OtherFolder(FolderProblem):
    """The collection is filled from another folder."""


class Overtaken(IngestError):
    """One file is taken in by somebody else at the same time."""


class Unreadable(IngestError):
    """One file cannot be read. The message is a reason to act on, and holds none of its content."""


class ParserMoved(IngestError):
    """The installed parser is not the one that this release was written for."""


class SandboxDown(IngestError):
    """No process can be started to read files in."""
