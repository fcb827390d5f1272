"""freeBusy.query: the busy blocks of calendars between two instants (reference §5.6).

Rule: status 200 even if single calendars fail; overlapping blocks merge; transparent, cancelled and
declined events are not busy.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from .calendar_model import Calendar, EventRecord
from .event_times import seconds
from .series import instances, overlaps
from .wire import Json
from .world import World


def busy_blocks(
    world: World, calendar: Calendar, email: str, *, after: datetime, before: datetime
) -> list[Json]:
    """Merged busy blocks of one calendar, cut to the range."""
    spans: list[list[datetime]] = []
    for start, end in sorted(_spans(world, calendar, email, after=after, before=before)):
        if spans and start <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([start, end])
    return [{"start": seconds(start), "end": seconds(end)} for start, end in spans]


def _spans(
    world: World, calendar: Calendar, email: str, *, after: datetime, before: datetime
) -> list[list[datetime]]:
    found = []
    zone = calendar.zone
    for record in calendar.events.values():
        if record.master_id is not None or record.cancelled or not record.start or not record.end:
            continue
        placed = [(record, record.start, record.end)]
        if record.recurring:
            expanded = instances(
                calendar, record, after=after, before=before, horizon=before + timedelta(days=1),
                start_counts=world.switches.unsynchronised_start_counts,
            )  # fmt: skip
            placed = [(each.record or record, each.start, each.end) for each in expanded]
        for shown, start, end in placed:
            if _is_busy(shown, email) and overlaps(start, end, zone, after=after, before=before):
                begin, finish = max(start.moment(zone), after), min(end.moment(zone), before)
                if begin < finish:
                    found.append([begin, finish])
    return found


def _is_busy(record: EventRecord, email: str) -> bool:
    if record.cancelled or record.body.get("transparency") == "transparent":
        return False
    return not any(
        entry.get("email") == email and entry.get("responseStatus") == "declined"
        for entry in record.body.get("attendees", [])
    )
