"""Demonstration data: two people, three calendars in Ada's list, about two hundred events.

Rule: ids are fixed and dates hang on the clock's week, so that a demo looks the same every day: single
and all-day events, series with changed and cancelled instances, several zones, every event type.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from .calendars import CalendarState
from .clock import Clock
from .wire import Json

ADA = "ada@example.com"
BOB = "bob@example.com"
TEAM = "c_team0000000000000000000000000@group.calendar.google.com"
ZURICH = "Europe/Zurich"

_PLACES = ("Room Lovelace", "Room Babbage", "Café au Lac", "", "https://meet.example.com/ada")
_TOPICS = ("Budget", "Interview", "Design review", "Dentist", "Lunch with Grace", "1:1", "Demo ✨",
           "Release", "Call the printer", "Workshop <b>Analytical Engine</b>")  # fmt: skip


class Seedable(Protocol):
    """What the seed needs of a fake."""

    calendar: CalendarState
    clock: Clock

    def add_account(self, email: str, *, name: str | None = None) -> object:
        """Create an account and its primary calendar."""


def seed_demo(fake: Seedable) -> None:
    """Fill an empty fake with the demonstration data."""
    fake.add_account(ADA, name="Ada L.")
    fake.add_account(BOB, name="Bob B.")
    state = fake.calendar
    state.create_calendar(ADA, "Team", ZURICH, id=TEAM)
    state.share(TEAM, BOB, "writer")
    holidays = state.add_generated_calendar(ADA, "holidays")
    today = fake.clock.now().date()
    monday = today - timedelta(days=today.weekday())
    _singles(state, monday)
    _series(state, monday)
    _kinds(state, monday)
    for index, name in enumerate(("Founders' Day", "Harvest Day", "Night of Lights")):
        day = monday + timedelta(days=30 * index + 3)
        state.insert_event(holidays, _all_day(f"holiday{index:03}", name, day))


def _singles(state: CalendarState, monday: date) -> None:
    """120 meetings in Ada's calendar and 60 in the team's, over some twenty weeks."""
    for index in range(180):
        calendar, zone = (ADA, ZURICH) if index % 3 else (TEAM, "America/New_York")
        day = monday + timedelta(days=(index * 7) % 140 - 42 + index % 5)
        event = _timed(
            f"meeting{index:04}", _TOPICS[index % len(_TOPICS)], day, 8 + index % 9, zone
        )
        if place := _PLACES[index % len(_PLACES)]:
            event["location"] = place
        if index % 4 == 0:
            event["attendees"] = [
                {"email": ADA, "self": calendar == ADA, "responseStatus": "accepted"},
                {"email": BOB, "responseStatus": "needsAction", "optional": True},
            ]
        if index % 11 == 0:
            event["visibility"] = "private"
        if index % 7 == 0:
            event["description"] = "Agenda:<ul><li>numbers</li><li>plans</li></ul>"
        state.insert_event(calendar, event)


def _series(state: CalendarState, monday: date) -> None:
    first = monday - timedelta(weeks=4)
    weekly = _timed("weekly00", "Stand-up", first, 9, ZURICH, minutes=15)
    state.insert_event(ADA, weekly | {"recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE"]})
    monthly = _timed("monthly0", "Board meeting", first, 14, "America/New_York", minutes=120)
    rule = f"RRULE:FREQ=MONTHLY;COUNT=12;BYDAY={(first.day - 1) // 7 + 1}MO"
    state.insert_event(TEAM, monthly | {"recurrence": [rule]})
    yearly = _all_day("birthday0", "Grace's birthday", monday + timedelta(days=9))
    state.insert_event(ADA, yearly | {"recurrence": ["RRULE:FREQ=YEARLY"]})
    daily = _timed("daily000", "Medicine", first, 20, ZURICH, minutes=5)
    until = datetime.combine(monday + timedelta(weeks=6), time(23, 59, 59), UTC)
    rule = f"RRULE:FREQ=DAILY;UNTIL={until:%Y%m%dT%H%M%SZ}"
    state.insert_event(ADA, daily | {"recurrence": [rule]})
    state.cancel_instance(ADA, "weekly00", _local(monday, 9, ZURICH))
    later = monday + timedelta(days=9)
    state.change_instance(
        ADA,
        "weekly00",
        _local(later, 9, ZURICH),
        {"summary": "Stand-up, later", **_span(_local(later, 11, ZURICH), ZURICH, minutes=15)},
    )
    state.cancel_instance(ADA, "daily000", _local(monday + timedelta(days=2), 20, ZURICH))


def _kinds(state: CalendarState, monday: date) -> None:
    """One event of each special type, all-day trips, and one that is only half filled in."""
    kinds: dict[str, Json] = {
        "focusTime": {"focusTimeProperties": {"autoDeclineMode": "declineNone"}},
        "outOfOffice": {"outOfOfficeProperties": {"autoDeclineMode": "declineNone"}},
        "workingLocation": {"workingLocationProperties": {"type": "homeOffice", "homeOffice": {}}},
        "fromGmail": {"source": {"title": "Ticket", "url": "https://mail.example.com/t"}},
    }
    for index, (kind, properties) in enumerate(kinds.items()):
        event = _timed(f"kind{index:04}", kind, monday + timedelta(days=index), 13, ZURICH)
        state.insert_event(ADA, {**event, "eventType": kind, **properties})
    for index in range(8):
        day = monday + timedelta(days=11 * index - 20)
        trip = _all_day(f"trip{index:04}", f"Trip {index + 1}", day, days=1 + index % 4)
        state.insert_event(ADA, trip | {"transparency": "transparent"})
    bare = _span(_local(monday, 7, "Asia/Tokyo"), "Asia/Tokyo", minutes=0)
    state.insert_event(ADA, {"id": "bare0000", "status": "tentative", **bare})


def _local(day: date, hour: int, zone: str) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(zone))


def _span(start: datetime, zone: str, *, minutes: int) -> Json:
    end = (start.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(ZoneInfo(zone))
    return {
        "start": {"dateTime": start.isoformat(), "timeZone": zone},
        "end": {"dateTime": end.isoformat(), "timeZone": zone},
    }


def _timed(
    event_id: str, summary: str, day: date, hour: int, zone: str, *, minutes: int = 60
) -> Json:
    return {
        "id": event_id,
        "summary": summary,
        **_span(_local(day, hour, zone), zone, minutes=minutes),
    }


def _all_day(event_id: str, summary: str, day: date, *, days: int = 1) -> Json:
    return {
        "id": event_id,
        "summary": summary,
        "start": {"date": day.isoformat()},
        "end": {"date": (day + timedelta(days=days)).isoformat()},
    }
