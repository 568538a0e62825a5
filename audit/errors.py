"""What can go wrong with the audit trail.

AuditError
├── AuditDown       a record cannot be written; nothing may be sent
└── ChainBroken     verification found a record that is not what was written
"""

from __future__ import annotations


class AuditError(Exception):
    """The audit trail cannot be written or trusted."""


class AuditDown(AuditError):
    """A record cannot be written; nothing may be sent."""


class ChainBroken(AuditError):
    """Verification found a record that is not what was written."""
