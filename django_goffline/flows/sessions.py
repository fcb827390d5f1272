"""A ``requests`` session for any Google API: it brings its own token, and behaves as Google asks of a client.

It has time-outs by default, repeats a 401 once with a new token, and waits when Google says 429 or 503 ("Handle API
errors", exponential backoff). The bearer token goes to Google's API hosts and the configured endpoints alone, and
never along a redirect. This is for callers' own calls; the package itself talks through ``protocol.transport``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.auth import AuthBase
from requests.utils import rewind_body

from ..protocol.endpoints import Endpoints, host_of

#: An access token that differs from the rejected one (empty: any).
TokenSource = Callable[[str], str]

API_HOSTS = ".googleapis.com"
BUSY = frozenset({429, 503})
#: Times that a call is repeated because Google is busy.
REPETITIONS = 3
#: Seconds that one wait may last; a server that asks for more gets no repetition, and the caller its answer.
LONGEST_WAIT = 30.0


class ForeignHostError(requests.RequestException, ValueError):
    """The bearer token was about to be sent to a host that is not Google's."""


class GoogleSession(requests.Session):
    """A session that is authorized by a grant. Use it like any other, from one thread at a time."""

    def __init__(
        self,
        *,
        token: TokenSource,
        endpoints: Endpoints,
        timeout: tuple[float, float],
        adapter: BaseAdapter | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        self.auth = self._bearer = _Bearer(token, endpoints)
        self._timeout = timeout
        self._sleep = sleep
        if adapter is not None:
            self.mount("https://", adapter)
            self.mount("http://", adapter)

    def __repr__(self) -> str:
        return "<GoogleSession>"

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send with a time-out; repeat once after a 401, and a few times while Google is busy."""
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout
        response = super().send(request, **kwargs)
        if (
            response.status_code == requests.codes.unauthorized
            and self._bearer.is_on(request)
            and not response.history
            and _rewound(request)
        ):
            response.close()
            self._bearer.renew(request)
            response = super().send(request, **kwargs)
        for attempt in range(REPETITIONS):
            wait = _wait(response, attempt) if response.status_code in BUSY else None
            if wait is None or response.history or not _rewound(request):
                break
            response.close()
            self._sleep(wait)
            response = super().send(request, **kwargs)
        return response

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """A redirect gets no token, wherever it leads."""
        prepared_request.headers.pop("Authorization", None)


class _Bearer(AuthBase):
    def __init__(self, token: TokenSource, endpoints: Endpoints) -> None:
        self._token = token
        self._origins = {_origin(url) for url in endpoints.urls()}

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = request.url or ""
        if not self._may_see(url):
            raise ForeignHostError(
                f"{host_of(url)} is not one of Google's API hosts: the session's token is not sent there"
            )
        request.headers["Authorization"] = f"Bearer {self._token('')}"
        return request

    def is_on(self, request: requests.PreparedRequest) -> bool:
        """Whether the request carries a token of ours, and not credentials of the caller's."""
        return request.headers.get("Authorization", "").startswith("Bearer ") and self._may_see(
            request.url or ""
        )

    def renew(self, request: requests.PreparedRequest) -> None:
        """Put another token in place of the one that was rejected."""
        rejected = request.headers["Authorization"].removeprefix("Bearer ")
        request.headers["Authorization"] = f"Bearer {self._token(rejected)}"

    def _may_see(self, url: str) -> bool:
        host = host_of(url)
        google = urlsplit(url).scheme == "https" and host.endswith(API_HOSTS)
        return google or _origin(url) in self._origins


def _origin(url: str) -> str:
    return f"{urlsplit(url).scheme}://{host_of(url)}"


def _wait(response: requests.Response, attempt: int) -> float | None:
    asked = response.headers.get("Retry-After", "")
    if asked.isascii() and asked.isdigit():
        return float(asked) if float(asked) <= LONGEST_WAIT else None
    # Truncated exponential backoff with jitter.
    return min(2.0**attempt, LONGEST_WAIT) * (0.5 + random.random() / 2)  # noqa: S311 - no secret


def _rewound(request: requests.PreparedRequest) -> bool:
    """Whether the body can be sent again; a stream is wound back for it."""
    body: object = request.body
    if body is None or isinstance(body, (bytes, str)):
        return True
    try:
        rewind_body(request)
    except (requests.exceptions.UnrewindableBodyError, TypeError, AttributeError):
        return False
    return True
