"""Edit "this and following": one series becomes two (reference §5.5).

Rule: the old master's rules end just before the split (UNTIL instead of COUNT); the new master takes
the rest of a COUNT, an id with `_R<start>`, and the exceptions from the split on. The id's form is
what others observed; clients must not parse it.
"""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import timedelta

from .calendar_model import Calendar, EventRecord
from .event_times import EventTime, between, shifted, write_time
from .events import EventBook
from .recurrence import as_local, count_before
from .recurrence_rules import parse_recurrence, parse_rule
from .series import generated_at, local_of, series_of, series_zone
from .wire import ApiError, Json

_ENDS = re.compile(r";?\b(COUNT|UNTIL)=[^;]+", re.IGNORECASE)


def split_series(
    book: EventBook,
    calendar: Calendar,
    master: EventRecord,
    at: EventTime,
    changes: Json,
    *,
    creator: str,
    start_counts: bool,
) -> EventRecord:
    """Cut a series before the instance at `at`; return the new master.

    Raises ``ApiError`` 404 when the series has no instance there, 400 at its very first.
    """
    original = generated_at(calendar, master, at.stamp, start_counts=start_counts)
    if original is None or master.start is None or master.end is None:
        raise ApiError(404, "notFound", "Not Found")
    if original.stamp == master.start.stamp:
        raise ApiError(400, "invalid", "Nothing lies before the first instance.")
    length = between(master.start, master.end)
    zone = series_zone(calendar, master.start)
    end = shifted(original, length)
    if master.end.zone_name is not None and end.at is not None:
        end = EventTime(at=end.at, zone_name=master.end.zone_name)
    body = deepcopy(master.body) | {
        "start": write_time(original, zone),
        "end": write_time(end, zone),
        "recurrence": _later_lines(calendar, master, original),
        "sequence": 0,
    }
    local = local_of(original, zone)
    stamp = local.strftime("%Y%m%d" if original.day is not None else "%Y%m%dT%H%M%S")
    new_id = f"{master.id.partition('_R')[0]}_R{stamp}"
    body["iCalUID"] = f"{new_id}@google.com"
    following = [
        record
        for record in calendar.exceptions_of(master.id)
        if record.original is not None
        and record.original.moment(calendar.zone) >= original.moment(calendar.zone)
    ]
    carried = [(record.original, deepcopy(record.body)) for record in following]
    for record in following:
        book.orphan(calendar, record)
    book.write(
        calendar, master, {"recurrence": _earlier_lines(calendar, master, original)}, replace=False
    )
    new = book.insert(calendar, body, event_id=new_id, creator=creator)
    for start, exception_body in carried:
        assert start is not None
        record = book.exception(calendar, new, start)
        kept = {name: value for name, value in exception_body.items() if name != "iCalUID"}
        book.write(calendar, record, kept, replace=False)
    if changes:
        book.write(calendar, new, changes, replace=False)
    return new


def _earlier_lines(calendar: Calendar, master: EventRecord, split: EventTime) -> list[str]:
    if split.day is not None:
        until = (split.day - timedelta(days=1)).strftime("%Y%m%d")
    else:
        assert split.at is not None
        until = (split.at - timedelta(seconds=1)).strftime("%Y%m%dT%H%M%SZ")
    lines = []
    for line in master.body["recurrence"]:
        name = line.upper()
        if name.startswith("RRULE"):
            lines.append(f"{_ENDS.sub('', line)};UNTIL={until}")
        elif name.startswith("RDATE"):
            lines += _listed(calendar, master, line, split, later=False)
        else:
            lines.append(line)
    return lines


def _later_lines(calendar: Calendar, master: EventRecord, split: EventTime) -> list[str]:
    series = series_of(calendar, master)
    assert series is not None and master.start is not None
    moment = local_of(split, series_zone(calendar, master.start))
    lines = []
    for line in master.body["recurrence"]:
        name, _, value = line.partition(":")
        if name.upper() == "RRULE" and (count := parse_rule(value).count) is not None:
            left = count - count_before(series, parse_rule(value), moment)
            lines.append(f"{_ENDS.sub('', line)};COUNT={max(1, left)}")
        elif name.upper().startswith("RDATE"):
            lines += _listed(calendar, master, line, split, later=True)
        else:
            lines.append(line)
    return lines


def _listed(
    calendar: Calendar, master: EventRecord, line: str, split: EventTime, *, later: bool
) -> list[str]:
    """The part of an RDATE line on one side of the split; no line if nothing is left."""
    series = series_of(calendar, master)
    assert series is not None and master.start is not None
    moment = local_of(split, series_zone(calendar, master.start))
    head, _, values = line.partition(":")
    kept = []
    for value in values.split(","):
        (listed,) = parse_recurrence([f"{head}:{value}"]).dates
        if (as_local(listed, series) >= moment) is later:
            kept.append(value)
    return [f"{head}:{','.join(kept)}"] if kept else []
