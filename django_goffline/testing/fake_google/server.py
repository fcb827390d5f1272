"""The fake behind a real socket: HTTP/1.1 with keep-alive, delays that take time, cuts that cut.

Every connection has its thread; the fake's own lock orders the requests, and delays happen outside of
it. Nothing is logged: query strings hold codes and states.
"""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qsl

from .fake import FakeGoogle
from .wire import Headers, Request, Response


class FakeGoogleServer:
    """Serves a fake on ``host``:``port`` (0: any free port) while the ``with`` block runs.

    ``url`` has no trailing slash. It closes its connections on the way out.
    """

    def __init__(self, fake: FakeGoogle, host: str = "127.0.0.1", port: int = 0) -> None:
        self.fake = fake
        self._server = _Server((host, port), fake)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        """The base URL of all endpoints."""
        host, port = self._server.server_address[:2]
        name = host.decode() if isinstance(host, bytes) else host
        return f"http://{f'[{name}]' if ':' in name else name}:{port}"

    def start(self) -> FakeGoogleServer:
        """Begin to serve, in a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving, cut what is still connected, give the port back."""
        self._server.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> FakeGoogleServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], fake: FakeGoogle) -> None:
        self.fake = fake
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Connection)

    def remember(self, connection: socket.socket) -> None:
        """Keep an open connection in mind, to be closed at the end."""
        with self._guard:
            self._connections.add(connection)

    def forget(self, connection: socket.socket) -> None:
        """The connection was closed."""
        with self._guard:
            self._connections.discard(connection)

    def server_close(self) -> None:
        # Idle keep-alive connections would keep their threads waiting, and these are joined.
        with self._guard:
            for connection in self._connections:
                _hang_up(connection)
        super().server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        # A client that hangs up in the middle is part of the tests, not news.
        return


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Buffered, so that head and body leave in one packet.
    wbufsize = 64 * 1024
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.remember(self.connection)

    def finish(self) -> None:
        self.server.forget(self.connection)
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def do_any(self) -> None:
        """Answer whatever method was sent."""
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            method=self.command,
            path=path,
            query=parse_qsl(query, keep_blank_values=True),
            headers=Headers(dict(self.headers.items())),
            body=self.rfile.read(length) if length else b"",
        )
        self._send(self.server.fake.handle(request))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def _send(self, response: Response) -> None:
        if response.delay:
            self.server.stopping.wait(response.delay)
        if response.cut == "before":
            self._cut()
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status not in (204, 304):
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if response.cut == "middle":
            self.wfile.write(response.body[: len(response.body) // 2])
            self.wfile.flush()
            self._cut()
            return
        self.wfile.write(response.body)

    def _cut(self) -> None:
        self.close_connection = True
        _hang_up(self.connection)

    def version_string(self) -> str:
        """The ``Server`` header: Google's front end calls itself this."""
        return "ESF"

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a request line holds secrets."""


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
