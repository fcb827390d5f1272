"""The fake without a socket: a transport adapter for ``requests`` that answers in-process.

    session = requests.Session()
    InProcessAdapter(fake).mount_on(session)

Google's own hosts are answered by the fake, so that an application under test needs no other URLs; so
is loopback, for endpoints that are configured to be there. Any other host is an error: a test never
reaches the network by accident.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from .fake_google import FakeGoogle
from .fake_google.wire import Headers, Request, Response

GOOGLE_HOSTS = frozenset(
    {
        "accounts.google.com",
        "oauth2.googleapis.com",
        "openidconnect.googleapis.com",
        "www.googleapis.com",
    }
)
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


class UnexpectedHostError(Exception):
    """A test was about to talk to a host that is not the fake."""


class InProcessAdapter(BaseAdapter):
    """Sends every request to ``fake.handle``.

    Faults arrive as they would from a socket: a cut connection is a ``ConnectionError`` or a
    ``ChunkedEncodingError``, a delay beyond the read time-out a ``ReadTimeout``. Shorter delays are
    not waited for.
    """

    def __init__(self, fake: FakeGoogle) -> None:
        super().__init__()
        self.fake = fake
        # For its translation of responses only; it never sends.
        self._translation = HTTPAdapter()

    def mount_on(self, session: requests.Session) -> requests.Session:
        """Let a session send everything through this adapter; return the session."""
        session.mount("https://", self)
        session.mount("http://", self)
        return session

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer one request.

        Raises ``UnexpectedHostError`` for a host that is not the fake, and the exceptions of
        ``requests`` for ordered faults.
        """
        parts = urlsplit(request.url or "")
        if parts.hostname not in GOOGLE_HOSTS | LOOPBACK_HOSTS:
            raise UnexpectedHostError(f"{parts.hostname} is not the fake Google")
        body = request.body or b""
        answer = self.fake.handle(
            Request(
                method=request.method or "GET",
                path=parts.path or "/",
                query=parse_qsl(parts.query, keep_blank_values=True),
                headers=Headers({"Host": parts.netloc, **request.headers}),
                body=body.encode() if isinstance(body, str) else bytes(body),
            )
        )
        self._break(answer, request, timeout)
        response = self._translation.build_response(request, _as_urllib3(answer))
        if not stream:
            # Here a body that was cut raises, as it does in ``Session.send``.
            _ = response.content
        return response

    def close(self) -> None:
        """Nothing is open."""
        self._translation.close()

    @staticmethod
    def _break(
        answer: Response,
        request: requests.PreparedRequest,
        timeout: float | tuple[float, float] | tuple[float, None] | None,
    ) -> None:
        limit = timeout[1] if isinstance(timeout, tuple) else timeout
        if limit is not None and answer.delay > limit:
            raise requests.ReadTimeout("Read timed out.", request=request)
        if answer.cut == "before":
            raise requests.ConnectionError("Connection aborted.", request=request)


def _as_urllib3(answer: Response) -> HTTPResponse:
    headers = dict(answer.headers)
    if answer.status not in (204, 304):
        headers["Content-Length"] = str(len(answer.body))
    sent = answer.body[: len(answer.body) // 2] if answer.cut == "middle" else answer.body
    return HTTPResponse(
        body=io.BytesIO(sent),
        headers=headers,
        status=answer.status,
        preload_content=False,
        decode_content=False,
    )
