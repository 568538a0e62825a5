"""Secrets in Azure Key Vault, by the identity of the workload or the machine, or by AZURE_CLIENT_ID and the like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

from store.errors import SecretMissing, SecretsDown
from store.reference import Reference, Secret, moment, part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIMITS: Final = {  # seconds; asked once; no redirect, no proxy of the environment
    "connection_timeout": 3,
    "read_timeout": 5,
    "retry_total": 0,
    "permit_redirects": False,
    "use_env_settings": False,
}


def _client(host: str) -> SecretClient:
    # What a developer's programs hold is left out: they would be started and asked, one after the other.
    credential = DefaultAzureCredential(
        exclude_shared_token_cache_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_cli_credential=True,
        exclude_powershell_credential=True,
        exclude_developer_cli_credential=True,
        exclude_broker_credential=True,
        **LIMITS,
    )
    return SecretClient(f"https://{host}", credential, **LIMITS)


def read(
    reference: Reference,
    environ: Mapping[str, str],  # noqa: ARG001 - the client reads it for itself
    *,
    client: Callable[[str], SecretClient] = _client,
) -> Secret:
    """Fetch the current version.

    Raises:
        SecretMissing: There is no such secret or field, it has expired, or nobody may read it.
        SecretsDown: Azure is not there, or fails.
    """
    vault, _, name = reference.place.partition("/")
    host = vault if "." in vault else f"{vault}.vault.azure.net"
    try:
        with client(host) as azure:
            found = azure.get_secret(name)
    except ResourceNotFoundError:
        refused = "is not in this Azure key vault"
    except ClientAuthenticationError:
        refused = "cannot be asked for: no Azure identity signs in"
    except HttpResponseError as error:
        if error.status_code != 403:
            raise SecretsDown(f"the secret {reference}: Azure Key Vault fails") from None
        refused = "may not be read by this identity, or is disabled"
    except (AzureError, OSError, ValueError) as error:
        raise SecretsDown(f"the secret {reference}: Azure cannot be asked ({type(error).__name__})") from None
    else:
        if found.properties.expires_on and found.properties.expires_on <= datetime.now(UTC):
            raise SecretMissing(f"the secret {reference} has expired")
        return Secret(part_of(reference, found.value or ""), moment(found.properties.created_on))
    raise SecretMissing(f"the secret {reference} {refused}")
