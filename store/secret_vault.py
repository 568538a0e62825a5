"""Secrets in HashiCorp Vault or OpenBao: the key-value engine, version 2, by VAULT_ADDR and VAULT_TOKEN.

The token may also stand in a file that a Vault agent renews (VAULT_TOKEN_FILE), read each time. VAULT_NAMESPACE
and VAULT_CACERT hold as for Vault's own client.
"""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import hvac
import hvac.adapters
import requests
from requests.adapters import HTTPAdapter

from store.address import is_near
from store.errors import SecretMissing, SecretsDown
from store.reference import Reference, Secret, entry, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMES: Final = (3.0, 5.0)  # seconds to connect, and between two pieces
_MOST_BYTES: Final = 1_048_576  # Vault itself keeps no more in one secret
_TOKEN: Final = re.compile(r"[!-~]{1,4096}", re.ASCII)


def read(reference: Reference, environ: Mapping[str, str]) -> Secret:
    """Fetch one field of the secret's latest version.

    Raises:
        SecretMissing: There is no such secret or field, or this token may not read it.
        SecretsDown: Vault is not there, sealed, or answers with what is no answer.
    """
    mount, _, path = reference.place.partition("/")
    answer = _ask(reference, environ, f"/v1/{mount}/data/{path}")
    try:
        version = answer["data"]
        values, made_at = version["data"], version["metadata"]["created_time"]
        if values is None:
            raise SecretMissing(f"the secret {reference} was deleted")
        if isinstance(values, dict):
            return Secret(entry(reference, values), moment(made_at))
    except (KeyError, TypeError):
        pass
    malformed = f"the secret {reference}: what Vault answered has not the form of version 2 of its key-value engine"
    raise SecretsDown(malformed)


def _ask(reference: Reference, environ: Mapping[str, str], path: str) -> Any:
    adapter = hvac.adapters.RawAdapter(
        base_uri=_address(reference, environ),
        token=_token(reference, environ),
        session=_session(environ),
        timeout=_TIMES,
        # A standby server may send elsewhere; wherever that is, the token would go there.
        allow_redirects=False,
        namespace=environ.get("VAULT_NAMESPACE") or None,
        ignore_exceptions=True,  # they quote the reply
    )
    try:
        response = adapter.get(path)
    except requests.Timeout:
        failed = "does not answer in time"
    except requests.exceptions.SSLError:
        failed = "cannot prove who it is: look at its certificate and VAULT_CACERT"
    except requests.RequestException:
        failed = "cannot be reached, or broke off"
    else:
        return _body(reference, response)
    finally:
        adapter.close()
    raise SecretsDown(f"the secret {reference}: Vault {failed}")


def _body(reference: Reference, response: requests.Response) -> Any:
    match response.status_code:
        case 200:
            try:
                return json.loads(response.content)
            except (ValueError, RecursionError):
                failed = "answers with what is no JSON"
        case 401 | 403:
            raise SecretMissing(f"the secret {reference}: Vault refuses this token ({response.status_code})")
        case 404:
            raise SecretMissing(f"the secret {reference} is not in Vault, or its latest version was deleted")
        case 503:
            failed = "is sealed or under maintenance"
        case status if 300 <= status < 400:
            failed = f"sends elsewhere ({status}), where nobody follows: name the active server in VAULT_ADDR"
        case status:
            failed = f"answers {status}"
    raise SecretsDown(f"the secret {reference}: Vault {failed}")


class _Limited(HTTPAdapter):
    """Reads no more than a secret can be: the client would take whatever comes."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        options["stream"] = True
        response = super().send(request, *args, **options)
        content = b""
        for piece in response.iter_content(65_536):
            content += piece
            if len(content) > _MOST_BYTES:
                response.close()
                raise requests.exceptions.ContentDecodingError("too long")
        response._content = content  # noqa: SLF001 - the library gives no other way to hand over a body that was read
        return response


def _session(environ: Mapping[str, str]) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy, and no password of a .netrc
    session.verify = environ.get("VAULT_CACERT") or True
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Limited(max_retries=0))
    return session


def _address(reference: Reference, environ: Mapping[str, str]) -> str:
    address = environ.get("VAULT_ADDR", "")
    url = urlsplit(address)
    if url.scheme not in {"http", "https"} or not url.hostname or url.username or url.query or url.fragment:
        raise SecretMissing(f"the secret {reference}: VAULT_ADDR is to hold the address of Vault, with https")
    if url.scheme == "http" and not is_near(url.hostname):
        raise SecretMissing(f"the secret {reference}: VAULT_ADDR would send the token in clear: write https")
    return address


def _token(reference: Reference, environ: Mapping[str, str]) -> str:
    token = environ.get("VAULT_TOKEN", "")
    if not token and (place := environ.get("VAULT_TOKEN_FILE")):
        token = _from_file(reference, Path(place))
    if not _TOKEN.fullmatch(token.strip()):
        raise SecretMissing(f"the secret {reference}: there is no token in VAULT_TOKEN or VAULT_TOKEN_FILE")
    return token.strip()


def _from_file(reference: Reference, path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SecretMissing(f"the secret {reference}: others may read the file of the token: run chmod 600")
            return file.read(4097)
    except (OSError, ValueError):
        return ""
