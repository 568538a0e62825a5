"""The routes by which a folder comes in: what they take, from whom, and what they never say."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from acl.admin.change import policy_change
from acl.admin.keys import revoke_keys
from acl.admin.nodes import move_node
from acl.admin.people import set_active
from acl.admin.rules import withdraw
from acl.decision import Rule
from acl.names import NodeId, Obj, Subject, UserId
from api.admission import MAX_BODY
from api.intake_forms import MOST_FILES, MOST_FOLDERS, PREFIX
from api.slips import Slip, to_text
from ingest.types import MAX_BYTES
from ingest.versions import settle
from store.engine import snapshot
from store.schema import document
from tests.api.office import ADMIN, DELEGATE, NOBODY, RANDOM, STAFF

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from httpx2 import Response

    from tests.api.office import Office

GATE = b"# Gate\n\nThe gate closes at ten in the evening.\n"
NEW = {"collection": "share", "readers": ["user:anna"], "level": "internal", "source": "here"}


def begin(office: Office, who: str = ADMIN, **more: Any) -> Response:
    return office.call(who, "POST", "/intake/begin", {**NEW, "folders": [""], **more})


def slip(office: Office, who: str = ADMIN, folder: str = "", **more: Any) -> str:
    made: str = begin(office, who, folders=[folder], **more).json()["folders"][0]["slip"]
    return made


def put(
    office: Office, slip_text: str, path: str = "gate.md", data: bytes | Iterator[bytes] = GATE, who: str = ADMIN,
    more: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    sent = {"Authorization": f"Bearer {office.keys.get(who, '')}", "Ntk-Path": quote(path), "Ntk-Slip": slip_text}
    return office.client.put(f"{PREFIX}/files", content=data, headers={**sent, **(more or {})})


def ids(office: Office, collection: str = "share", **more: Any) -> list[str]:
    listed = office.call(ADMIN, "GET", "/intake/documents", collection=collection, **more).json()
    return [item["document"] for item in listed["items"]]


def test_a_file_comes_in_by_its_folders_slip_and_is_told(office: Office) -> None:
    answered = put(office, slip(office, folder="house/gate"), "house/gate/a.md")
    assert answered.status_code == 200
    (outcome,) = answered.json()["outcomes"]
    assert (outcome["path"], outcome["outcome"], outcome["chunks"]) == ("house/gate/a.md", "added", 1)
    assert answered.json()["documents"] == ids(office)
    digest = sha256(GATE).hexdigest()
    files = [{"path": "house/gate/a.md", "sha256": digest}, {"path": "a.md", "sha256": digest}]
    compared = office.call(ADMIN, "POST", "/intake/compare", {"collection": "share", "files": files}).json()["files"]
    assert [(one["unchanged"], len(one["documents"])) for one in compared] == [(True, 1), (False, 0)]
    gone = office.call(ADMIN, "POST", "/intake/remove", {"collection": "share", "documents": ids(office)})
    assert (gone.json(), ids(office)) == ({"removed": 1}, [])


def test_all_that_happens_stands_in_the_trail_as_the_callers(office: Office) -> None:
    """IN-11: as when a folder is taken in on the server's own machine."""
    (one,) = put(office, slip(office)).json()["documents"]
    office.call(ADMIN, "POST", "/intake/remove", {"collection": "share", "documents": [one]})
    pseudonym = office.house.ledger.pseudonym("user:admin")
    mine = [record for record in office.trail() if pseudonym in str(record)]
    assert {"policy.changed", "document.ingested", "document.removed"} <= {record["kind"] for record in mine}
    assert "gate" not in str(office.trail())


ELSEWHERE: Final = (
    "../gate.md", "/gate.md", "a/../gate.md", "./gate.md", "a//gate.md", "gate.md/", "..", ".", "a\\gate.md",
    "..\\gate.md", "C:\\gate.md", "gate\0.md", "gate\n.md", "gate\x1b[2J.md", "gate\u202e.md", "a/" * 101 + "b.md",
    "a" * 5000,
)  # fmt: skip


def test_a_path_that_leads_elsewhere_or_is_none_is_refused(office: Office) -> None:
    """IN-03, AP-04."""
    slips = [slip(office), slip(office, folder="a")]
    for path in ELSEWHERE:
        for sent in slips:
            refused = put(office, sent, path)
            assert (refused.status_code, refused.json()["code"]) == (422, "bad-request")
            assert "gate" not in refused.json()["detail"]
        folder = path.rpartition("/")[0] + "/.." if path != "a" * 5000 else path
        for body in ({"folders": [folder]}, {"declarations": [{"folder": folder, "fault": "it is gone"}]}):
            assert begin(office, **body).status_code == 422
        compare = {"collection": "share", "files": [{"path": path, "sha256": None}]}
        assert office.call(ADMIN, "POST", "/intake/compare", compare).status_code == 422
    assert ids(office) == []


def test_a_path_is_looked_at_as_it_is_decoded(office: Office) -> None:
    """IN-03."""
    sent = slip(office)
    for raw in ("%ff.md", "a%00.md", "%2e%2e%2fgate.md", "gate%0d%0a.md", "", "gate md"):
        assert put(office, sent, more={"Ntk-Path": raw}).status_code == 422
    assert ids(office) == []


def test_a_name_that_is_odd_and_safe_is_kept_as_it_is(office: Office) -> None:
    """IN-03."""
    sent = slip(office)
    for name in ("a b.md", "CON.md", "%2e%2e.md", "\N{SNOWMAN}.md", "a\\x07b.md", "~root.md", "..md", "ä?#&.md"):
        told = put(office, sent, name).json()["outcomes"]
        assert [(one["path"], one["outcome"]) for one in told] == [(name, "added")]


def test_a_slip_is_of_one_person_one_folder_and_one_collection(office: Office) -> None:
    """AZ-03, AZ-05: nothing on it can be changed, and nobody can make one."""
    good = slip(office, folder="a")
    encoded, _, seal = good.partition(".")
    said = base64.urlsafe_b64decode(encoded).decode()
    wrong = [
        "", ".", good[:-1], good + "0", seal, f"{encoded}.", f"{encoded}.{'0' * 64}", good.upper(),
        *(
            f"{base64.urlsafe_b64encode(said.replace(*change).encode()).decode()}.{seal}"
            for change in (("coll:share", "coll:vault"), ("user:admin", "user:lead"), ('"a"', '"b"'), ("[]", '["x"]'))
        ),
    ]  # fmt: skip
    for forged in wrong:
        refused = put(office, forged, "a/gate.md")
        assert (refused.status_code, refused.json()["code"]) == (422, "bad-request")
    for path in ("gate.md", "b/gate.md", "a/b/gate.md"):
        assert put(office, good, path).status_code == 422
    assert put(office, good, "a/gate.md", who=DELEGATE).status_code == 422
    assert ids(office) == []
    assert put(office, good, "a/gate.md").status_code == 200


def test_a_slip_for_looking_writes_nothing(office: Office) -> None:
    dry = slip(office, dry_run=True)
    assert put(office, dry).json()["outcomes"][0]["outcome"] == "added"
    assert "coll:share" not in office.call(ADMIN, "GET", "/policy/nodes").text
    real = slip(office)
    assert put(office, dry).json()["outcomes"][0]["outcome"] == "added"
    assert ids(office) == []
    assert put(office, real).json()["outcomes"][0]["outcome"] == "added"
    assert len(ids(office)) == 1


def test_who_may_not_is_refused_in_the_same_words_on_every_route(office: Office) -> None:
    """AZ-03, AZ-05: whether the collection is there or not, and whatever else is asked; it is recorded."""
    for who in (STAFF, "anna", DELEGATE):
        told: set[bytes] = set()
        user = UserId(f"user:{who}")
        for name in ("vault", "absent"):
            # A slip can only be sealed with the installation's keys, as here.
            sealed = to_text(
                Slip(user, NodeId(f"coll:{name}"), "", None), office.house.store.keys, office.house.store.masters.newest
            )
            document = {"collection": name, "documents": [f"doc:{RANDOM.replace('-', '')}"]}
            calls = [
                begin(office, who, collection=name),
                begin(office, who, collection=name, dry_run=True),
                begin(office, who, collection=name, readers=["group:absent"], owner="user:absent"),
                office.call(who, "GET", "/intake/documents", collection=name),
                office.call(who, "POST", "/intake/compare", {"collection": name, "files": []}),
                put(office, sealed, who=who),
                office.call(who, "POST", "/intake/remove", document),
            ]
            assert [answer.status_code for answer in calls] == [403] * len(calls)
            told |= {answer.content.replace(name.encode(), b"NAME") for answer in calls}
        assert len(told) == 1
    assert [record["what"] for record in office.trail()[-3:]] == ["intake"] * 3


def test_without_a_key_that_works_nothing_is_read(office: Office) -> None:
    """AP-09, AU-04."""
    sent = slip(office)
    calls = {
        ("POST", "/intake/begin"): {**NEW, "folders": [""]},
        ("GET", "/intake/documents?collection=share"): None,
        ("POST", "/intake/compare"): {"collection": "share", "files": []},
        ("POST", "/intake/remove"): {"collection": "share", "documents": []},
        ("GET", "/quarantine"): None,
    }
    for (method, path), body in calls.items():
        assert office.call(NOBODY, method, path, body).status_code == 401
        assert office.call(ADMIN, method, path, body).status_code == 200

    for key in ("", "ntk_wrong", office.keys[ADMIN][:-1]):
        assert put(office, sent, more={"Authorization": f"Bearer {key}"}).status_code == 401
    assert put(office, sent, data=b"x" * (MAX_BODY + 1), who=NOBODY).status_code == 401
    assert ids(office) == []


def test_a_key_and_a_person_that_are_shut_out_send_nothing_more(office: Office) -> None:
    """AU-06, AZ-08."""
    sent = slip(office, DELEGATE, collection="finance", readers=[], level=None, moved=True)
    assert put(office, sent, who=DELEGATE).status_code == 200
    with policy_change(office.house.store.engine, office.house.ledger, "svc:test") as change:
        set_active(change, UserId("user:lead"), active=False)
    assert put(office, sent, "late.md", who=DELEGATE).status_code == 401
    mine = slip(office)
    revoke_keys(office.house.store.engine, office.house.ledger, UserId("user:admin"), office.keys[ADMIN][:10])
    assert put(office, mine).status_code == 401


def test_a_right_that_is_withdrawn_while_the_file_is_on_its_way_does_not_let_it_in(office: Office) -> None:
    """AZ-08: what counts is the moment of writing."""
    sent = slip(office, DELEGATE, collection="finance", readers=[], level=None, moved=True)
    before = ids(office, "finance")

    def body() -> Iterator[bytes]:
        yield GATE[:10]
        with policy_change(office.house.store.engine, office.house.ledger, "svc:test") as change:
            withdraw(change, Rule(Subject("user:lead"), Obj("coll:finance"), "*", "allow"))
        yield GATE[10:]

    assert put(office, sent, data=body(), who=DELEGATE).status_code == 403
    assert ids(office, "finance") == before


def test_a_folder_that_is_moved_meanwhile_takes_in_nothing(office: Office) -> None:
    sent = slip(office, folder="a")
    begin(office, folders=["b"])
    nodes = office.call(ADMIN, "GET", "/policy/nodes", parent="coll:share").json()["items"]
    by_name = {item["name"]: NodeId(item["node"]) for item in nodes}
    with policy_change(office.house.store.engine, office.house.ledger, "svc:test") as change:
        move_node(change, by_name["a"], by_name["b"])
    refused = put(office, sent, "a/gate.md")
    assert (refused.status_code, refused.json()["code"]) == (409, "policy-moved")
    assert put(office, slip(office, folder="a"), "a/gate.md").status_code == 200


def test_a_file_may_be_larger_than_other_bodies_and_not_larger_than_that(office: Office) -> None:
    """QD-06: by its length, or on its way; other routes keep their limit."""
    sent = slip(office)
    text = b"# Long\n\n" + b"The gate is closed.   \n" * 50_000
    assert len(text) > MAX_BODY
    assert put(office, sent, "long.md", text).json()["outcomes"][0]["outcome"] == "added"
    long = b" " * (MAX_BYTES + 1)
    for data in (long, iter([long])):
        refused = put(office, sent, data=data)
        assert (refused.status_code, refused.json()["detail"]) == (413, "the body has more than 50,000,000 bytes")
    body = {"collection": "share", "files": [], "filler": "x" * MAX_BODY}
    assert office.call(ADMIN, "POST", "/intake/compare", body).status_code == 413
    for near in (f"{PREFIX}/files/", f"{PREFIX}//files", f"/{PREFIX}/files", f"{PREFIX}/Files"):
        answer = office.client.put(near, content=b" " * (MAX_BODY + 1), headers={"Authorization": "Bearer x"})
        assert answer.status_code == 413


def test_an_encoded_body_is_refused(office: Office) -> None:
    """AP-03."""
    sent = slip(office)
    assert put(office, sent, more={"Content-Encoding": "gzip"}).status_code == 415
    assert put(office, sent, more={"Content-Encoding": "identity"}).status_code == 200


WRONG: Final[tuple[dict[str, Any], ...]] = (
    {"label": "public"}, {"actor": "user:admin"}, {"tenant": "x"}, {"folders": []}, {"folders": "a"},
    {"folders": ["a"] * (MOST_FOLDERS + 1)}, {"dry_run": "yes"}, {"source": ""}, {"source": 1}, {"moved": None},
    {"declarations": [{"folder": "", "content": "?"}]}, {"declarations": [{"folder": "", "owner": "user:ben"}]},
    {"declarations": [{"folder": "", "content": "QQ==" * 30_000}]}, {"compartments": ["GDPR"]}, {"level": "Public"},
    {"level": None, "compartments": ["gdpr"]}, {"owner": "group:x"}, {"owner": "ben"}, {"readers": ["ben"]},
    {"collection": "coll:share"}, {"collection": "../share"}, {"collection": ""},
)  # fmt: skip


def test_what_is_said_wrongly_is_refused_and_makes_nothing(office: Office) -> None:
    """AP-05, AZ-07."""
    for more in WRONG:
        for dry_run in (False, True):
            assert begin(office, **({"dry_run": dry_run} | more)).status_code == 422
    assert "share" not in office.call(ADMIN, "GET", "/policy/nodes").text


def test_lists_are_bounded(office: Office) -> None:
    begin(office)
    files = [{"path": f"{number}.md", "sha256": None} for number in range(MOST_FILES + 1)]
    assert office.call(ADMIN, "POST", "/intake/compare", {"collection": "share", "files": files}).status_code == 422
    bad = {"collection": "share", "files": [{"path": "a.md", "sha256": "0" * 63}]}
    assert office.call(ADMIN, "POST", "/intake/compare", bad).status_code == 422
    documents = {"collection": "share", "documents": ["coll:share"]}
    assert office.call(ADMIN, "POST", "/intake/remove", documents).status_code == 422


def test_documents_are_listed_page_by_page(office: Office) -> None:
    sent = slip(office)
    for number in range(5):
        put(office, sent, f"{number}.md", GATE + str(number).encode())
    whole, found, after = ids(office), list[str](), ""
    while after or not found:
        page = office.call(ADMIN, "GET", "/intake/documents", collection="share", limit=2, after=after).json()
        found += [item["document"] for item in page["items"]]
        after = page["next"] or ""
    assert (found, len(found)) == (whole, 5)


def test_a_declaration_is_read_here_and_a_wrong_one_holds_back_its_folder(office: Office) -> None:
    """AZ-12, AZ-07."""
    wrong = base64.b64encode(b"level: secret\n").decode()
    right = base64.b64encode(b"level: confidential\nowner: user:ben\n").decode()
    declared = [
        {"folder": "right", "content": right}, {"folder": "wrong", "content": wrong},
        {"folder": "gone", "fault": "it is a\nsymbolic link"}, {"folder": "none"},
    ]  # fmt: skip
    folders = ["right", "wrong", "gone", "none"]
    made = begin(office, folders=folders, declarations=declared).json()["folders"]
    assert [one["held"] for one in made] == [False, True, True, True]
    told = [put(office, one["slip"], f"{one['folder']}/a.md").json()["outcomes"][0] for one in made]
    assert [one["outcome"] for one in told] == ["added", "held", "held", "held"]
    assert "line 1" in told[1]["reasons"][0]
    assert told[2]["reasons"] == ["gone/.ntk.yaml: it is a symbolic link"]
    with snapshot(office.house.store.engine) as connection:
        owners = connection.execute(document.select().where(document.c.state == "live")).all()
    assert "user:ben" in {row.owner for row in owners}


def test_what_is_in_quarantine_is_listed_for_who_decides_on_it(office: Office) -> None:
    """AZ-03: where, why, never its text."""
    for folder in ("a", "b", "c"):
        made = begin(office, folders=[folder], declarations=[{"folder": folder, "fault": "it is gone"}]).json()
        put(office, made["folders"][0]["slip"], f"{folder}/gate.md")
    listed = office.call(ADMIN, "GET", "/quarantine").json()
    assert (len(listed["items"]), listed["next"]) == (3, None)
    assert listed["items"][0]["collection"] == "coll:share"
    assert "evening" not in str(listed)
    first = office.call(ADMIN, "GET", "/quarantine", limit=2).json()
    rest = office.call(ADMIN, "GET", "/quarantine", limit=2, after=first["next"]).json()
    assert first["items"] + rest["items"] == listed["items"]
    assert office.call(ADMIN, "GET", "/quarantine", collection="finance").json()["items"] == []
    for who in (STAFF, DELEGATE):
        assert office.call(who, "GET", "/quarantine").json() == {"items": [], "next": None}
        assert office.call(who, "GET", "/quarantine", collection="share").json() == {"items": [], "next": None}
    edit = {"op": "reject-document", "document": listed["items"][0]["document"]}
    assert office.changes(ADMIN, edit).status_code == 200
    assert len(office.call(ADMIN, "GET", "/quarantine").json()["items"]) == 2


def test_names_of_readers_are_told_to_who_may_know_everybody_and_that_is_recorded(office: Office) -> None:
    """AZ-03."""
    (told,) = begin(office, dry_run=True).json()["folders"]
    assert (told["readers"], told["who"], told["label"]) == (1, ["user:anna"], "internal")
    assert (office.trail()[-1]["kind"], office.trail()[-1]["what"]) == ("policy.read", "intake")
    (told,) = begin(office, DELEGATE, collection="finance", readers=[], level=None, dry_run=True).json()["folders"]
    assert (told["readers"], told["who"]) == (2, None)


def test_nothing_is_left_to_be_put_right(office: Office) -> None:
    put(office, slip(office))
    assert settle(office.house.intake.edges) == 0
