"""What travels between a client and the fake: requests, responses, and errors in Google's shapes.

The rules raise :class:`ApiError` or :class:`OAuthError`; :meth:`FakeGoogle.handle` turns them into
responses. A JSON answer keeps its document until the last moment, so that ``prettyPrint``, ``fields``,
ETag and gzip are applied in one place to all endpoints. Sources: Google Calendar API, "Handle API
errors" (the classic body, and the newer one mixed with it); RFC 6749 section 5.2 (OAuth errors).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

Json = dict[str, Any]

GRPC_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class Headers(Mapping[str, str]):
    """HTTP header fields by name, in any case (RFC 9110 section 5.1)."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = {name.lower(): value for name, value in (values or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as the fake sees it.

    ``path`` is raw: still percent-encoded and without the query, because calendar and event ids may
    hold ``%2F``. ``query`` is decoded and keeps order and repeated names.
    """

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: Headers = field(default_factory=Headers)
    body: bytes = field(default=b"", repr=False)

    def parameter(self, name: str, default: str | None = None) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def parameters(self, name: str) -> list[str]:
        """Every value of a repeated query parameter, in order."""
        return [value for key, value in self.query if key == name]

    def form(self) -> dict[str, str]:
        """The fields of a form body; of a repeated field the last counts."""
        return dict(self.form_pairs())

    def form_pairs(self) -> list[tuple[str, str]]:
        """The fields of a form body in order, repeated names kept."""
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    def json(self) -> Json:
        """The JSON object in the body; an empty body is an empty object.

        Raises ``ApiError`` (400, ``parseError``) for anything else.
        """
        if not self.body:
            return {}
        try:
            document = json.loads(self.body)
        except ValueError:
            raise ApiError(400, "parseError", "Parse Error") from None
        if not isinstance(document, dict):
            raise ApiError(400, "parseError", "Parse Error")
        return document


Cut = Literal["before", "middle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One HTTP response, and what shall go wrong on its way.

    A JSON answer carries ``document``; :meth:`rendered` makes the bytes. ``delay`` is in real
    seconds; ``cut`` closes the connection before the answer or in the middle of its body. Both are
    carried out by the server or the adapter, never under the state's lock.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    document: Json | None = field(default=None, repr=False)
    delay: float = 0.0
    cut: Cut | None = None

    def json(self) -> Json:
        """The answer's JSON object, for tests that call the fake directly."""
        document = self.document
        if document is None:
            zipped = self.headers.get("Content-Encoding") == "gzip"
            document = json.loads(gzip.decompress(self.body) if zipped else self.body)
        assert isinstance(document, dict)
        return document

    def rendered(self, *, pretty: bool = False) -> bytes:
        """The body's bytes; JSON is compact unless ``pretty`` is asked for."""
        if self.document is None:
            return self.body
        if pretty:
            return (json.dumps(self.document, indent=2, ensure_ascii=False) + "\n").encode()
        return json.dumps(self.document, separators=(",", ":"), ensure_ascii=False).encode()


def json_response(
    document: Json, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer as Google sends it."""
    return Response(
        status=status,
        headers={
            "Content-Type": "application/json; charset=UTF-8",
            "Vary": "Origin, X-Origin, Referer",
            **(headers or {}),
        },
        document=document,
    )


def html_response(
    text: str, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A page for a person."""
    return Response(
        status=status,
        headers={"Content-Type": "text/html; charset=utf-8", **(headers or {})},
        body=text.encode(),
    )


class WireError(Exception):
    """An error that has a response."""

    def response(self) -> Response:
        """The response that tells the client."""
        raise NotImplementedError


class ApiError(WireError):
    """An error of a Google API: a classic body, or with ``details`` the newer one mixed with it.

    ``location`` names the parameter or header at fault. ``details`` are ``google.rpc`` entries; see
    :func:`error_info`. Source: Calendar API, "Handle API errors".
    """

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        domain: str = "global",
        *,
        location: str | None = None,
        location_type: str = "parameter",
        details: list[Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.location = location
        self.location_type = location_type
        self.details = details
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The error in the shape of reference section 6.1."""
        entry: Json = {"domain": self.domain, "reason": self.reason, "message": self.message}
        if self.location is not None:
            entry |= {"locationType": self.location_type, "location": self.location}
        error: Json = {"errors": [entry], "code": self.status, "message": self.message}
        if self.details is not None:
            error |= {"status": GRPC_STATUS.get(self.status, "UNKNOWN"), "details": self.details}
        return json_response({"error": error}, status=self.status, headers=self.headers)


def error_info(
    reason: str, metadata: dict[str, str] | None = None, *, domain: str = "googleapis.com"
) -> Json:
    """One ``google.rpc.ErrorInfo`` entry for :class:`ApiError`'s ``details``."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": metadata or {},
    }


class OAuthError(WireError):
    """An error of an OAuth endpoint (RFC 6749 section 5.2), with Google's ``error_subtype``."""

    def __init__(
        self,
        status: int,
        error: str,
        description: str | None = None,
        subtype: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error
        self.description = description
        self.subtype = subtype
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The error as JSON; absent fields are left out."""
        document = {"error": self.error}
        if self.description is not None:
            document["error_description"] = self.description
        if self.subtype is not None:
            document["error_subtype"] = self.subtype
        return json_response(
            document,
            status=self.status,
            headers={"Cache-Control": "no-store", "Pragma": "no-cache", **self.headers},
        )
