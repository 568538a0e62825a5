"""What can go wrong with a policy.

    PolicyError
    ├── BadName           a name outside the grammar
    ├── BadLabel          a level or compartment that does not exist
    ├── BadRule           a rule with an unknown action, effect or shape
    ├── BadPerson         a name, an address or a number by which nobody could be recognised
    ├── BadEdit           an edit of unknown kind, or with a part that is missing, unknown or malformed
    ├── BadFile           a policy or directory file with wrong lines
    ├── BadTrail          a record of the trail that replay cannot read
    ├── NotAllowed        the actor may not change this
    ├── NobodyLeft        nobody would be left to administer the policy
    ├── PolicyMoved       the policy is not at the epoch that was asked for
    ├── NoSuchApproval    nothing of this id waits, or not for this person
    ├── BadExport         a file that is no export of an access review
    ├── NestingTooDeep    groups nested past 32, or in a circle
    ├── UnknownName       a user, group or node that is not there
    ├── AlreadyThere      what is to be made exists with other properties
    └── PolicyTooLarge    one caller reaches more groups than a decision may read

A "no" is no error: decisions return `Deny`.
"""

from __future__ import annotations


class PolicyError(Exception):
    """The policy, or a change to it, is wrong."""


class BadName(PolicyError):
    """A name is outside the grammar."""


class BadLabel(PolicyError):
    """A level or compartment does not exist."""


class BadRule(PolicyError):
    """A rule has an unknown action, effect or shape."""


class BadPerson(PolicyError):
    """A name, an e-mail address or a phone number is one by which nobody could be recognised."""


class BadEdit(PolicyError):
    """An edit is of unknown kind, or a part of it is missing, unknown or malformed."""


class BadFile(PolicyError):
    """A policy or directory file is wrong; the message has a line for each fault."""


class BadTrail(PolicyError):
    """A record of the audit trail cannot be replayed."""


class NotAllowed(PolicyError):
    """The actor may not change this."""


class NobodyLeft(PolicyError):
    """Nobody would be left to administer the policy."""


class PolicyMoved(PolicyError):
    """The policy is not at the epoch that was asked for."""


class NoSuchApproval(PolicyError):
    """Nothing of this id waits, or not for this person."""


class BadExport(PolicyError):
    """A file is no export of an access review."""


class NestingTooDeep(PolicyError):
    """Groups are nested past the limit, or in a circle."""


class UnknownName(PolicyError):
    """A user, group or node is not there."""


class AlreadyThere(PolicyError):
    """What is to be made exists already, with other properties."""


class PolicyTooLarge(PolicyError):
    """One caller reaches more groups than a decision may read."""
