"""What the API gives to who decides and who administers, for the tests of these two views."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from api.matrix import column_of
from egress.contract.evidence import POINTS
from egress.contract.forms import to_json
from egress.contract.matrix import default_matrix
from egress.contract.provider import Kind
from egress.contract.register import Registered
from tests.contracts import local_of, provider_of
from tests.pages.stand_in import PROMPT

if TYPE_CHECKING:
    from egress.contract.provider import Provider
    from tests.pages.stand_in import StandIn

SYSTEM: Final = "You answer one question from numbered excerpts of documents."
_TIMES: Final = {
    "asked_at": "2026-03-02T10:00:00+00:00",
    "age_seconds": 3 * 3600 + 5,
    "expires_at": "2026-03-05T10:00:00+00:00",
    "state": "waiting",
}
SEND: Final[dict[str, Any]] = {
    "approval": "a-send", "kind": "send", "asked_by": "user:dora", "reasons": [], **_TIMES,
    "reason": "gdpr may go to llm.example once a second person has approved the exact bytes",
    "label": "confidential+gdpr", "provider": "llm.example", "kind_of_provider": "third-party", "model": "a-model",
    "contract_version": 4, "application": "app:http", "purpose": "Staff ask about what they may read.",
    "documents": ["doc:travel", "doc:expenses"], "redactions": {"USER": 2, "PHONE": 1}, "characters": 1834,
    "prompt_hash": "9f2c" * 16,
    "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}],
}  # fmt: skip
POLICY: Final[dict[str, Any]] = {
    "approval": "a-policy", "kind": "policy", "asked_by": "user:olga", **_TIMES,
    "reason": "Basel takes over the boilers in April.",
    "reasons": ["it lets somebody at what is restricted"],
    "edits": [
        {"op": "add-rule", "subject": "group:basel", "object": "coll:boilers", "action": "read", "effect": "allow"},
        {"op": "set-clearance", "user": "user:paul", "level": 3, "compartments": ["gdpr", "hipaa"]},
    ],
}  # fmt: skip
MATRIX_CHANGE: Final[dict[str, Any]] = {
    "approval": "a-matrix", "kind": "matrix", "asked_by": "user:olga", **_TIMES,
    "reason": "The works council has agreed.",
    "reasons": ["retention: at most 7 days, in place of 30", "internal: needs dpa, in place of training-opt-out"],
    "matrix": to_json(default_matrix()),
}  # fmt: skip
LIFT: Final[dict[str, Any]] = {
    "approval": "a-lift", "kind": "lift-stop", "asked_by": "user:olga", **_TIMES,
    "reason": "The key was changed.", "reasons": ["it starts provider:llm.example again"],
    "stop": "s-1", "target": "provider:llm.example", "stopped_by": "user:mona",
    "stopped_at": "2026-03-01T07:30:00+00:00", "stopped_for": "A key was seen in a log.",
}  # fmt: skip
ALL: Final = (SEND, POLICY, MATRIX_CHANGE, LIFT)
_WHOLE: Final = {"messages", "matrix"}


def waiting(service: StandIn, *items: dict[str, Any], user: str = "user:paul") -> None:
    """Let these things wait for somebody."""
    listed = [{name: value for name, value in it.items() if name not in _WHOLE} for it in items]
    service.user = user
    service.api["GET /approvals"] = {"items": listed, "next": None}
    for it in items:
        service.api[f"GET /approvals/{it['approval']}"] = it


def columns(*providers: Provider) -> list[Any]:
    """Give how providers stand in the matrix that ships, as the API does."""
    today, at = date(2026, 3, 2), datetime(2026, 1, 1, tzinfo=UTC)
    kept = [Registered("provider", it.name, 1, to_json(it), "user:olga", at) for it in providers]
    return [column_of(default_matrix(), it, today) for it in kept]


def _later(days: int) -> date:
    return date(2026, 3, 2) + timedelta(days=days)


SOON: Final = provider_of(
    dpa={"until": _later(12)}, training_opt_out={"until": _later(300)}, baa=None, retention_days=90, ends=_later(300)
)
PAST: Final = provider_of(name="old.example", ends=_later(-3))
PRIVATE: Final = provider_of(
    name="house", kind=Kind.PRIVATE, **{name: {"until": _later(300)} for name in ("dpa", "baa", "training_opt_out")},
    ends=_later(300),
)  # fmt: skip
OPEN: Final[dict[str, Any]] = {
    "application": "app:http",
    "open": False,
    "closed": ["leak-test"],
    "points": [
        {
            "point": name,
            "state": "closed" if name == "leak-test" else "open",
            "why": "it was never measured: ntk gate APP --check" if name == "leak-test" else "quotas hold",
            "kind": "measured" if name == "leak-test" else "computed",
            "until": None if name == "leak-test" else "2026-04-01T00:00:00+00:00",
        }
        for name in POINTS
    ],
    "warnings": ["keys closes on 2026-03-06"],
}
APPLICATION: Final[dict[str, Any]] = {
    "name": "http", "version": 2, "made_by": "user:olga", "made_at": "2026-03-01T07:30:00+00:00",
    "record": {
        "name": "http", "purpose": "Staff ask about what they may read.", "owner": "user:olga",
        "ceiling": "confidential+gdpr", "users": ["role:everyone"], "provider": "llm.example", "local": None,
    },
}  # fmt: skip


def administered(service: StandIn) -> None:
    """Let there be a matrix with four providers, and an application with a gate."""
    providers = columns(SOON, PRIVATE, local_of(), PAST)
    service.api["GET /matrix"] = {"version": 0, "matrix": to_json(default_matrix()), "providers": providers}
    service.api["GET /applications"] = {"items": [APPLICATION], "next": None}
    service.api["GET /applications/http/gate"] = OPEN
