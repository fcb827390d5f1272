"""Listens on loopback for Google's answer to a program that has no web address (RFC 8252 §7.3).

One answer is taken, on a port that was free; the page that the browser shows says no more than that it may be closed.
The answer's query is neither logged nor kept.
"""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from ..flows.consent import CallbackAnswer

PATH = "/"
PAGE = b"<!doctype html><title>Done</title><p>Thank you. You may close this window and go back to the terminal."


class LoopbackListener:
    """A server on 127.0.0.1 that waits for one answer; a context manager."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _AnswerRequest)

    @property
    def redirect_uri(self) -> str:
        """Where Google is to send the browser."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def wait(self, *, seconds: float) -> CallbackAnswer | None:
        """The answer, or None if none came in time."""
        ends = time.monotonic() + seconds
        while self._server.answer is None and (left := ends - time.monotonic()) > 0:
            self._server.timeout = left
            self._server.handle_request()
        return self._server.answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.server_close()


def read_answer(url: str) -> CallbackAnswer | None:
    """Google's answer in the address that the browser ended at; None for an address that holds none.

    A parameter that comes twice makes it none (RFC 6749 §3.1).
    """
    query = parse_qs(urlsplit(url.strip()).query, keep_blank_values=True)
    names = ("state", "code", "error", "error_subtype", "iss")
    if "state" not in query or any(len(query.get(name, ())) > 1 for name in names):
        return None
    return CallbackAnswer(**{name: query[name][0] for name in names if name in query})


class _Server(HTTPServer):
    answer: CallbackAnswer | None = None


class _AnswerRequest(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        answer = read_answer(self.path) if urlsplit(self.path).path == PATH else None
        self.send_response(200 if answer else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        if answer is not None:
            self.wfile.write(PAGE)
            self.server.answer = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a request line holds the code."""
