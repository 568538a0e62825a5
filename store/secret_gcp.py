"""Secrets in Google Cloud Secret Manager, by the default credentials of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.protobuf.json_format import ParseError

from store.errors import SecretMissing, SecretsDown
from store.reference import Reference, Secret, moment, part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SECONDS: Final = 5.0


def _client() -> SecretManagerServiceClient:
    # Over HTTP: gRPC would keep threads of its own, which a process that forks must not have.
    return SecretManagerServiceClient(transport="rest")


def read(
    reference: Reference,
    environ: Mapping[str, str],  # noqa: ARG001 - the client reads it for itself
    *,
    client: Callable[[], SecretManagerServiceClient] = _client,
) -> Secret:
    """Fetch a version, by default the latest.

    Raises:
        SecretMissing: There is no such secret or field, or nobody who may read it.
        SecretsDown: Google is not there, or fails.
    """
    project, name, *version = reference.place.split("/")
    full = f"projects/{project}/secrets/{name}/versions/{version[0] if version else 'latest'}"
    try:
        google = client()
        session: Any = google.transport
        session = session._session  # noqa: SLF001 - the client has no setting for either
        session.trust_env, session.max_redirects = False, 0  # no proxy of the environment, and nowhere else
        found = google.access_secret_version(name=full, retry=None, timeout=_SECONDS)
        text = found.payload.data.decode("ascii")
        made_at = _made_at(google, found.name)
    except exceptions.NotFound:
        refused = "is not in Google's Secret Manager"
    except (exceptions.Forbidden, exceptions.Unauthorized):
        refused = "may not be read by this service account"
    except exceptions.BadRequest:
        refused = "is disabled or destroyed"
    except UnicodeDecodeError:
        refused = "is no text"
    except (exceptions.GoogleAPIError, GoogleAuthError, ParseError, OSError, ValueError) as error:
        raise SecretsDown(f"the secret {reference}: Google cannot be asked ({type(error).__name__})") from None
    else:
        return Secret(part_of(reference, text), moment(made_at))
    raise SecretMissing(f"the secret {reference} {refused}")


def _made_at(google: SecretManagerServiceClient, name: str) -> object:
    """Ask when a version was made; that takes another right than to read it, which need not be given."""
    try:
        return google.get_secret_version(name=name, retry=None, timeout=_SECONDS).create_time
    except (exceptions.GoogleAPIError, OSError):
        return None
