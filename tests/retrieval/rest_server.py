"""A Qdrant server on loopback, over real HTTP: its collections are the engine's, its faults what a test says."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError
from qdrant_client import models

from tests.retrieval.collections_on_edge import Collections, Refused, Unknown

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from tests.egress.wire import Script

VERSION: Final = "1.20.0"
_DONE: Final = models.UpdateResult(operation_id=1, status=models.UpdateStatus.COMPLETED)
_ROUTES: list[tuple[str, str, str]] = [
    ("GET", r"/", "root"),
    ("GET", r"/aliases", "aliases"),
    ("POST", r"/collections/aliases", "change_aliases"),
    ("GET", r"/collections/([^/]+)", "info"),
    ("GET", r"/collections/([^/]+)/exists", "exists"),
    ("PUT", r"/collections/([^/]+)", "create"),
    ("PATCH", r"/collections/([^/]+)", "update"),
    ("DELETE", r"/collections/([^/]+)", "delete"),
    ("PUT", r"/collections/([^/]+)/index", "create_index"),
    ("PUT", r"/collections/([^/]+)/points", "upsert"),
    ("POST", r"/collections/([^/]+)/points", "retrieve"),
    ("POST", r"/collections/([^/]+)/points/scroll", "scroll"),
    ("POST", r"/collections/([^/]+)/points/payload", "set_payload"),
    ("POST", r"/collections/([^/]+)/points/delete", "delete_points"),
    ("POST", r"/collections/([^/]+)/points/count", "count"),
    ("POST", r"/collections/([^/]+)/points/query/batch", "query_batch"),
]
_SELECTOR: Final[TypeAdapter[models.PointsSelector]] = TypeAdapter(models.PointsSelector)


@dataclass(frozen=True)
class Request:
    """One request, as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass
class RestServer:
    """The server. `unknown` has to be empty in the end: see the fixture `rest_server`."""

    collections: Collections
    key: str = ""
    version: str = VERSION
    script: Script | None = None  # does something else on the wire, in place of an answer
    refuse: list[int] = field(default_factory=list)  # statuses of the next answers, one after the other
    status: models.UpdateStatus = models.UpdateStatus.COMPLETED  # of what was told
    counted: int | None = None  # what it says of its points, if not the truth
    requests: list[Request] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    tls: ssl.SSLContext | None = None

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"served": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        if self.tls:
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        self.collections.close()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._http.server_port}"

    # --- what can be asked ----------------------------------------------------------------------

    def answer(self, request: Request) -> Any:
        for method, path, name in _ROUTES:
            if method == request.method and (found := re.fullmatch(path, request.path)):
                known: Callable[..., Any] = getattr(self, f"_{name}")
                return known(request, *found.groups())
        raise Unknown(f"{request.method} {request.path}")

    def _root(self, _: Request) -> Any:
        return None  # the one answer without an envelope: see the handler

    def _aliases(self, _: Request) -> Any:
        return {"aliases": [
            {"alias_name": alias, "collection_name": name} for alias, name in self.collections.aliases.items()
        ]}  # fmt: skip

    def _change_aliases(self, request: Request) -> Any:
        self.collections.change_aliases(models.ChangeAliasesOperation.model_validate_json(request.body).actions)
        return True

    def _info(self, _: Request, name: str) -> Any:
        return self.collections.info(name)

    def _exists(self, _: Request, name: str) -> Any:
        return {"exists": name in self.collections.kept or name in self.collections.aliases}

    def _create(self, request: Request, name: str) -> Any:
        self.collections.create(name, models.CreateCollection.model_validate_json(request.body))
        return True

    def _update(self, request: Request, name: str) -> Any:
        self.collections.update(name, models.UpdateCollection.model_validate_json(request.body))
        return True

    def _delete(self, _: Request, name: str) -> Any:
        return self.collections.delete(name)

    def _create_index(self, request: Request, name: str) -> Any:
        wanted = models.CreateFieldIndex.model_validate_json(request.body)
        self.collections.create_index(name, wanted.field_name, wanted.field_schema)
        return self._written(request)

    def _upsert(self, request: Request, name: str) -> Any:
        self.collections.upsert(name, models.PointsList.model_validate_json(request.body).points)
        return self._written(request)

    def _set_payload(self, request: Request, name: str) -> Any:
        told = models.SetPayload.model_validate_json(request.body)
        if told.filter is None or told.points is not None or told.key is not None:
            raise Unknown("a payload for points that no filter selects")
        self.collections.set_payload(name, told.payload, told.filter)
        return self._written(request)

    def _delete_points(self, request: Request, name: str) -> Any:
        match _SELECTOR.validate_json(request.body):
            case models.FilterSelector(filter=chosen):
                self.collections.delete_points(name, chosen)
            case models.PointIdsList(points=ids):
                self.collections.delete_points(name, ids)
        return self._written(request)

    def _retrieve(self, request: Request, name: str) -> Any:
        wanted = models.PointRequest.model_validate_json(request.body)
        return [point.model_dump(mode="json") for point in self.collections.retrieve(name, wanted.ids)]

    def _scroll(self, request: Request, name: str) -> Any:
        wanted = models.ScrollRequest.model_validate_json(request.body)
        found = self.collections.scroll(name, wanted.filter, wanted.limit or 10)
        return {"points": [point.model_dump(mode="json") for point in found]}

    def _count(self, request: Request, name: str) -> Any:
        wanted = models.CountRequest.model_validate_json(request.body)
        if wanted.filter is not None:
            raise Unknown("a count of some")
        counted = self.collections.count(name, exact=wanted.exact)
        return {"count": counted if self.counted is None else self.counted}

    def _query_batch(self, request: Request, name: str) -> Any:
        batch = models.QueryRequestBatch.model_validate_json(request.body)
        return [{"points": [point.model_dump(mode="json") for point in self.collections.query(name, one)]}
                for one in batch.searches]  # fmt: skip

    def _written(self, request: Request) -> models.UpdateResult:
        if request.query.get("wait") != "true":
            raise Unknown("a write that is not waited for")
        return _DONE.model_copy(update={"status": self.status})


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    served: RestServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 10

    def _do(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, url.path, query, headers, body)
        self.served.requests.append(request)
        if self.served.refuse:
            self._send(self.served.refuse.pop(0), {"status": {"error": f"no to {self.served.key}"}})
        elif self.served.script:
            self.close_connection = True
            self.served.script(self.connection, self.served.over)
        elif self.served.key and headers.get("api-key") != self.served.key:
            self._send(401, {"status": {"error": "Must provide an API key"}})
        else:
            self._send(*self._answer(request))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _do  # noqa: N815 - names of the library

    def _answer(self, request: Request) -> tuple[int, Any]:
        try:
            result = self.served.answer(request)
        except Refused as error:
            return error.status, {"status": {"error": str(error)}}
        except (Unknown, ValidationError) as error:
            self.served.unknown.append(str(error))
            return 501, {"status": {"error": str(error)}}
        if request.path == "/":
            return 200, {"title": "qdrant - vector search engine", "version": self.served.version}
        if isinstance(result, BaseModel):
            result = result.model_dump(mode="json", by_alias=True, exclude_none=True)
        return 200, {"result": result, "status": "ok", "time": 0.0}

    def _send(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status in (301, 307):
            self.send_header("Location", f"{self.served.url}/elsewhere")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Stay quiet: who wants to know reads `requests`."""
