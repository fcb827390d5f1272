"""Faults on order: the next N matching requests fail in the way asked for.

They form a queue: the first fault that matches a request is used, and used up after ``times``. A fault
with a status replaces the answer and the request is *not* carried out; one without a status lets the
request happen and spoils only its way back (``delay``, ``cut="middle"``), as when a line drops after
Google has done the work. ``cut="before"`` closes the connection and carries nothing out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from .wire import ApiError, Cut, Json, OAuthError, Request, Response, json_response

REASON_PHRASES = {
    "rateLimitExceeded": "Rate Limit Exceeded",
    "userRateLimitExceeded": "User Rate Limit Exceeded",
    "quotaExceeded": "Calendar usage limits exceeded.",
    "backendError": "Backend Error",
    "fullSyncRequired": "Sync token is no longer valid, a full sync is required.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, for which requests, and how often.

    ``path`` is a regular expression searched for in the raw path, ``user`` an e-mail address,
    ``method`` an HTTP method; what is None matches all. ``skip`` matching requests pass first;
    ``times`` None means for ever. ``body`` is text, bytes or a JSON object; without one, ``reason``
    makes a body in the endpoint's own shape. ``delay`` is in real seconds.

    Raises ``ValueError`` for a body or reason without a status, and for a broken ``path``.
    """

    path: str | None = None
    user: str | None = None
    method: str | None = None
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    reason: str | None = None
    body: str | bytes | Json | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: Cut | None = None

    def __post_init__(self) -> None:
        if self.status is None and (self.reason is not None or self.body is not None):
            raise ValueError("a fault with a body or a reason needs a status")
        try:
            re.compile(self.path or "")
        except re.error:
            raise ValueError("path is no regular expression") from None

    def matches(self, request: Request, user: str | None) -> bool:
        """Whether this request, made for ``user``, is meant."""
        return (
            (self.path is None or re.search(self.path, request.path) is not None)
            and (self.user is None or self.user == user)
            and (self.method is None or self.method == request.method)
        )

    def replacement(self, request: Request) -> Response | None:
        """The answer in place of the real one; None if the request shall be carried out."""
        if self.status is None:
            if self.cut == "before":
                return Response(status=503, delay=self.delay, cut=self.cut)
            return None
        return replace(self._answer(self.status, request), delay=self.delay, cut=self.cut)

    def spoil(self, response: Response) -> Response:
        """The real answer, delayed or cut."""
        return replace(
            response,
            headers={**response.headers, **self.headers},
            delay=self.delay,
            cut=self.cut,
        )

    def _answer(self, status: int, request: Request) -> Response:
        if isinstance(self.body, dict):
            return json_response(self.body, status=status, headers=self.headers)
        if self.body is not None:
            body = self.body.encode() if isinstance(self.body, str) else self.body
            headers = {"Content-Type": "text/html; charset=UTF-8", **self.headers}
            return Response(status=status, headers=headers, body=body)
        if request.path.startswith("/calendar/"):
            reason = self.reason or ("backendError" if status >= 500 else "badRequest")
            message = REASON_PHRASES.get(reason, reason)
            return ApiError(status, reason, message, headers=self.headers).response()
        error = self.reason or ("internal_failure" if status >= 500 else "invalid_request")
        return OAuthError(status, error, headers=self.headers).response()


class Faults:
    """The queue of ordered faults. Used under the fake's lock."""

    def __init__(self) -> None:
        self._queue: list[_Ordered] = []

    def add(self, *faults: Fault) -> None:
        """Order faults, behind those already waiting."""
        self._queue += [
            _Ordered(fault=fault, skip=fault.skip, left=fault.times) for fault in faults
        ]

    def clear(self) -> None:
        """Take every order back."""
        self._queue.clear()

    @property
    def pending(self) -> list[Fault]:
        """The faults that still wait for their requests."""
        return [ordered.fault for ordered in self._queue]

    def take(self, request: Request, user: str | None) -> Fault | None:
        """The fault for this request, counted as used."""
        for ordered in self._queue:
            if not ordered.fault.matches(request, user):
                continue
            if ordered.skip > 0:
                ordered.skip -= 1
                continue
            if ordered.left is not None:
                ordered.left -= 1
                if ordered.left <= 0:
                    self._queue.remove(ordered)
            return ordered.fault
        return None


@dataclass(slots=True, kw_only=True)
class _Ordered:
    fault: Fault
    skip: int
    left: int | None
