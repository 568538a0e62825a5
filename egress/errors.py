"""What can go wrong on the way out.

EgressError
├── BadQuestion
│   ├── EmptyQuestion       there is nothing to answer
│   ├── MalformedQuestion   it holds what is no character
│   └── QuestionTooLong     over the limit of characters
├── PromptRefused           a text holds the delimiter of its request, or is too long; nothing was sent
├── ModelDown               the model gave no usable answer
├── PolicyBehind            the policy is not yet at the epoch that was asked for
├── AnswerBlocked           the answer failed an output check; it is not shown
├── RightsChanged           a right was withdrawn while the answer was made; it is not shown
├── ApplicationRefused      the asker may not ask through this application
├── BadRecord               a provider, an application, a matrix or a list of quotas is not well-formed
├── BadEvidence             what is attested cannot be, or has no document, name or end
├── NoSuchRecord            there is no provider or application of this name
├── RecordMoved             somebody else has changed a record meanwhile
├── NoSuchRequest           there is no request of this id, or it is another's
├── StillWaiting            nobody has decided on a request yet
├── RequestEnded            a request was rejected, was sent, or has expired
├── RequestChanged          what would be sent is no longer what was approved; nothing was sent
├── Stopped                 an administrator has stopped the asker, the application, the provider or everything
├── QuotaExceeded           as much as may be was asked or sent in this window of time
├── CountersDown            the counters of requests do not answer
├── NoSuchStop              no stop of this id is in force, or it is not for this person to know
├── BadIncident             an incident cannot be opened, closed or counted from as it is asked
├── NoSuchIncident          there is no incident of this id, or none that is open
└── NoSuchTask              no task of this id is to be done
"""

from __future__ import annotations


class EgressError(Exception):
    """A question could not be answered."""

    again = False  # the trail holds the same refusal of the same person from less than a minute ago


class BadQuestion(EgressError):
    """The question cannot be asked."""


class EmptyQuestion(BadQuestion):
    """There is nothing to answer."""


class MalformedQuestion(BadQuestion):
    """The question holds what is no character."""


class QuestionTooLong(BadQuestion):
    """The question is over the limit of characters."""


class PromptRefused(EgressError):
    """A text holds the delimiter of its request, or is too long; nothing was sent."""


class ModelDown(EgressError):
    """The model gave no usable answer."""

    def __init__(self, message: str, *, sent: bool = True) -> None:
        """Say it, and whether anything may have been sent: where nobody knows, it may."""
        super().__init__(message)
        self.sent = sent


class PolicyBehind(EgressError):
    """The policy is not yet at the epoch that was asked for."""


class AnswerBlocked(EgressError):
    """The answer failed an output check; it is not shown."""


class RightsChanged(EgressError):
    """A right was withdrawn while the answer was made; it is not shown."""


class ApplicationRefused(EgressError):
    """The asker may not ask through this application."""


class BadRecord(EgressError):
    """A provider, an application, a matrix or a list of quotas is not well-formed."""


class BadEvidence(EgressError):
    """What is attested cannot be, or has no document, name or end."""


class NoSuchRecord(EgressError):
    """There is no provider or application of this name."""


class RecordMoved(EgressError):
    """Somebody else has changed a record meanwhile."""


class Stopped(EgressError):
    """An administrator has stopped the asker, the application, the provider or everything."""


class NoSuchStop(EgressError):
    """No stop of this id is in force, or it is not for this person to know."""


class QuotaExceeded(EgressError):
    """As much as may be was asked or sent in this window of time."""

    def __init__(self, message: str, *, retry_after: int = 60) -> None:
        """Say it, and in how many seconds there is room again."""
        super().__init__(message)
        self.retry_after = retry_after


class CountersDown(EgressError):
    """The counters of requests do not answer."""


class BadIncident(EgressError):
    """An incident cannot be opened, closed or counted from as it is asked."""


class NoSuchIncident(EgressError):
    """There is no incident of this id, or none that is open."""


class NoSuchTask(EgressError):
    """No task of this id is to be done."""


class NoSuchRequest(EgressError):
    """There is no request of this id, or it is another's."""


class StillWaiting(EgressError):
    """Nobody has decided on a request yet."""


class RequestEnded(EgressError):
    """A request was rejected, was sent, or has expired."""


class RequestChanged(EgressError):
    """What would be sent is no longer what was approved; nothing was sent."""
