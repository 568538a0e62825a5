"""Keys, tokens and passwords are found, and forms, manuals and sentences about them are let be."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Final

import pytest

from redaction.detectors.secrets import secrets
from tests.redaction.detectors.made_up import ANY, chance

HEX: Final = "0123456789abcdef"
UPPER: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ234567"
BODY: Final = f"{chance(ANY, 64, '1')}\n{chance(ANY, 64, '2')}"


def begin(kind: str) -> str:
    return f"-----{'BEGIN'} {kind}-----"


def jwt(header: object) -> str:
    parts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, {"sub": "12345"})]
    return ".".join([*parts, chance(ANY, 43)])


KEYS: Final = {
    "rsa": f"{begin('RSA PRIVATE KEY')}\n{BODY}",
    "pkcs8": f"{begin('PRIVATE KEY')}\r\n{BODY}",
    "encrypted": f"{begin('ENCRYPTED PRIVATE KEY')}\n{BODY}",
    "openssh": f"{begin('OPENSSH PRIVATE KEY')}\n{BODY}",
    "with headers": f"{begin('EC PRIVATE KEY')}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES,{chance(HEX, 32)}\n\n{BODY}",
    "pgp": f"{begin('PGP PRIVATE KEY BLOCK')}\nVersion: GnuPG v2\n\n{BODY}",
    "in json": f'"private_key": "{begin("PRIVATE KEY")}\\n{BODY[:60]}\\n',
    "quoted": f"> {begin('PRIVATE KEY')}\n> {BODY}",
    "putty": f"PuTTY-User-Key-File-{3}: ssh-ed25519\nComment: me\nPublic-Lines: 1\n{BODY[:40]}\nPrivate-Lines: 1\n",
    "of this service": "nt" + "k_" + chance(ANY, 43),
    "aws": "AK" + "IA" + chance(UPPER, 16),
    "github": "gh" + "p_" + chance(ANY, 36),
    "github, fine": "github" + "_pat_" + chance(ANY, 22) + "_" + chance(ANY, 59),
    "gitlab": "gl" + "pat-" + chance(ANY, 20),
    "slack": "xo" + "xb-" + chance("0123456789", 12) + "-" + chance(ANY, 24),
    "slack hook": "/".join(
        ["https://hooks.slack.com/services", f"T{chance(UPPER, 8)}", f"B{chance(UPPER, 8)}", chance(ANY, 24)]
    ),
    "stripe": "sk" + "_live_" + chance(ANY, 24),
    "google": "AI" + "za" + chance(ANY, 35),
    "openai": "sk" + "-proj-" + chance(ANY, 48),
    "anthropic": "sk" + "-ant-api03-" + chance(ANY, 80),
    "hugging face": "h" + "f_" + chance(ANY, 34),
    "npm": "np" + "m_" + chance(ANY, 36),
    "sendgrid": "S" + "G." + chance(ANY, 22) + "." + chance(ANY, 43),
    "vault": "hv" + "s." + chance(ANY, 24),
    "azure": "DefaultEndpointsProtocol=https;AccountName=a;Account" + "Key=" + chance(ANY, 86) + "==",
    "jwt": jwt({"alg": "HS256", "typ": "JWT"}),
    "bearer": f"Authorization: Bearer {chance(ANY, 40)}",
    "password": "Password: Sommer2024!",
    "password in code": "password = 'hunter2xY'",
    "password in German": "Passwort: Rh3inl@nd",
    "password in a sentence": "The password is: Tr0ub4dor&3",
    "password of a variable": "DB_PASSWORD=q8Zr!tt90x",
    "password in a table": "Host: db1; User: sa; pwd: Kiel#1987",
    "password in json": '{"password": "Kiel#1987"}',
    "password that names a word": "Password: Passwort123!",
    "kennwort": "Kennwort: Blume-47-Haus",
    "api key": f"api_key: {chance(HEX, 32)}",
    "secret key": f"aws_secret_access_key = {chance(ANY, 40)}",
    "client secret": f"client-secret: {chance(ANY, 32)}",
    "token": f"token: {chance(ANY, 40)}",
    "address": f"postgres://app:{chance(ANY, 12)}@db.internal:5432/x",
    "address with marks": "mongodb+srv://root:S3cr3t!w9@cluster0.mongodb.example",
}


@pytest.mark.parametrize("text", KEYS.values(), ids=KEYS)
def test_a_secret_is_found(text: str) -> None:
    assert secrets(text) >= 1
    assert secrets(f"Some words.\n\n{text}\n\nMore words.") >= 1


@pytest.mark.parametrize(
    "text",
    [
        # what is public, or only the frame
        f"{begin('PUBLIC KEY')}\n{BODY}",
        f"{begin('CERTIFICATE')}\n{BODY}",
        f"{begin('PRIVATE KEY')}\n...\n-----END PRIVATE KEY-----",
        f"A file that begins with {begin('PRIVATE KEY')} is a key.",
        # forms and manuals
        "Password: <your password>",
        "Password: ********",
        "Password: ${DB_PASSWORD}",
        "password = os.environ['DB_PASSWORD']",
        "password = getpass()",
        "password: {{ vault.password }}",
        "password: changeme123",
        "api_key=YOUR_API_KEY_HERE_1234567",
        "token: string, needed",
        "secret: projects/42/secrets/name/versions/1",
        "gh" + "p_" + "x" * 36,
        "AK" + "IA" + "IOSFODNN7" + "EXAMPLE",
        "sk-learn-contrib-something-with-a-very-long-name",
        "https://user:password@host.example/",
        "https://user:${PASS}@host.example/",
        "https://host.example:8080/a@b",
        jwt({"typ": "JWT"}),
        "eyJhbGci.eyJzdWI.",
        # sentences
        "Password: must be 12 characters",
        "Password: 8-16 characters",
        "Passwords: see the policy",
        "The secret: patience",
        "Token: ERC20-compatible",
        "commit token: 0a1b2c",
        "access token: expires after 3600 seconds",
        "private key: kept by the owner",
        "key: value",
        "password",
        "",
    ],
)
def test_what_only_speaks_of_secrets_is_let_be(text: str) -> None:
    assert secrets(text) == 0


def test_each_secret_counts() -> None:
    assert secrets(f"{KEYS['aws']}\n{KEYS['github']}\n{KEYS['password']}") == 3
