"""The documents say what is there: links, files, tests, commands, settings, errors."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

import pytest
import yaml

from api.ask import AskIn, to_json
from api.errors import ERRORS
from api.settings import Settings, load_settings
from docs import generate
from docs.commands_page import commands
from docs.settings_page import settings
from egress.contract.application import Application
from egress.contract.forms import read_yaml
from egress.contract.provider import Provider
from ingest.declared import Declaration, DeclarationFile, parse_declaration
from ingest.parse import FORMATS
from tests.docs.blocks import NAMES, ROOT, Block, blocks, prose, shell_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from store.folder import Layout

OPTIONS: Final[Mapping[str, set[str]]] = {
    name: {option for parameter in command.params for option in parameter.opts} | {"--help"}
    for name, command in commands()
}
WORDS: Final = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
HOSTS: Final = {
    "10.0.0.7",
    "127.0.0.1",
    "llm.example",
    "ntk.example",
    "qdrant.example",
    "download.pytorch.org",
    "keepachangelog.com",
    "semver.org",
    "www.w3.org",
}
# A path of somebody's machine, a mark of unfinished work, a word that is no user's business.
FOREIGN: Final = re.compile(
    r"(?<![\w.])/(?:work|tmp|root|home|Users)\b|\b(?:TODO|TBD|FIXME|XXX|lorem ipsum|placeholder)\b|[A-Z]:\\",
    re.IGNORECASE,
)


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def slugs(text: str) -> set[str]:
    """Give the anchors of a page's headings, as forges make them."""
    titles = re.findall(r"^#{1,6} +(.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(name: str, text: str) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", prose(text))
    broken = []
    for target in (one or other for one, other in found):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (ROOT / name).parent / path if path else ROOT / name
        if not there.exists() or (anchor and anchor not in slugs(there.read_text("utf-8"))):
            broken.append(target)
    return broken


@pytest.mark.parametrize("name", NAMES)
def test_every_link_inside_leads_somewhere(name: str) -> None:
    assert not broken_links(name, page(name))


def test_a_broken_link_is_found() -> None:
    text = "[a](docs/none.md) [b](README.md#no-such-heading) [c](docs/README.md#documents) ![d](none.svg)"
    assert broken_links("README.md", text) == ["docs/none.md", "README.md#no-such-heading", "none.svg"]


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, todo = set(), ["README.md"]
    while todo:
        if (name := todo.pop()) not in reached:
            reached.add(name)
            targets = re.findall(r"\]\(([^)\s#:]+\.md)", page(name))
            todo += [((ROOT / name).parent / target).resolve().relative_to(ROOT).as_posix() for target in targets]
    assert set(NAMES) <= reached


def misused(line: str) -> str | None:
    """Say what is wrong with a shell line that calls ntk or make; None if it is in order."""
    words = [word for word in shlex.split(line, comments=True) if not re.match(r"[A-Z_]+=", word)]
    if words[:1] == ["make"]:
        unknown = [word for word in words[1:] if word not in WORDS and not re.search("[A-Z]", word)]
        return f"no word of the Makefile: {unknown[0]}" if unknown else None
    at = next((place for place, word in enumerate(words) if word == "ntk" or word.endswith("/ntk")), None)
    if at is None:
        return None
    words = words[at + 1 :]
    name = next((two for two in (" ".join(words[:2]), words[0] if words else "") if two in OPTIONS), None)
    if name is None:
        return None if words == ["--help"] else f"no command: {line}"
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in OPTIONS[name]]
    return f"no option of {name}: {unknown[0]}" if unknown else None


def commands_in(text: str) -> Iterator[str]:
    for line, _ in shell_lines(text):
        inner = re.search(r"\$\((.*)\)", line)
        yield inner[1] if inner else line
    # In running text, a command with a value in capitals stands for any: `ntk ask QUESTION`.
    yield from re.findall(r"`((?:ntk|make) [a-z][^`…]*)`", prose(text))


@pytest.mark.parametrize("name", NAMES)
def test_every_command_in_a_document_exists_with_its_options(name: str) -> None:
    groups = {command.partition(" ")[0] for command in OPTIONS if " " in command}
    assert not [
        problem
        for line in commands_in(page(name))
        if line.removeprefix("ntk ") not in groups and (problem := misused(line))
    ]


@pytest.mark.parametrize(
    "line",
    ["ntk frobnicate", "ntk ask --loud Who?", "ntk user remove user:anna", ".venv/bin/ntk askk", "make coffee"],
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    assert misused(line)


@pytest.mark.parametrize(
    "line", ["NTK_KEY=x ntk ask --json Who?", ".venv/bin/ntk user add user:a --name A", "make test", "ls"]
)
def test_a_command_that_exists_is_in_order(line: str) -> None:
    assert misused(line) is None


@pytest.mark.parametrize("name", NAMES)
def test_every_file_and_test_that_a_document_names_is_there(name: str) -> None:
    for path, test in re.findall(r"`([a-z_]+/[\w./-]+\.[a-z]+)(?:::(\w+))?`", page(name)):
        assert (ROOT / path).is_file(), path
        assert not test or f"\ndef {test}(" in page(path), f"{path}::{test}"


def is_defined(dotted: str) -> bool:
    """Tell whether a name such as acl.decision.decider is a module, or stands at the top of one."""
    parent, _, member = dotted.rpartition(".")
    if (ROOT / dotted.replace(".", "/")).with_suffix(".py").exists() or (ROOT / dotted.replace(".", "/")).is_dir():
        return True
    module = (ROOT / parent.replace(".", "/")).with_suffix(".py")
    return module.exists() and bool(re.search(rf"^(?:def |class )?{member}\b", module.read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_every_module_and_function_that_a_document_names_is_there(name: str) -> None:
    packages = "acl|api|audit|egress|ingest|redaction|retrieval|store"
    for dotted in re.findall(rf"`((?:{packages})(?:\.[a-z_]+)+)(?:\(\))?`", page(name)):
        assert is_defined(dotted), dotted


def test_a_module_or_function_that_is_not_there_is_found() -> None:
    assert is_defined("acl.decision")
    assert is_defined("acl.decision.decider")
    assert not is_defined("acl.decision.enforcer")
    assert not is_defined("acl.guess")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_document_is_of_somebodys_machine_or_unfinished(name: str) -> None:
    assert not FOREIGN.findall(page(name))


@pytest.mark.parametrize("text", ["see /" + "work/x", "in /home/anna", "TODO: write", "C:\\Users"])
def test_what_is_of_somebodys_machine_is_found(text: str) -> None:
    assert FOREIGN.search(text)


@pytest.mark.parametrize("name", [*NAMES, "docs/one-question.svg"])
def test_no_document_names_a_host_that_is_not_meant(name: str) -> None:
    assert set(re.findall(r"https?://([^/:\s\"`)>]+)", page(name))) <= HOSTS


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_a_reference_page_is_what_the_code_says(name: str) -> None:
    assert page(f"docs/reference/{name}") == generate.PAGES[name](), "run make docs"


def test_no_reference_page_is_left_over() -> None:
    assert {path.name for path in generate.REFERENCE.iterdir()} == generate.PAGES.keys()


def test_every_setting_has_a_description_and_a_line() -> None:
    text = page("docs/reference/settings.md")
    names = [name for name, _ in settings()]
    assert {"master_key", "index", "index.url"} <= set(names)
    assert names[: len(Settings.model_fields)][0] == "master_key"
    for name, field in settings():
        assert field.description
        assert f"| `{name}` | `NTK_{name.replace('.', '__').upper()}` |" in text
        assert field.description.replace("|", "\\|") in text


def test_every_error_has_a_line() -> None:
    text = page("docs/reference/errors.md")
    for row in ERRORS.values():
        assert f"| `{row.code}` | {row.status} | {int(row.exit)} | {row.title} |" in text


def test_every_format_has_a_line_and_no_other_has() -> None:
    table = page("docs/explanation/formats.md").partition("## Limits")[0]
    lines = [line for line in table.split("\n") if line.startswith("| `")]
    assert {suffix for line in lines for suffix in re.findall(r"`(\.\w+)`", line.split("|")[1])} == FORMATS


def test_every_command_and_option_has_a_line() -> None:
    text = page("docs/reference/cli.md")
    sections = {part.partition("`")[0]: part for part in text.split("## `ntk ")[1:]}
    assert len(sections) == len(OPTIONS)
    for name, options in OPTIONS.items():
        (section,) = (part for head, part in sections.items() if re.sub(r"( [A-Z_]+)*$", "", head) == name)
        assert all(f"`{option}`" in section for option in options if option.startswith("--") and option != "--help")


def test_every_field_of_question_and_reply_has_a_line_and_no_other() -> None:
    assert generate.ASKED.keys() == AskIn.model_fields.keys()
    assert generate.REPLIED.keys() == to_json(generate.EXAMPLE).keys()


def test_every_route_has_a_line() -> None:
    text = page("docs/reference/http.md")
    for path, methods in generate.interface().openapi()["paths"].items():
        assert all(f"| `{method.upper()} {path}` |" in text for method in methods)


def of_language(language: str) -> list[Block]:
    return [block for name in NAMES for block in blocks(page(name)) if block.language == language]


def yaml_blocks(*, records: bool) -> list[Block]:
    """Give the records of providers and applications, which name what they are of, or else the declarations."""
    return [block for block in of_language("yaml") if block.text.startswith("name:") is records]


@pytest.mark.parametrize("block", yaml_blocks(records=True))
def test_every_record_in_a_document_is_accepted(block: Block) -> None:
    assert read_yaml(Provider if "\nkind:" in block.text else Application, block.text, "the page")


@pytest.mark.parametrize("block", yaml_blocks(records=False))
def test_every_declaration_in_a_document_is_accepted(block: Block) -> None:
    assert isinstance(parse_declaration(block.text.encode()), Declaration)
    assert all(
        line.partition(":")[0] in DeclarationFile.model_fields for line in block.text.splitlines() if line[0].isalpha()
    )


@pytest.mark.parametrize("block", of_language("toml"), ids=range(len(of_language("toml"))))
def test_every_settings_file_in_a_document_is_accepted(block: Block, data_folder: Layout) -> None:
    data_folder.settings.write_text(block.text, encoding="utf-8")
    assert load_settings(data_folder).master_key


def test_the_threat_model_names_no_row_without_a_test() -> None:
    today = page("docs/explanation/threat-model.md").partition("## Not yet")[0]
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py") if path.parent.name != "docs")
    rows = re.findall(r"^\| ([A-Z]{2}-\d\d[^|]*) \|", today, re.MULTILINE)
    assert len(rows) > 15
    for row in rows:
        for first, last in re.findall(r"([A-Z]{2}-\d\d)(?: to ([A-Z]{2}-\d\d))?", row):
            assert first in tests, first
            assert not last or last in tests, last


def test_every_decision_has_its_parts_and_a_line_in_the_list() -> None:
    listed = page("docs/decisions/README.md")
    decisions = [name for name in NAMES if re.search(r"decisions/\d{4}-", name)]
    assert [name[15:19] for name in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for name in decisions:
        heads = re.findall(r"^## (.+)$", page(name), re.MULTILINE)
        wanted = ["Context", "Decision", "Consequences", "Alternatives"]
        assert [head for head in heads if head in wanted] == wanted
        assert f"({name.removeprefix('docs/decisions/')})" in listed
        assert len(page(name).splitlines()) <= 70, "a decision is one page"


def test_the_small_torch_of_the_documents_is_that_of_the_makefile() -> None:
    (index,) = set(re.findall(r"^#.*TORCH_INDEX=(\S+)", page("Makefile"), re.MULTILINE))
    named = {name: re.findall(r"TORCH_INDEX=([^\s`]+)", page(name)) for name in NAMES}
    assert named["README.md"]
    assert {found for all_ in named.values() for found in all_} == {index}


def test_the_licence_is_the_whole_of_apache_2() -> None:
    text = page("LICENSE")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_sample_company_of_the_documents_is_the_one_that_is_there() -> None:
    company = yaml.safe_load(page("deploy/sample/company.yaml"))
    ids = {user["id"] for user in company["users"]}
    for name in ("README.md", "docs/walk-through.md"):
        assert set(re.findall(r"user:(?:odile|ines|jonas|mara)\b", page(name))) <= ids
