"""Read query parameters as Google does: types, bounds, and the refusals for wrong ones.

Job: the parameter tables of reference §5.1 and §5.2. Rule: a wrong value is 400 with the parameter's
name as `location`; values beyond a maximum are brought down to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from .event_times import parse_rfc3339, zone_named
from .switches import Switches
from .wire import ApiError, Json, Request

# What events.list refuses beside a sync token (discovery document, parameter syncToken).
FORBIDDEN_WITH_SYNC_TOKEN = ("iCalUID", "orderBy", "privateExtendedProperty", "q",
                             "sharedExtendedProperty", "timeMin", "timeMax",
                             "updatedMin")  # fmt: skip


def invalid(name: str, message: str, *, reason: str = "invalid") -> ApiError:
    """400 for one parameter."""
    return ApiError(400, reason, message, location=name)


def boolean(request: Request, name: str) -> bool | None:
    """`true` or `false`; None when absent."""
    text = request.parameter(name)
    if text is None:
        return None
    if text not in ("true", "false"):
        raise invalid(name, f"Invalid boolean value: '{text}'.")
    return text == "true"


def integer(request: Request, name: str, *, low: int, high: int | None = None) -> int | None:
    """A whole number of at least `low`, brought down to `high`; None when absent."""
    text = request.parameter(name)
    if text is None:
        return None
    try:
        number = int(text)
    except ValueError:
        raise invalid(name, f"Invalid integer value: '{text}'.") from None
    if number < low:
        raise invalid(name, f"Invalid value '{number}'. Values must be within the range: [{low}, ]")
    return number if high is None else min(number, high)


def moment(request: Request, name: str) -> datetime | None:
    """An RFC 3339 instant with its mandatory offset; a fraction of a second is ignored."""
    text = request.parameter(name)
    if text is None:
        return None
    try:
        return parse_rfc3339(text).replace(microsecond=0)
    except ValueError:
        raise invalid(name, "Bad Request", reason="badRequest") from None


def one_of(request: Request, name: str, allowed: Iterable[str]) -> str | None:
    """One of a closed set of values; None when absent."""
    text = request.parameter(name)
    if text is not None and text not in allowed:
        raise invalid(name, f"Invalid string value: '{text}'.")
    return text


def zone_name(request: Request) -> str | None:
    """The zone asked for in `timeZone`; None when absent."""
    name = request.parameter("timeZone")
    if name is not None and zone_named(name) is None:
        raise invalid("timeZone", "Invalid time zone.")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """What an events.list asks for, without paging and tokens. Sync tokens remember it."""

    single_events: bool = False
    show_deleted: bool = False
    show_hidden_invitations: bool = False
    order_by: str | None = None
    time_min: str | None = None
    time_max: str | None = None
    updated_min: str | None = None
    q: str | None = None
    ical_uid: str | None = None
    private_properties: tuple[str, ...] = ()
    shared_properties: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    max_attendees: int | None = None
    time_zone: str | None = None

    @property
    def after(self) -> datetime | None:
        """`timeMin` as an instant."""
        return parse_rfc3339(self.time_min) if self.time_min else None

    @property
    def before(self) -> datetime | None:
        """`timeMax` as an instant."""
        return parse_rfc3339(self.time_max) if self.time_max else None

    def as_document(self) -> Json:
        """For tokens and fingerprints: what differs from the defaults."""
        plain = asdict(EventQuery())
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value != plain[name]
        }


def query_of(document: Json) -> EventQuery:
    """The query that a token remembers."""
    values: Json = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    return replace(EventQuery(), **values)


def event_query(request: Request, switches: Switches) -> EventQuery:
    """Read and check the parameters of events.list. Raises ``ApiError`` 400."""
    show_deleted = boolean(request, "showDeleted")
    if request.parameter("syncToken") is not None:
        _refuse_with_sync_token(request, show_deleted, switches)
    single = boolean(request, "singleEvents") or False
    order_by = one_of(request, "orderBy", ("startTime", "updated"))
    if order_by == "startTime" and not single:
        raise invalid(
            "orderBy", "The requested ordering is not available for the particular query."
        )
    check_range(request)
    for name in ("privateExtendedProperty", "sharedExtendedProperty"):
        for text in request.parameters(name):
            if "=" not in text:
                raise invalid(name, "Invalid constraint; must be name=value.")
    updated_min = moment(request, "updatedMin")
    return EventQuery(
        single_events=single,
        show_deleted=show_deleted or False,
        show_hidden_invitations=boolean(request, "showHiddenInvitations") or False,
        order_by=order_by,
        time_min=_text(moment(request, "timeMin")),
        time_max=_text(moment(request, "timeMax")),
        updated_min=_text(updated_min),
        q=request.parameter("q"),
        ical_uid=request.parameter("iCalUID"),
        private_properties=tuple(request.parameters("privateExtendedProperty")),
        shared_properties=tuple(request.parameters("sharedExtendedProperty")),
        event_types=tuple(sorted(set(request.parameters("eventTypes")))),
        max_attendees=integer(request, "maxAttendees", low=1),
        time_zone=zone_name(request),
    )


def check_range(request: Request) -> None:
    """Refuse an empty range: `timeMin` must lie before `timeMax`."""
    low, high = moment(request, "timeMin"), moment(request, "timeMax")
    if low is not None and high is not None and low >= high:
        message = "The specified time range is empty."
        raise ApiError(400, "timeRangeEmpty", message, "calendar", location="timeMax")


def _refuse_with_sync_token(
    request: Request, show_deleted: bool | None, switches: Switches
) -> None:
    for name in FORBIDDEN_WITH_SYNC_TOKEN:
        if request.parameter(name) is not None:
            message = f"Sync token cannot be used with {name} parameter."
            raise invalid(name, message, reason=switches.sync_conflict_reason)
    if show_deleted is False:
        message = "Sync token cannot be used with showDeleted set to false."
        raise invalid("showDeleted", message, reason=switches.sync_conflict_reason)


def _text(value: datetime | None) -> str | None:
    return value.isoformat() if value is not None else None
