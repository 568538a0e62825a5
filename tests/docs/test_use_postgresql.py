"""The how-to page for PostgreSQL, done as it stands there, with names of its own on a server that answers."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine

from api.errors import Exit
from store.folder import Layout
from tests.docs.blocks import ROOT, blocks, shell_lines
from tests.docs.shell import Shell
from tests.postgres import superuser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

PAGE = (ROOT / "docs/how-to/use-postgresql.md").read_text("utf-8")


def of_page(language: str) -> str:
    (only,) = (block.text for block in blocks(PAGE) if block.language == language)
    return only


@pytest.fixture
def made() -> Iterator[URL]:
    """Run the SQL of the page with another name for role and database, and give the URL of what it made."""
    server, name = superuser(), f"ntk_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        try:
            for statement in of_page("sql").replace("ntk", name).split(";\n"):
                if statement.strip():
                    connection.exec_driver_sql(statement)
            yield server.set(username=name, password="the-password", database=name)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.exec_driver_sql(f"DROP ROLE IF EXISTS {name}")
    admin.dispose()


def test_the_page_makes_an_installation_on_postgresql(
    made: URL, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NTK_DATA", raising=False)
    secret = tmp_path / "database.url"
    secret.touch(mode=0o600)
    secret.write_text(made.set(drivername="postgresql").render_as_string(hide_password=False))
    shell = Shell(lambda: capsys.readouterr().out)
    said = {
        line: shell.run(line.replace("/etc/ntk/database.url", str(secret)))
        for line, _ in shell_lines(PAGE)
        if line.startswith("ntk ")
    }
    assert list(said) == ["ntk init --database file:/etc/ntk/database.url", "ntk doctor"]
    assert shell.code == Exit.YES
    assert "PostgreSQL" in (said["ntk doctor"] or "")
    assert str(made.database) in (said["ntk doctor"] or "")
    assert "the-password" not in "".join(map(str, said.values()))
    assert not Layout(Path("ntk-data")).database.exists()
    shell.run('ntk user add user:anna --name "Anna Ash"')
    assert "records verify" in (shell.run("ntk audit verify") or "")
