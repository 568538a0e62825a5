"""What can go wrong where things are kept.

StoreError
├── StoreDown               the database does not answer, is locked, full or read-only
├── NoRoom                  the disk has too little room left to begin
├── DoesNotFit              a value is too long, or has a sign that the database cannot keep
├── CannotDecrypt           wrong key, damaged or swapped ciphertext
│   └── KeyNotHeld          the master key that it was sealed under is not at hand
├── SecretMissing           a secret reference leads nowhere, or to something unsafe
│   └── SecretsDown         a secrets manager does not answer, or with what is no answer
├── SecretNotWritten        a new secret has to be put in its place by hand
├── NothingToRotate         all is sealed under the newest master key
├── KeyInUse                something is sealed under a master key that was to be retired
├── KeyWithheld             a key is not given for a host that is not in its list
└── DataFolderError
    ├── DriverMissing       the driver of the database is not installed
    ├── NoDataFolder        there is none at this place
    ├── DataFolderBusy      another process owns it
    ├── DataFolderNewer     it was made by a newer version
    ├── RotationBusy        another process rotates its master key
    ├── WrongMasterKey      the master key is not the one that it was made with
    └── NotADemo            a demonstration's liberty was asked of a real data folder
"""

from __future__ import annotations


class StoreError(Exception):
    """Something that is kept cannot be read or written."""


class StoreDown(StoreError):
    """The database does not answer, is locked, full or read-only."""


class NoRoom(StoreError):
    """The disk has too little room left to begin what was asked."""


class DoesNotFit(StoreError):
    """A value is too long, or has a sign in it that the database cannot keep."""


class CannotDecrypt(StoreError):
    """The key is wrong, or the ciphertext is damaged or stands in another's place."""


class KeyNotHeld(CannotDecrypt):
    """The master key that a value was sealed under is not at hand."""


class SecretMissing(StoreError):
    """A secret reference leads nowhere, or to something unsafe."""


class SecretsDown(SecretMissing):
    """A secrets manager does not answer, or with what is no answer."""


class SecretNotWritten(StoreError):
    """A new secret has to be put in its place by hand."""


class NothingToRotate(StoreError):
    """All is sealed under the newest master key."""


class KeyInUse(StoreError):
    """Something is sealed under a master key that was to be retired."""


class KeyWithheld(StoreError):
    """A key is not given for a host that is not in its list."""


class DataFolderError(StoreError):
    """The data folder cannot be used."""


class DriverMissing(DataFolderError):
    """The driver of the database is not installed."""


class NoDataFolder(DataFolderError):
    """There is no data folder at this place."""


class DataFolderBusy(DataFolderError):
    """Another process owns the data folder."""


class DataFolderNewer(DataFolderError):
    """The data folder was made by a newer version of Need to Know."""


class RotationBusy(DataFolderError):
    """Another process rotates the master key of the data folder."""


class WrongMasterKey(DataFolderError):
    """The master key is not the one that the data folder was made with, or that is used since a rotation."""


class NotADemo(DataFolderError):
    """A demonstration's liberty was asked of a real data folder."""
