"""What a reader may not see changes nothing of what he is shown: not a byte, not a score, not an error.

Two installations hold the same documents for Anna. The second has others beside them, which she may not
read: full of the words that she asks for, so that they would be found, counted and weighed if anything
but her own scope went into an answer.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from starlette.testclient import TestClient

from acl.admin.change import policy_change
from acl.admin.keys import new_api_key
from acl.decision import Principal
from acl.labels import PUBLIC, Compartment, Label, Level
from acl.names import DocumentId, NodeId, Obj, UserId
from acl.scope import scope_of
from api.app import create_app
from api.index_home import EMBEDDER
from api.wiring import House, open_house
from retrieval.fuse import NOISE
from store.engine import snapshot, write
from store.folder import create
from store.sealed import DocumentKey
from tests.retrieval.tampered import tampered, without_corpus
from tests.sites import lift_quotas
from tests.worlds import ADMIN, World, hurry, points_of, put_chunks, put_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from httpx2 import Response

    from retrieval.edge import EdgeIndex
    from retrieval.embed import Embed
    from retrieval.types import Hit

QUESTIONS: Final = 500
WORDS: Final = [
    "boiler", "pump", "valve", "ladder", "hotel", "invoice", "budget", "travel", "contract", "office", "printer",
    "server", "backup", "harvest", "orchard", "tractor", "fence", "gutter", "paint", "timber", "permit", "audit",
    "payroll", "holiday", "canteen", "parking", "forklift", "pallet", "warehouse", "shipment", "customs", "insurance",
    "warranty", "inspection", "drainage", "ventilation", "heating", "lighting", "carpet", "furniture", "catering",
    "training", "safety",
]  # fmt: skip
SECRET: Final = ("merger", "acquisition", "layoffs", "severance")  # stand in hidden documents alone
ANNA: Final = UserId("user:anna")
HANDBOOK: Final = NodeId("coll:handbook")
PROJECTS: Final = NodeId("coll:projects")
NOBODYS: Final = "00000000-0000-4000-8000-000000000000"


# --- two installations ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """One of the two, open."""

    house: House
    anna: str  # her key
    bens: str  # a conversation of his

    def client(self) -> TestClient:
        return TestClient(create_app(self.house), base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory, hash_embed: Embed) -> Iterator[tuple[Side, Side]]:
    """Give the one without hidden documents, and the one with them."""
    folder = tmp_path_factory.mktemp("sides")
    with ExitStack() as stack:
        yield (
            _open(folder / "alone", hash_embed, stack, hidden=False),
            _open(folder / "among", hash_embed, stack, hidden=True),
        )


def _open(data: Path, embed: Embed, stack: ExitStack, *, hidden: bool) -> Side:
    create(data, embedder=EMBEDDER)
    house = stack.enter_context(open_house(data, embed))
    hurry(house.store)
    lift_quotas(house)
    world = World(house.store, house.ledger, house.index, house.embed)
    _settle_people(world)
    _settle_documents(world, hidden=hidden)
    with policy_change(house.store.engine, house.ledger, ADMIN) as change:
        anna, ben = new_api_key(change, ANNA), new_api_key(change, UserId("user:ben"))
    with TestClient(create_app(house), base_url="http://127.0.0.1") as client:
        bens = _ask(client, ben, {"question": "boiler"}).json()["conversation"]
    return Side(house, anna, bens)


def _settle_people(world: World) -> None:
    world.user("anna", groups=["staff"], clearance=Level.CONFIDENTIAL)
    world.user("ben", groups=["board"], clearance=Level.RESTRICTED, compartments=["gdpr"])
    world.collection("handbook")
    world.collection("projects")
    world.allow("group:board")
    world.allow("group:staff", HANDBOOK)
    world.allow("group:staff", world.folder(PROJECTS, "open"))


def _settle_documents(world: World, *, hidden: bool) -> None:
    """Write what Anna may read, and among it, if asked for, what she may not."""
    rng, secrets = random.Random(1), random.Random(2)
    open_folder = world.folder(PROJECTS, "open")
    places = _hidden_places(world) if hidden else []
    documents: list[DocumentId] = []
    for number in range(60):
        name = DocumentId(f"doc:{number:03}")
        texts = [_text(rng, WORDS) for _ in range(rng.randint(1, 3))]
        label = Label(rng.choice([Level.PUBLIC, Level.INTERNAL, Level.CONFIDENTIAL]))
        _put(world, name, rng.choice([HANDBOOK, open_folder]), texts, label)
        documents.append(name)
        for place, label in places:
            secret = DocumentId(f"{name}-{len(documents)}")
            _put(world, secret, place, [*texts, _text(secrets, [*WORDS, *SECRET])], label, older=texts)
            if place == HANDBOOK and label == PUBLIC:
                world.deny("group:staff", secret)
            documents.append(secret)
    with snapshot(world.store.engine) as connection:
        world.index.put(points_of(connection, world.store.keys, documents, world.embed))


def _hidden_places(world: World) -> list[tuple[NodeId, Label]]:
    """Make places that Anna may not see into, with rules on them, and name labels that keep her out elsewhere."""
    mergers = world.collection("mergers")
    world.deny("user:anna", mergers)
    world.deny("group:staff", "label:trade-secret.x", "*")
    return [
        (mergers, PUBLIC),
        (world.folder(PROJECTS, "boiler pump salaries, top secret"), PUBLIC),
        (world.folder(HANDBOOK, "restricted", Label(Level.RESTRICTED)), PUBLIC),
        (world.folder(HANDBOOK, "cut off", inherit=False), PUBLIC),
        (HANDBOOK, Label(Level.RESTRICTED)),
        (HANDBOOK, Label(Level.PUBLIC, frozenset({Compartment("gdpr")}))),
        (HANDBOOK, PUBLIC),  # each denied by a rule of its own
    ]


def _put(
    world: World, name: DocumentId, node: NodeId, texts: list[str], label: Label, older: Sequence[str] = ()
) -> None:
    key = DocumentKey.fresh(name)
    with write(world.store.engine) as connection:
        keys = world.store.keys
        put_document(
            connection, keys, node, texts, document=name, title=f"About {name}", label=label, version=2, key=key
        )
        put_chunks(connection, key, 1, older)


def _text(rng: random.Random, words: Sequence[str]) -> str:
    return " ".join(f"The {' '.join(rng.choices(words, k=rng.randint(4, 9)))}." for _ in range(rng.randint(2, 5)))


# --- what is asked, and what is seen ---------------------------------------------------------------


def _asks(rng: random.Random) -> Iterator[tuple[dict[str, Any], bool]]:
    """Give the bodies of questions, and whether the answer is streamed."""
    for _ in range(QUESTIONS):
        known = rng.choices(WORDS, k=rng.randint(1, 8))
        question = " ".join(rng.choice([known, known, known, [*known, rng.choice(SECRET)], [rng.choice(SECRET)]]))
        body: dict[str, Any] = {"question": rng.choice([f"What of the {question}?", question])}
        if rng.random() < 0.3:
            body["collection"] = rng.choice(["handbook", "projects", "mergers", "nowhere"])
        yield body, rng.random() < 0.2


def _ask(client: TestClient, key: str, body: dict[str, Any], *, stream: bool = False) -> Response:
    headers = {"Authorization": f"Bearer {key}"} | ({"Accept": "text/event-stream"} if stream else {})
    return client.post("/api/v1/ask", json=body, headers=headers)


def _seen(response: Response) -> tuple[int, list[tuple[str, str]], str]:
    """Give status, headers and body, with what is drawn anew for each request made equal, and nothing else."""
    text = response.text
    for drawn in re.findall(r'"(?:conversation|audit_id)": ?"([0-9a-f-]{36})"', text):
        text = text.replace(drawn, "x" * 36)
    for delimiter in set(re.findall(r"--- ([0-9a-f]{16}) question ---", text)):
        text = text.replace(delimiter, "x" * 16)
    return response.status_code, sorted(response.headers.items()), text


# --- the tests -------------------------------------------------------------------------------------


def test_the_hidden_documents_are_there_and_are_found_by_who_may(sides: tuple[Side, Side]) -> None:
    """Without them, the others of these tests would compare a thing with itself."""
    alone, among = (side.house.index.count() for side in sides)
    assert among > 10 * alone
    ben = [_search(side, UserId("user:ben"), "merger boiler") for side in sides]
    assert not {hit.chunk for hit in ben[1]} <= {hit.chunk for hit in ben[0]}


def test_500_random_questions_are_answered_byte_for_byte_alike(sides: tuple[Side, Side]) -> None:
    """AZ-21, G3: status, headers and body, as JSON and as a stream of events."""
    outcomes: Counter[str] = Counter()
    with sides[0].client() as alone, sides[1].client() as among:
        for body, stream in _asks(random.Random(3)):
            first = _ask(alone, sides[0].anna, body, stream=stream)
            second = _ask(among, sides[1].anna, body, stream=stream)
            assert _seen(first) == _seen(second), body
            outcomes.update(re.findall(r'"outcome": ?"(\w+)"', first.text))
    assert outcomes.total() == QUESTIONS
    assert min(outcomes["answered"], outcomes["nothing"]) > QUESTIONS / 10


def test_500_random_searches_find_the_same_in_one_order_with_one_score(sides: tuple[Side, Side]) -> None:
    """AZ-21, G3: but for the last bits of a score, which break no tie."""
    found = 0
    for body, _ in _asks(random.Random(4)):
        alone, among = (_search(side, ANNA, body["question"]) for side in sides)
        assert _are_alike(alone, among), body
        found += len(alone)
    assert found > QUESTIONS


def test_words_counted_over_all_documents_are_found_out(sides: tuple[Side, Side]) -> None:
    """The same comparison fails where the word statistics are not those of the asker's own scope."""
    broken = [
        replace(side, house=_with_index(side.house, tampered(side.house.index, without_corpus))) for side in sides
    ]
    asked = [body for body, _ in _asks(random.Random(5))][:50]
    found = [[_search(side, ANNA, body["question"]) for body in asked] for side in broken]
    assert not all(map(_are_alike, *found))
    with broken[0].client() as alone, broken[1].client() as among:
        assert any(_seen(_ask(alone, sides[0].anna, body)) != _seen(_ask(among, sides[1].anna, body)) for body in asked)


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
def test_what_is_refused_is_refused_alike(sides: tuple[Side, Side], stream: bool) -> None:  # noqa: FBT001 - a table
    """AZ-03, AZ-21: a collection, a conversation that is another's, and what cannot be asked at all."""
    nothing, unknown = set(), set()
    with sides[0].client() as alone, sides[1].client() as among:

        def both(body: dict[str, Any], other: dict[str, Any] | None = None) -> str:
            first, second = (
                _ask(alone, sides[0].anna, body, stream=stream),
                _ask(among, sides[1].anna, other or body, stream=stream),
            )
            assert _seen(first) == _seen(second)
            return str(_seen(first))

        for collection in ("mergers", "nowhere", "Mergers", "x" * 100):
            nothing.add(both({"question": "merger of the boiler", "collection": collection}))
        bens = [{"question": "boiler", "conversation": side.bens} for side in sides]
        unknown.update({both(*bens), both({"question": "boiler", "conversation": NOBODYS})})
        for body in ({"question": ""}, {"question": "x" * 2_001}, {"question": "x", "collection": "a/b"}, {"x": 1}):
            assert "problem" in both(body) or stream
    assert len(nothing) == len(unknown) == 1
    assert "nothing" in nothing.pop()
    assert "unknown-conversation" in unknown.pop()


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/api/v1/documents", "/api/v1/collections/mergers"])
def test_all_else_that_can_be_fetched_is_alike(sides: tuple[Side, Side], path: str) -> None:
    with sides[0].client() as alone, sides[1].client() as among:
        assert _seen(alone.get(path)) == _seen(among.get(path))


def _search(side: Side, user: UserId, question: str) -> list[Hit]:
    house = side.house
    with snapshot(house.store.engine) as connection:
        scope = scope_of(connection, Principal(user, Obj("app:tests")), "read")
    return [*house.index.search(question, house.embed([question])[0], scope, 24)]


def _are_alike(some: Sequence[Hit], others: Sequence[Hit]) -> bool:
    first, second = ([replace(hit, score=0.0) for hit in hits] for hits in (some, others))
    return first == second and [hit.score for hit in some] == pytest.approx([hit.score for hit in others], abs=NOISE)


def _with_index(house: House, index: EdgeIndex) -> House:
    return replace(house, index=index, answering=replace(house.answering, index=index))
