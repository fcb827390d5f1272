"""Event times as Google writes them: RFC 3339 instants, bare dates, and zones.

Job: read and write `start`, `end`, `originalStartTime` and the time parameters (reference §5.2,
§5.4). Rule: an all-day date stays a date; an instant is aware UTC plus the zone's name as given; a
zone that tzdata does not know keeps its name, and its offset counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .recurrence import instant
from .wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTime:
    """One start or end: either `day` (all-day) or `at` (aware UTC) with its zone name and offset."""

    day: date | None = None
    at: datetime | None = None
    zone_name: str | None = None
    offset: timedelta | None = None

    def moment(self, zone: tzinfo) -> datetime:
        """The instant in UTC; a date begins at midnight in the calendar's zone."""
        if self.at is not None:
            return self.at
        assert self.day is not None
        return instant(datetime.combine(self.day, time.min), zone)

    def own_zone(self, fallback: tzinfo) -> tzinfo:
        """The zone in which the event's wall clock runs."""
        return zone_named(self.zone_name) or (
            fallback if self.zone_name is None or self.offset is None else timezone(self.offset)
        )

    @property
    def stamp(self) -> str:
        """The part after `_` of an instance's id: UTC for instants, a bare date for all-day."""
        if self.at is not None:
            return self.at.strftime("%Y%m%dT%H%M%SZ")
        assert self.day is not None
        return self.day.strftime("%Y%m%d")


def zone_named(name: str | None) -> ZoneInfo | None:
    """The IANA zone of that name, or None when it is absent or unknown to tzdata."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def parse_rfc3339(text: str) -> datetime:
    """Read a parameter's instant. Raises ``ValueError`` without an offset, as Google refuses it."""
    if len(text) < 20 or text[10] not in "Tt":
        raise ValueError(f"not RFC 3339: {text!r}")
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        raise ValueError(f"offset missing: {text!r}")
    return moment.astimezone(UTC)


def milliseconds(moment: datetime) -> str:
    """`created` and `updated`: RFC 3339 in UTC with milliseconds."""
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    )


def seconds(moment: datetime) -> str:
    """An instant in UTC without a fraction, as free/busy answers have it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(document: object, calendar_zone: tzinfo) -> EventTime | None:
    """Read `{date}` or `{dateTime, timeZone}`; None for what no calendar could place in time."""
    if not isinstance(document, dict):
        return None
    try:
        if document.get("date"):
            return EventTime(day=date.fromisoformat(document["date"]))
        moment = datetime.fromisoformat(document["dateTime"].upper())
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    name = document.get("timeZone")
    offset = moment.utcoffset()
    if offset is None:
        moment = moment.replace(tzinfo=zone_named(name) or calendar_zone)
    return EventTime(
        at=moment.astimezone(UTC).replace(microsecond=0), zone_name=name, offset=offset
    )


def write_time(value: EventTime, answer_zone: tzinfo) -> Json:
    """Write a time for an answer: the offset is that of the answer's zone, the name the event's."""
    if value.day is not None:
        return {"date": value.day.isoformat()}
    assert value.at is not None
    text = value.at.astimezone(answer_zone).isoformat()
    document = {"dateTime": text.replace("+00:00", "Z")}
    if value.zone_name is not None:
        document["timeZone"] = value.zone_name
    return document


def given_time(value: str | date | datetime) -> EventTime:
    """Read an argument of the Python API: a date, an aware datetime, or their ISO text.

    Raises ``ValueError`` for a naive datetime.
    """
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) <= 10 else datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return EventTime(day=value)
    if value.tzinfo is None:
        raise ValueError("aware datetimes only")
    return EventTime(at=value.astimezone(UTC).replace(microsecond=0))


def shifted(value: EventTime, step: timedelta) -> EventTime:
    """The same kind of time, later by a step (whole days for dates)."""
    if value.day is not None:
        return EventTime(day=value.day + step)
    assert value.at is not None
    return EventTime(at=value.at + step, zone_name=value.zone_name, offset=value.offset)


def between(start: EventTime, end: EventTime) -> timedelta:
    """The exact length from one time to another of the same kind (RFC 5545 §3.8.5.3).

    Raises ``ValueError`` when one is a date and the other an instant.
    """
    if start.day is not None and end.day is not None:
        return end.day - start.day
    if start.at is not None and end.at is not None:
        return end.at - start.at
    raise ValueError("start and end are of different kinds")
