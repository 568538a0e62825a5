from __future__ import annotations

import itertools
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from stdnum import iban

from acl.labels import Label, Level, join, parse_compartment, parse_level
from acl.names import OBJECT_KINDS, SUBJECT_KINDS, parse_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Company = dict[str, Any]

ODILE, INES, JONAS = "user:odile", "user:ines", "user:jonas"  # of the people department, an engineer, a contractor
SICK_PAGE = "people/absence/calling-in-sick.docx"
ROADMAP = "engineering/roadmap/roadmap-2026.docx"
PROCESS_SHEET = "engineering/coating-process/selkie-process-sheet.docx"
WORDS = {  # what a document on the question would hardly do without
    SICK_PAGE: re.compile(
        r"\b(sick\w*|ill|illness|unwell|fever|absen\w+|doctor\w*|call (in|on)|by what time)\b", re.IGNORECASE
    ),
    PROCESS_SHEET: re.compile(
        r"\b(selkie|coat(s|ed|ing|ings)?|cur(e|ed|es|ing)|oven|bak(e|ed|ing)|temperature\w*)\b|°C", re.IGNORECASE
    ),
}


def label_of(company: Company, path: str) -> Label:
    """Give the highest level and all compartments along the path."""
    folders = {folder["path"]: folder for folder in company["folders"]}
    top = next(node for node in company["collections"] if node["id"] == f"coll:{PurePosixPath(path).parts[0]}")
    along = [top, *(folders[str(parent)] for parent in PurePosixPath(path).parents if str(parent) in folders)]
    return join(Label(parse_level(n["level"]), frozenset(map(parse_compartment, n["compartments"]))) for n in along)


def objects_over(company: Company, path: str) -> set[str]:
    """Give the objects whose rules reach a document: its folders upward, as far as rules are inherited."""
    folders = {folder["path"]: folder for folder in company["folders"]}
    reached = set()
    for parent in map(str, PurePosixPath(path).parents):
        if parent in folders:
            reached.add(parent)
            if not folders[parent]["inherit"]:
                return reached
    return reached | {f"coll:{PurePosixPath(path).parts[0]}"}


def subjects_of(company: Company, user: str) -> set[str]:
    found, todo = set(), [user]
    while todo:
        if (subject := todo.pop()) not in found:
            found.add(subject)
            todo += company["members"].get(subject, [])
    return found


def may_read(company: Company, user: str, path: str) -> bool:
    subjects, objects = subjects_of(company, user), objects_over(company, path)
    effects = {
        effect for who, what, act, effect in company["grants"] if who in subjects and what in objects and act == "read"
    }
    person = next(person for person in company["users"] if person["id"] == user)
    label = label_of(company, path)
    cleared = parse_level(person["clearance"]) >= label.level and set(person["compartments"]) >= label.compartments
    return effects == {"allow"} and cleared


def readers(company: Company, path: str) -> set[str]:
    return {person["id"] for person in company["users"] if may_read(company, person["id"], path)}


def readable(company: Company, user: str, texts: Mapping[str, str]) -> set[str]:
    return {path for path in texts if may_read(company, user, path)}


def test_every_format_is_there_with_enough_to_read(texts: Mapping[str, str]) -> None:
    assert {PurePosixPath(path).suffix for path in texts} == {".md", ".docx", ".pdf", ".xlsx", ".html", ".eml", ".csv"}
    assert 24 <= len(texts) <= 30
    short = {path: len(text.split()) for path, text in texts.items() if not 150 <= len(text.split()) <= 500}
    assert all(path.endswith(".csv") for path in short), short
    assert all(len(text.splitlines()) > 10 for text in texts.values())


def test_names_levels_and_compartments_are_written_as_the_service_wants_them(company: Company) -> None:
    for subject in itertools.chain(company["members"], *company["members"].values()):
        parse_name(subject, SUBJECT_KINDS)
    for node in company["collections"]:
        parse_name(node["id"], OBJECT_KINDS)
    for node in [*company["collections"], *company["folders"]]:
        parse_level(node["level"])
        assert all(map(parse_compartment, node["compartments"]))
    for person in company["users"]:
        parse_name(person["id"], frozenset({"user"}))
        parse_level(person["clearance"])
        assert all(map(parse_compartment, person["compartments"]))


def test_every_name_in_a_rule_stands_for_something(company: Company, texts: Mapping[str, str]) -> None:
    folders = {str(parent) for path in texts for parent in PurePosixPath(path).parents}
    people = {person["id"] for person in company["users"]}
    groups = set(itertools.chain(*company["members"].values()))
    nodes = {node["id"] for node in company["collections"]} | {folder["path"] for folder in company["folders"]}
    assert {folder["path"] for folder in company["folders"]} <= folders
    assert {node["id"].partition(":")[2] for node in company["collections"]} == {
        path for path in folders if "/" not in path
    } - {"."}
    assert set(company["members"]) - groups == people
    for who, what, action, effect in company["grants"]:
        assert who in people | groups
        assert what in nodes
        assert (action, effect) in {("read", "allow"), ("read", "deny")}


def test_each_document_has_a_reader_and_somebody_who_is_refused(company: Company, texts: Mapping[str, str]) -> None:
    everybody = {person["id"] for person in company["users"]}
    for path in texts:
        assert set() < readers(company, path) < everybody, path


def test_the_managing_director_reads_most_but_not_all(company: Company, texts: Mapping[str, str]) -> None:
    hers = readable(company, "user:mara", texts)
    assert len(texts) * 0.7 < len(hers) < len(texts)
    assert not any(path.startswith(("people/payroll/", "engineering/coating-process/")) for path in hers)


def test_groups_nest_three_deep(company: Company) -> None:
    assert subjects_of(company, ODILE) == {ODILE, "group:payroll", "group:people", "group:staff"}
    assert subjects_of(company, INES) == {INES, "group:coatings", "group:engineering", "group:staff"}


def without_denies(company: Company) -> Company:
    return company | {"grants": [grant for grant in company["grants"] if grant[3] != "deny"]}


def test_only_denies_keep_the_contractor_from_what_his_groups_may_read(
    company: Company, texts: Mapping[str, str]
) -> None:
    assert {"group:contractors", "group:engineering", "group:staff"} < subjects_of(company, JONAS)
    his = readable(company, JONAS, texts)
    assert sum(path.startswith("engineering/") for path in his) >= 4
    assert not his & {SICK_PAGE, ROADMAP}
    assert {SICK_PAGE, ROADMAP} <= readable(without_denies(company), JONAS, texts)
    assert {SICK_PAGE, ROADMAP} <= readable(company, "user:hamish", texts)


def test_a_contractor_who_slips_into_the_circle_is_still_denied(company: Company) -> None:
    (jonas,) = [person for person in company["users"] if person["id"] == JONAS]
    raised = jonas | {"clearance": "restricted", "compartments": ["trade-secret.coating"]}
    inside = company | {
        "users": [raised],
        "members": company["members"] | {JONAS: ["group:coatings", "group:contractors"]},
    }
    assert not may_read(inside, JONAS, PROCESS_SHEET)
    assert may_read(without_denies(inside), JONAS, PROCESS_SHEET)


def test_the_trade_secret_is_read_by_its_circle_alone(company: Company, texts: Mapping[str, str]) -> None:
    secret = [path for path in texts if path.startswith("engineering/coating-process/")]
    assert len(secret) >= 2
    for path in secret:
        assert str(label_of(company, path)) == "restricted+trade-secret.coating"
        assert objects_over(company, path) == {"engineering/coating-process"}  # no rule from above reaches it
        assert readers(company, path) == {"user:callum", "user:gwen", INES}


def test_the_cure_temperature_stands_in_one_document_and_nowhere_else(sample: Path, texts: Mapping[str, str]) -> None:
    (degrees,) = re.findall(r"(\d+) °C", texts[PROCESS_SHEET])
    assert [path for path, text in texts.items() if re.search(rf"\b{degrees}\b", text)] == [PROCESS_SHEET]
    assert [path for path, text in texts.items() if "°" in text] == [PROCESS_SHEET]
    for beside in ("README.md", "company.yaml", "make.py"):
        assert degrees not in (sample / beside).read_text(encoding="utf-8")


@pytest.mark.parametrize("person", [ODILE, INES, JONAS])
def test_the_demo_goes_as_the_rules_and_labels_say(company: Company, texts: Mapping[str, str], person: str) -> None:
    demo = company["demo"]
    assert demo["people"] == list(demo["expect"]) == [ODILE, INES, JONAS]
    assert len(demo["questions"]) == len(demo["expect"][person]) == 2
    for expected, answers in zip(demo["expect"][person], (SICK_PAGE, PROCESS_SHEET), strict=True):
        label = label_of(company, answers)
        fits = label.level <= Level.CONFIDENTIAL and not label.compartments
        route = ("provider" if fits else "local") if may_read(company, person, answers) else "nothing"
        assert expected == ({"route": route} if route == "nothing" else {"route": route, "document": answers})
    routes = [line["route"] for line in demo["expect"][person]]
    assert (
        routes == {ODILE: ["provider", "nothing"], INES: ["provider", "local"], JONAS: ["nothing", "nothing"]}[person]
    )


@pytest.mark.parametrize("answers", [SICK_PAGE, PROCESS_SHEET])
def test_nothing_else_that_the_three_may_read_comes_near_the_answer(
    company: Company, texts: Mapping[str, str], answers: str
) -> None:
    folder = str(PurePosixPath(answers).parent)
    assert WORDS[answers].search(texts[answers])
    for path in set().union(*(readable(company, person, texts) for person in (ODILE, INES, JONAS))):
        found = WORDS[answers].search(texts[path])
        assert path.startswith(folder) or not found, f"{path} says {found}"


def test_the_answer_on_sick_leave_names_somebody_to_be_hidden(company: Company, texts: Mapping[str, str]) -> None:
    priya = next(person for person in company["users"] if person["id"] == "user:priya")
    (paragraph,) = [line for line in texts[SICK_PAGE].splitlines() if priya["phone"] in line]
    assert priya["name"] in paragraph
    assert priya["email"] in paragraph
    assert "before 08:30" in paragraph


def test_people_are_written_in_several_forms(texts: Mapping[str, str]) -> None:
    everything = "\n".join(texts.values())
    for form in ("Femi Adeyemi", "Adeyemi, Femi", "Mr Adeyemi", "Dear Femi,", "Dr Okafor", "Ms Raman", "Hi Priya,"):
        assert form in everything, form


def test_the_letter_with_a_note_to_the_assistant_is_read_in_sales_only(
    company: Company, texts: Mapping[str, str]
) -> None:
    """The material of PI-03: an order to give away salaries and to load a picture from elsewhere."""
    poisoned = [path for path, text in texts.items() if "AI assistant" in text]
    assert poisoned == ["sales/suppliers/sapphire-window-offer.eml"]
    assert re.search(r"!\[\w+\]\(https://[\w.-]+\.example/\S+\)", texts[poisoned[0]])
    assert "user:saoirse" in readers(company, poisoned[0])
    assert not readers(company, poisoned[0]) & {ODILE, INES, JONAS}


def test_levels_from_public_to_restricted_are_used(company: Company, texts: Mapping[str, str]) -> None:
    assert {label_of(company, path).level for path in texts} == set(Level)
    public = {path for path in texts if label_of(company, path).level is Level.PUBLIC}
    assert {str(PurePosixPath(path).parent) for path in public} == {"sales/brochures"}


def test_every_host_phone_and_account_is_invented(company: Company, texts: Mapping[str, str]) -> None:
    everything = "\n".join([*texts.values(), yaml.safe_dump(company)])
    hosts = re.findall(r"(?:@|://)([\w.-]+\w)", everything)
    phones = re.findall(r"\+\d[\d ()-]{7,}\d", everything)
    accounts = re.findall(r"\b[A-Z]{2}\d\d(?: [A-Z0-9]{4}){4} \d{2}\b", everything)
    assert len(hosts) > 40
    assert all(host.endswith(".example") for host in hosts)
    assert len(phones) > 30
    assert all(re.fullmatch(r"\+44 20 7946 0\d{3}|\+1 202-555-01\d\d", phone) for phone in phones), phones
    assert len(accounts) >= 13
    assert all(map(iban.is_valid, accounts))


def test_the_page_beside_it_says_who_reads_what(company: Company, texts: Mapping[str, str], sample: Path) -> None:
    page = (sample / "README.md").read_text(encoding="utf-8")
    assert f"{len(texts)} documents" in page
    for person in company["users"]:
        held = ", ".join([person["clearance"], *person["compartments"]])
        assert re.search(rf"^\| (Dr )?{person['name']} \|.*\| {held} \|$", page, re.MULTILINE), person["name"]
    first = {person["id"]: person["name"].split()[0] for person in company["users"]}
    rows = re.findall(r"^\| `([^`]+)/` \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    folders = {str(PurePosixPath(path).parent): path for path in texts}
    assert [folder for folder, _, _ in rows] == sorted(folders)
    for folder, label, names in rows:
        allowed = {first[user] for user in readers(company, folders[folder])}
        but = set(names.removeprefix("everybody but ").split(", "))
        assert allowed == (set(first.values()) - but if names.startswith("everybody but ") else but), folder
        assert label == str(label_of(company, folders[folder])), folder
