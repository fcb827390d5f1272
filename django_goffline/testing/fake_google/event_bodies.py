"""What events.insert, update and patch refuse in a body (reference §5.4, §6.2).

Job: the checks of Google's edge, with its reasons. Rule: only the HTTP endpoints check; the Python
API stores what it is given, because broken events exist at Google too.
"""

from __future__ import annotations

import re
from datetime import date, tzinfo

from .event_times import read_time, zone_named
from .recurrence import read_series
from .recurrence_rules import RecurrenceError
from .wire import ApiError, Json

ID = re.compile(r"^[a-v0-9]{5,1024}$")
STATUSES = ("confirmed", "tentative", "cancelled")


def check_id(event_id: str) -> None:
    """An id of the client's own: base32hex, 5 to 1024 characters."""
    if not ID.match(event_id):
        raise ApiError(400, "invalid", "Invalid resource id value.")


def check_event(body: Json, calendar_zone: tzinfo) -> None:
    """Refuse a body (whole, after patching) that no event may have. Raises ``ApiError`` 400."""
    if body.get("status", "confirmed") not in STATUSES:
        raise ApiError(400, "invalid", "Invalid status value.")
    for name in ("start", "end"):
        document = body.get(name)
        if not isinstance(document, dict) or not (document.get("date") or document.get("dateTime")):
            raise ApiError(400, "required", f"Missing {name} time.")
        if document.get("timeZone") is not None and zone_named(document["timeZone"]) is None:
            raise ApiError(400, "invalid", f"Invalid time zone definition for {name} time.")
    start, end = (read_time(body[name], calendar_zone) for name in ("start", "end"))
    if start is None or end is None or (start.day is None) != (end.day is None):
        raise ApiError(400, "invalid", "Invalid start or end time.")
    if end.moment(calendar_zone) < start.moment(calendar_zone):
        message = "The specified time range is empty."
        raise ApiError(400, "timeRangeEmpty", message, "calendar")
    if body.get("recurrence"):
        if start.at is not None and start.zone_name is None:
            raise ApiError(400, "required", "Missing time zone definition for start time.")
        _check_recurrence(body["recurrence"], all_day=start.day is not None, zone=calendar_zone)


def _check_recurrence(lines: object, *, all_day: bool, zone: tzinfo) -> None:
    try:
        if not isinstance(lines, list):
            raise RecurrenceError("recurrence is a list")
        read_series(lines, date(2026, 1, 1), None if all_day else zone)
    except (RecurrenceError, AttributeError, TypeError):
        raise ApiError(400, "invalid", "Invalid recurrence rule.") from None
