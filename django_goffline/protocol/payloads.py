"""What Google sends, as frozen values; parsing that survives anything.

Every field but the id may be absent, of another type, or unknown (Calendar v3 discovery document, CalendarListEntry and
Event). A field that cannot be read is empty and named in ``problem``; the payload as received is kept beside it. Dates
stay dates; instants are aware UTC, with the zone's name as sent. Texts come out as every database takes them: without
NUL and lone surrogates, and where a column has an end, not beyond it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

#: Longest identifier that Google documents, in characters.
LONGEST_ID = 1024

_LARGEST_SEQUENCE = 2**63 - 1
# MariaDB's DATETIME begins with the year 1000; the last year leaves room for any zone's offset.
_YEARS = range(1000, 9999)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class PayloadError(ValueError):
    """An item that cannot be stored at all: it has no usable id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """An entry of a person's calendar list."""

    id: str
    etag: str
    summary: str
    """The calendar's name as this person sees it: their own one, if they gave it one."""
    summary_override: str
    description: str
    time_zone: str
    color_id: str
    background_color: str
    foreground_color: str
    access_role: str
    primary: bool
    hidden: bool
    selected: bool
    deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point of an event: an instant or a date, never both, with the zone as sent."""

    at: datetime | None = None
    day: date | None = None
    zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFields:
    """The fields of an event that people query."""

    id: str
    etag: str
    status: str
    summary: str
    location: str
    start: Moment
    end: Moment
    original_start: Moment
    transparency: str
    visibility: str
    event_type: str
    organizer_email: str
    organizer_self: bool
    own_response: str
    recurrence: tuple[str, ...]
    recurring_event_id: str
    ical_uid: str
    sequence: int
    html_link: str
    created: datetime | None
    updated: datetime | None
    problem: str
    """Which fields could not be read, and why; empty if all could."""

    @property
    def start_at(self) -> datetime | None:
        """First instant, None for an all-day event."""
        return self.start.at

    @property
    def end_at(self) -> datetime | None:
        """Instant after the last, None for an all-day event."""
        return self.end.at

    @property
    def start_date(self) -> date | None:
        """First day of an all-day event."""
        return self.start.day

    @property
    def end_date(self) -> date | None:
        """Day after the last of an all-day event."""
        return self.end.day

    @property
    def start_zone(self) -> str:
        """Zone of the start, as sent."""
        return self.start.zone

    @property
    def end_zone(self) -> str:
        """Zone of the end, as sent."""
        return self.end.zone

    @property
    def original_start_at(self) -> datetime | None:
        """Instant that an exception had in its series, None for an all-day series."""
        return self.original_start.at

    @property
    def original_start_date(self) -> date | None:
        """Day that an exception had in its all-day series."""
        return self.original_start.day


def clean_text(value: object, *, longest: int | None = None) -> str:
    """``value`` as text that every database takes: NUL and lone surrogates become U+FFFD; empty if it is no text."""
    if not isinstance(value, str):
        return ""
    text = (
        value.replace("\x00", "\ufffd")
        .encode("utf-16", "surrogatepass")
        .decode("utf-16", "replace")
    )
    return text[:longest]


def compact_json(raw: Any) -> str:
    """JSON as short ASCII text: it can be stored by any database, whatever the strings hold."""
    return json.dumps(raw, ensure_ascii=True, separators=(",", ":"))


def fingerprint(raw: Any) -> str:
    """Hex digest of an item, its etag included: equal content has an equal one, whatever the order of its keys."""
    text = json.dumps(raw, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def item_id(raw: Any) -> str:
    """The item's id. Raises ``PayloadError`` when there is none that can be stored."""
    value = raw.get("id") if isinstance(raw, dict) else None
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or clean_text(value) != value:
        raise PayloadError("an item without a usable id")
    return value


def parse_calendar_entry(raw: Any) -> CalendarEntry:
    """An entry of ``calendarList.list``. Absent booleans are false. Raises ``PayloadError`` without an id."""
    return CalendarEntry(
        id=item_id(raw),
        etag=clean_text(raw.get("etag"), longest=255),
        summary=clean_text(raw.get("summaryOverride"), longest=1000)
        or clean_text(raw.get("summary"), longest=1000),
        summary_override=clean_text(raw.get("summaryOverride"), longest=1000),
        description=clean_text(raw.get("description")),
        time_zone=clean_text(raw.get("timeZone"), longest=255),
        color_id=clean_text(raw.get("colorId"), longest=64),
        background_color=clean_text(raw.get("backgroundColor"), longest=32),
        foreground_color=clean_text(raw.get("foregroundColor"), longest=32),
        access_role=clean_text(raw.get("accessRole"), longest=64),
        primary=raw.get("primary") is True,
        hidden=raw.get("hidden") is True,
        selected=raw.get("selected") is True,
        deleted=raw.get("deleted") is True,
    )


def parse_event(raw: Any) -> EventFields:
    """An event, an exception, or the stub of a cancelled one. Raises ``PayloadError`` without an id."""
    own_id = item_id(raw)
    problems: list[str] = []

    def text(name: str, *, longest: int | None = None) -> str:
        value = raw.get(name)
        if value is not None and not isinstance(value, str):
            problems.append(f"{name}: not a text")
        return clean_text(value, longest=longest)

    def moment(name: str) -> Moment:
        return _moment(raw.get(name), name, problems)

    organizer = raw.get("organizer")
    organizer = organizer if isinstance(organizer, dict) else {}
    start, end = moment("start"), moment("end")
    if (start.at and end.day) or (start.day and end.at):
        problems.append("start and end: one is a day, the other an instant")
    return EventFields(
        id=own_id,
        etag=clean_text(raw.get("etag"), longest=255),
        status=text("status", longest=32),
        summary=text("summary"),
        location=text("location"),
        start=start,
        end=end,
        original_start=moment("originalStartTime"),
        transparency=text("transparency", longest=32),
        visibility=text("visibility", longest=32),
        event_type=text("eventType", longest=64),
        organizer_email=clean_text(organizer.get("email"), longest=320),
        organizer_self=organizer.get("self") is True,
        own_response=_own_response(raw.get("attendees")),
        recurrence=_recurrence(raw.get("recurrence"), problems),
        recurring_event_id=text("recurringEventId", longest=LONGEST_ID),
        ical_uid=text("iCalUID", longest=1024),
        sequence=_sequence(raw.get("sequence"), problems),
        html_link=text("htmlLink"),
        created=_instant(raw.get("created"), "created", problems),
        updated=_instant(raw.get("updated"), "updated", problems),
        problem="; ".join(problems)[:300],
    )


def parse_instant(text: str, zone: str = "") -> datetime:
    """An RFC 3339 instant as aware UTC. Without an offset, ``zone`` gives it. Raises ``ValueError``."""
    if "T" not in text.upper():
        raise ValueError("a date without a time")
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        try:
            value = value.replace(tzinfo=ZoneInfo(zone))
        except (KeyError, ValueError, OSError):
            raise ValueError("neither an offset nor a known zone") from None
    value = value.astimezone(UTC)
    if value.year not in _YEARS:
        raise ValueError("outside of the years that databases know")
    return value


def parse_day(text: str) -> date:
    """A full-date of RFC 3339. Raises ``ValueError``."""
    if not _DATE.fullmatch(text):
        raise ValueError("not a date")
    value = date.fromisoformat(text)
    if value.year not in _YEARS:
        raise ValueError("outside of the years that databases know")
    return value


def _moment(value: Any, name: str, problems: list[str]) -> Moment:
    if value is None:
        return Moment()
    if not isinstance(value, dict):
        problems.append(f"{name}: not an object")
        return Moment()
    zone = clean_text(value.get("timeZone"), longest=255)
    try:
        if value.get("dateTime") is not None:
            return Moment(at=parse_instant(value["dateTime"], zone), zone=zone)
        if value.get("date") is not None:
            return Moment(day=parse_day(value["date"]), zone=zone)
    except (ValueError, TypeError, AttributeError, OverflowError):
        problems.append(f"{name}: not a date or time")
    return Moment(zone=zone)


def _instant(value: Any, name: str, problems: list[str]) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_instant(value)
    except (ValueError, TypeError, AttributeError, OverflowError):
        problems.append(f"{name}: not a time")
        return None


def _sequence(value: Any, problems: list[str]) -> int:
    if value is None:
        return 0
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_SEQUENCE:
        return value
    problems.append("sequence: not a number")
    return 0


def _own_response(attendees: Any) -> str:
    if isinstance(attendees, list):
        for attendee in attendees:
            if isinstance(attendee, dict) and attendee.get("self") is True:
                return clean_text(attendee.get("responseStatus"), longest=32)
    return ""


def _recurrence(lines: Any, problems: list[str]) -> tuple[str, ...]:
    if lines is None:
        return ()
    if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
        return tuple(clean_text(line) for line in lines)
    problems.append("recurrence: not a list of lines")
    return ()
