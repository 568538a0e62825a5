"""An explanation as it is read: what stands in the lines and in the values, and what does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from acl.insight.explain import Explanation, explain
from acl.insight.explained import printable, to_json, to_lines
from acl.labels import Compartment, Label, Level
from acl.names import DocumentId, NodeId, UserId
from store.engine import snapshot

if TYPE_CHECKING:
    from tests.worlds import World


def why(world: World, user: UserId, place: DocumentId | NodeId) -> Explanation:
    with snapshot(world.store.engine) as connection:
        return explain(connection, user, place)


def test_a_permit_names_the_rule_the_memberships_the_path_and_the_label(world: World) -> None:
    anna = world.user("anna", groups=["payroll"], clearance=Level.RESTRICTED, compartments=["gdpr"])
    world.nest("payroll", "people")
    folder = world.folder(world.collection("staff", Label(Level.INTERNAL)), "Wages", Label(Level.CONFIDENTIAL))
    document = world.document(folder, "text", label=Label(Level.PUBLIC, frozenset({Compartment("gdpr")})))
    world.allow("group:people", "coll:staff")
    origin = f"coll:staff (staff): internal, {folder} (Wages): confidential, {document}: public+gdpr"
    assert to_lines(why(world, anna, document)) == [
        f"user:anna may read {document}",
        "  allowed by group:people, coll:staff, read, allow",
        "  membership user:anna -> group:payroll -> group:people",
        f"  object     coll:staff (staff) -> {folder} (Wages) -> {document}",
        f"  label      confidential+gdpr, from {origin}",
        "  clearance  restricted+gdpr",
    ]
    shown = to_json(why(world, anna, document))
    assert json.loads(json.dumps(shown)) == shown
    assert shown["allowed"] is True
    assert shown["missing"] == []
    assert shown["ruling"] == {
        "rule": "group:people, coll:staff, read, allow",
        "chain": ["user:anna", "group:payroll", "group:people"],
        "reach": ["coll:staff", folder, document],
    }


def test_a_refusal_lists_each_piece_that_is_missing(world: World) -> None:
    anna = world.user("anna", groups=["guests"])
    world.user("bert", groups=["payroll"])
    folder = world.folder(world.collection("staff"), "Wages", Label(Level.CONFIDENTIAL), inherit=False)
    gdpr = Label(Level.PUBLIC, frozenset({Compartment("gdpr")}))
    document = world.document(folder, "text", label=gdpr, state="draft")
    world.allow("group:payroll", folder)
    world.allow(anna, "coll:staff")
    world.deny("group:guests", "label:gdpr")
    world.deactivate(anna)
    found = why(world, anna, document)
    assert to_lines(found) == [
        f"user:anna may not read {document}",
        "  1. the user is not active",
        "  2. the document does not answer: its state is draft",
        "  3. clearance for confidential: the user is cleared for internal",
        f"     raised by {folder} (Wages)",
        "  4. the compartment gdpr: the user does not hold it",
        f"     asked for by {document}",
        "  5. a rule denies it: group:guests, label:gdpr, read, deny",
        "     membership user:anna -> group:guests",
        f"     object     label:gdpr -> {document}, from {folder} (Wages): confidential, {document}: public+gdpr",
        "  6. no rule allows it",
        "     allowed here by:",
        f"       group:payroll, {folder}, read, allow",
        f"     kept out by the cut of inheritance at {folder} (Wages): user:anna, coll:staff, read, allow",
        "       membership user:anna",
        f"       object     coll:staff (staff) -> {folder} (Wages) -> {document}",
    ]
    shown = json.loads(json.dumps(to_json(found)))
    kinds = ["not-active", "not-live", "level", "compartment", "denied", "no-rule"]
    assert [piece["kind"] for piece in shown["missing"]] == kinds
    assert (shown["allowed"], shown["ruling"]) == (False, None)
    assert shown["missing"][5]["kept_out"][0]["cuts"][0]["name"] == "Wages"


def test_who_is_not_known_is_told_apart_from_who_is_not_active(world: World) -> None:
    shown = json.loads(json.dumps(to_json(why(world, UserId("user:nobody"), world.collection("a")))))
    assert [piece["kind"] for piece in shown["missing"]] == ["unknown-user", "no-rule"]


def test_a_long_list_of_others_is_cut_for_a_reader_and_whole_for_a_program(world: World) -> None:
    anna, place = world.user("anna"), world.collection("a")
    for number in range(12):
        world.allow(f"group:g{number:02}", place)
    found = why(world, anna, place)
    assert to_lines(found)[-1] == "       and 2 more"
    assert "group:g09" in to_lines(found)[-2]
    (piece,) = json.loads(json.dumps(to_json(found)))["missing"]
    assert len(piece["allowed_here"]) == 12


def test_no_title_and_no_text_is_told_and_no_name_moves_the_cursor(world: World) -> None:
    anna = world.user("anna")
    folder = world.folder(world.collection("a"), "Wages\x1b[2J\r\nuser:anna may read")
    document = world.document(folder, "The secret text", title="The secret title")
    found = why(world, anna, document)
    world.allow(anna, folder)
    for shown in (*to_lines(found), *to_lines(why(world, anna, document)), json.dumps(to_json(found))):
        assert "secret" not in shown
        assert shown.isprintable()
    assert printable("Wages\x1b[2J\r\n\u202e 2026") == "Wages[2J 2026"
