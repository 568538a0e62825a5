"""Who a server must prove to be, before it gets anything."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from egress.errors import ModelDown
from egress.openai_model import OpenAiModel
from tests.egress.wire import (
    ANSWER,
    GOOD,
    KEY,
    OK,
    PROMPT,
    Wire,
    says,
)

if TYPE_CHECKING:
    from pathlib import Path


def certificate(folder: Path, host: str, *, expired: bool = False) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Give a server's context with a fresh certificate, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    alternative: x509.GeneralName = x509.DNSName(host)
    if host[0].isdecimal():
        alternative = x509.IPAddress(ipaddress.ip_address(host))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=-1 if expired else 1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return server, ssl.create_default_context(cafile=str(folder / "cert.pem"))


def test_a_trusted_certificate_is_accepted(tmp_path: Path) -> None:
    server, trust = certificate(tmp_path, "127.0.0.1")
    with Wire(says(OK, GOOD), server) as wire, OpenAiModel(wire.base_url, "small", KEY, tls=trust) as model:
        assert model.complete(PROMPT).text == ANSWER


@pytest.mark.parametrize(
    ("host", "expired", "trusted"),
    [("127.0.0.1", True, True), ("llm.example", False, True), ("127.0.0.1", False, False)],
)
def test_a_certificate_expired_or_of_another_host_or_authority_gets_nothing(
    tmp_path: Path, *, host: str, expired: bool, trusted: bool
) -> None:
    """FT-14: not even the key reaches a server that cannot prove who it is."""
    server, trust = certificate(tmp_path, host, expired=expired)
    with Wire(says(OK, GOOD), server) as wire:
        model = OpenAiModel(wire.base_url, "small", KEY, tls=trust if trusted else None)
        with model, pytest.raises(ModelDown, match="the connection failed"):
            model.complete(PROMPT)
    assert wire.received == []
