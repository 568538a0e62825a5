"""Secrets in AWS Secrets Manager, by the environment, profile or role that boto3 finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from store.errors import SecretMissing, SecretsDown
from store.reference import Reference, Secret, moment, part_of

if TYPE_CHECKING:
    from collections.abc import Mapping

# Asked once: who waits longer is no better off. No proxy of the environment sees where secrets are.
_ONCE: Final = Config(
    connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"}, proxies={}
)
_REFUSALS: Final = {
    "ResourceNotFoundException": "is not in AWS Secrets Manager",
    "InvalidRequestException": "is about to be deleted",
    "DecryptionFailure": "cannot be opened with its KMS key",
    "AccessDeniedException": "may not be read by this role",
    "UnrecognizedClientException": "is refused to these AWS credentials",
    "InvalidSignatureException": "is refused to these AWS credentials",
    "ExpiredTokenException": "is refused: the AWS credentials have expired",
}


def read(reference: Reference, environ: Mapping[str, str]) -> Secret:  # noqa: ARG001 - boto3 reads it for itself
    """Fetch the current version.

    Raises:
        SecretMissing: There is no such secret or field, or nobody who may read it.
        SecretsDown: AWS is not there, or fails.
    """
    try:
        # A session of its own: the default one is not safe between threads.
        client = boto3.session.Session().client("secretsmanager", region_name=_region(reference), config=_ONCE)
        answer = client.get_secret_value(SecretId=reference.place)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        known = _REFUSALS.get(str(code))
    except BotoCoreError as error:
        raise SecretsDown(f"the secret {reference}: AWS cannot be asked ({type(error).__name__})") from None
    else:
        if "SecretString" not in answer:
            raise SecretMissing(f"the secret {reference} is no text")
        return Secret(part_of(reference, answer["SecretString"]), moment(answer.get("CreatedDate")))
    if known:
        raise SecretMissing(f"the secret {reference} {known}")
    raise SecretsDown(f"the secret {reference}: AWS Secrets Manager fails")


def _region(reference: Reference) -> str | None:
    """Give the region of an ARN; None is the one of the environment."""
    parts = reference.place.split(":")
    return parts[3] if len(parts) > 3 and parts[0] == "arn" else None
