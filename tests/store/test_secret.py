from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from store.errors import SecretMissing
from store.secret import resolve

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(" s3cret \n", encoding="ascii")
    path.chmod(0o600)
    return path


def test_a_file_is_read_from_the_data_folder_or_from_anywhere(secret: Path, tmp_path: Path) -> None:
    assert resolve("file:secret", tmp_path) == "s3cret"
    assert resolve(f"file:{secret}", tmp_path / "elsewhere") == "s3cret"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_that_its_owner_alone_may_read_is_read(secret: Path, tmp_path: Path, mode: int) -> None:
    secret.chmod(mode)
    assert resolve("file:secret", tmp_path) == "s3cret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666])
def test_a_file_that_others_may_touch_is_refused(secret: Path, tmp_path: Path, mode: int) -> None:
    secret.chmod(mode)
    with pytest.raises(SecretMissing, match="chmod 600"):
        resolve("file:secret", tmp_path)


def test_a_link_is_judged_by_what_it_leads_to(secret: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(secret)
    assert resolve("file:link", tmp_path) == "s3cret"
    secret.chmod(0o644)
    with pytest.raises(SecretMissing, match="chmod 600"):
        resolve("file:link", tmp_path)


def test_an_environment_variable_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTK_TEST_SECRET", " s3cret\n")
    assert resolve("env:NTK_TEST_SECRET", tmp_path) == "s3cret"


def test_an_empty_or_missing_variable_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTK_TEST_SECRET", " \n")
    for reference in ("env:NTK_TEST_SECRET", "env:NTK_TEST_NONE"):
        with pytest.raises(SecretMissing, match="not there or is empty"):
            resolve(reference, tmp_path)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("file:none", "is not there: restore your copy of it"),
        ("file:none/secret", "is not there: restore your copy of it"),
        ("file:secret/below", "is not there: restore your copy of it"),
        ("file:.", "is a folder"),
        ("file:a\0b", "zero byte"),
        ("file:" + "a" * 300, "cannot be read: File name too long"),
    ],
)
@pytest.mark.usefixtures("secret")
def test_a_file_that_cannot_be_read_is_no_secret_and_the_reason_is_in_words(
    tmp_path: Path, reference: str, words: str
) -> None:
    with pytest.raises(SecretMissing, match=words) as refused:
        resolve(reference, tmp_path)
    assert "Error" not in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read any file")
def test_a_file_of_another_user_is_told_from_a_lost_one(secret: Path, tmp_path: Path) -> None:
    secret.chmod(0)
    with pytest.raises(SecretMissing, match="may not be read by the user"):
        resolve("file:secret", tmp_path)


@pytest.mark.parametrize("content", [b"", b" \n\t"])
def test_an_empty_file_is_no_secret(secret: Path, tmp_path: Path, content: bytes) -> None:
    secret.write_bytes(content)
    with pytest.raises(SecretMissing, match="empty"):
        resolve("file:secret", tmp_path)


def test_a_file_that_is_no_text_is_no_secret(secret: Path, tmp_path: Path) -> None:
    secret.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SecretMissing, match="holds no text"):
        resolve("file:secret", tmp_path)


@pytest.mark.parametrize("reference", ["", "file:", "env:", "secret", "vault:a/b", "FILE:secret", " file:secret"])
def test_what_is_no_reference_is_refused(secret: Path, tmp_path: Path, reference: str) -> None:
    with pytest.raises(SecretMissing, match="has the form"):
        resolve(reference, tmp_path)


def test_a_secret_that_stands_in_the_place_of_its_reference_is_not_repeated(tmp_path: Path) -> None:
    """AL-08: somebody will put the key itself into the settings; the error goes to the log."""
    with pytest.raises(SecretMissing) as refused:
        resolve("c0ffee" * 8, tmp_path)
    assert "c0ffee" not in str(refused.value)
