"""Calendar API v3: one function for each call that we make; request in, page out.

Requests are frozen values: planning needs no network, and many can travel together. Sources: the Calendar v3 discovery
document; "Synchronize resources efficiently" for what may not be mixed with a sync token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from .endpoints import Endpoints
from .errors import AnswerError
from .transport import Transport
from .verdicts import api_error

#: What a request with a sync token must not carry.
FORBIDDEN_WITH_SYNC_TOKEN = frozenset(
    {
        "iCalUID",
        "minAccessRole",
        "orderBy",
        "privateExtendedProperty",
        "q",
        "sharedExtendedProperty",
        "showDeleted",
        "showOwnOrganizationOnly",
        "timeMax",
        "timeMin",
        "updatedMin",
    }
)

#: What a caller must not add: set by the functions here, or a way around the Authorization header.
RESERVED = frozenset(
    {
        "access_token",
        "alt",
        "fields",
        "key",
        "maxResults",
        "oauth_token",
        "pageToken",
        "prettyPrint",
        "singleEvents",
        "syncToken",
    }
)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A call, without the token of the person it is made for. ``path`` is relative to the API's base URL."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def carries_cursor(self) -> bool:
        """Whether it goes on from somewhere: a sync token or a page token."""
        return any(name in ("syncToken", "pageToken") for name, _ in self.query)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list. Exactly one of the two tokens is there, unless Google withholds the sync token."""

    items: list[dict[str, Any]]
    next_page_token: str = ""
    next_sync_token: str = ""
    fields: Mapping[str, Any]
    bytes: int = 0


def calendar_list_request(
    *,
    page_token: str = "",
    sync_token: str = "",
    max_results: int = 250,
    show_hidden: bool = True,
) -> ApiRequest:
    """``calendarList.list``. Hidden calendars are asked for, but for a sync token, which always brings them.

    Raises ``ValueError`` for a page size that Google refuses.
    """
    query = [_page_size(max_results, largest=250)]
    if show_hidden and not sync_token:
        query.append(("showHidden", "true"))
    return _list("users/me/calendarList", query, page_token=page_token, sync_token=sync_token)


def events_request(
    calendar_id: str,
    *,
    page_token: str = "",
    sync_token: str = "",
    max_results: int = 2500,
    single_events: bool = False,
    extra: tuple[tuple[str, str], ...] = (),
) -> ApiRequest:
    """``events.list``: masters and exceptions, unless ``single_events`` asks for instances.

    ``extra`` holds further parameters of the method. Raises ``ValueError`` for what Google refuses: parameters that
    must not be mixed, an open or empty window, a page size out of range.
    """
    query = [_page_size(max_results, largest=2500)]
    if single_events:
        query.append(("singleEvents", "true"))
    _check_extra(extra, single_events=single_events)
    path = f"calendars/{_segment(calendar_id)}/events"
    return _list(path, [*query, *extra], page_token=page_token, sync_token=sync_token)


def instances_request(
    calendar_id: str,
    event_id: str,
    *,
    page_token: str = "",
    max_results: int = 2500,
    extra: tuple[tuple[str, str], ...] = (),
) -> ApiRequest:
    """``events.instances``: Google's own expansion of one series. It has no sync token.

    Raises ``ValueError`` like ``events_request``.
    """
    _check_extra(extra, single_events=True)
    path = f"calendars/{_segment(calendar_id)}/events/{_segment(event_id)}/instances"
    query = [_page_size(max_results, largest=2500), *extra]
    return _list(path, query, page_token=page_token, sync_token="")


def calendar_request(calendar_id: str) -> ApiRequest:
    """``calendars.get``: what a calendar is, without one person's view of it."""
    return ApiRequest("GET", f"calendars/{_segment(calendar_id)}", (("prettyPrint", "false"),))


def fetch_page(
    transport: Transport,
    endpoints: Endpoints,
    request: ApiRequest,
    *,
    access_token: str,
    deadline: float | None = None,
) -> Page:
    """Make a list call. Raises the leaves of ``GoogleError``; a page without ``items`` is an empty one."""
    answer = transport.send(
        request.method,
        endpoints.calendar + request.path,
        query=request.query,
        bearer=access_token,
        deadline=deadline,
    )
    if answer.status != 200:
        raise api_error(
            answer.status, answer.headers, answer.content, cursor_sent=request.carries_cursor
        )
    return read_page(answer.json(), size=len(answer.content))


def read_page(document: Any, *, size: int = 0) -> Page:
    """A decoded answer as a page. Raises ``AnswerError`` when it is no list at all."""
    if not isinstance(document, dict):
        raise AnswerError
    items = document.get("items", [])
    if not isinstance(items, list):
        raise AnswerError
    return Page(
        items=[item for item in items if isinstance(item, dict)],
        next_page_token=_text(document.get("nextPageToken")),
        next_sync_token=_text(document.get("nextSyncToken")),
        fields={
            name: value
            for name, value in document.items()
            if name not in ("items", "nextPageToken", "nextSyncToken")
        },
        bytes=size,
    )


def _list(
    path: str, query: list[tuple[str, str]], *, page_token: str, sync_token: str
) -> ApiRequest:
    if sync_token:
        mixed = FORBIDDEN_WITH_SYNC_TOKEN.intersection(name for name, _ in query)
        if mixed:
            raise ValueError(f"not allowed together with a sync token: {', '.join(sorted(mixed))}")
        query.append(("syncToken", sync_token))
    if page_token:
        query.append(("pageToken", page_token))
    return ApiRequest("GET", path, (*query, ("prettyPrint", "false")))


def _segment(identifier: str) -> str:
    # Dots are not escaped, and a segment of dots climbs: it would name another resource.
    if identifier in ("", ".", ".."):
        raise ValueError("not an identifier that can stand in a path")
    return quote(identifier, safe="")


def _page_size(value: int, *, largest: int) -> tuple[str, str]:
    if not 1 <= value <= largest:
        raise ValueError(f"maxResults must lie between 1 and {largest}")
    return ("maxResults", str(value))


def _check_extra(extra: tuple[tuple[str, str], ...], *, single_events: bool) -> None:
    given = dict(extra)
    ours = RESERVED.intersection(given)
    if ours:
        raise ValueError(f"not to be given as extra parameters: {', '.join(sorted(ours))}")
    if given.get("orderBy") == "startTime" and not single_events:
        raise ValueError("orderBy=startTime needs single events")
    ends = [_instant(name, given[name]) for name in ("timeMin", "timeMax") if name in given]
    if len(ends) == 2 and ends[0] >= ends[1]:
        raise ValueError("timeMin must lie before timeMax")


def _instant(name: str, text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(f"{name} needs an offset")
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
