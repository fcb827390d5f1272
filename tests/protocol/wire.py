"""Two ends of a wire for these tests: a scripted adapter, and a scripted server on loopback."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

#: Planted in tests: may be seen by Google, and by nobody else.
SECRETS = {
    "client_secret": "GOCSPX-planted-client-secret",
    "code": "4/0planted-code",
    "code_verifier": "planted-verifier-0123456789012345678901234567890123",
    "refresh_token": "1//planted-refresh-token",
    "access_token": "ya29.planted-access-token",
    "id_token": "eyJplanted.eyJplanted.planted",
    "state": "planted-state",
}


@dataclass
class ScriptedAdapter(BaseAdapter):
    """Answers calls from a list, and keeps what was sent."""

    answers: list[Any] = field(default_factory=list)
    sent: list[requests.PreparedRequest] = field(default_factory=list)

    def answer(self, status: int, body: Any = b"", **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, content, headers))

    def send(self, request, **options):
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, content, headers = answer
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = requests.Response()
        response.status_code = status
        response.headers.update(named)
        response.raw = HTTPResponse(
            body=io.BytesIO(content), headers=named, status=status, preload_content=False
        )
        response.request = request
        return response

    def close(self) -> None:
        pass

    @property
    def form(self) -> dict[str, str]:
        """The form of the last call."""
        return dict(parse_qsl(str(self.sent[-1].body)))

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query of the last call."""
        return parse_qsl(urlsplit(str(self.sent[-1].url)).query)


class ScriptedServer:
    """A real server on loopback; each request is answered by ``script``, which writes bytes as it likes."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0
        #: Set when the test is over: what scripts wait for instead of sleeping.
        self.over = threading.Event()
        self.script: Callable[[BaseHTTPRequestHandler], None] = lambda handler: reply(handler)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.requests.append((self.command, self.path, dict(self.headers), body))
                outer.script(self)

            do_POST = do_GET

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *args: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @contextmanager
    def running(self) -> Iterator[ScriptedServer]:
        self._thread.start()
        try:
            yield self
        finally:
            self.over.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


def reply(
    handler: BaseHTTPRequestHandler, body: bytes = b"{}", *, status: int = 200, **headers: str
) -> None:
    """A whole, well-formed answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def everything_about(error: BaseException) -> str:
    """All texts that a careless log of ``error`` could show, its causes and contexts included."""
    texts, seen = [], error
    while seen is not None:
        texts += [str(seen), repr(seen), repr(seen.args), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(texts)
