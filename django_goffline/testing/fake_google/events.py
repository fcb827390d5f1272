"""Edits of events in one calendar: insert, change, delete, undelete, and instances of series.

Job: the rules of writing (reference §5.4, §5.5) on plain state. Rule: each edit takes one change
number and leaves the record's body to nobody else; reminders do not touch `updated`; a changed series
settles the fate of its exceptions. Who may write, and what a body must hold, is decided at the HTTP
edge; here even broken events are stored, because Google has them.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta

from .calendar_model import Calendar, EventRecord, VanishedInstance
from .event_times import EventTime, milliseconds, read_time, write_time
from .series import Instance, generated_at, instances
from .wire import ApiError, Json
from .world import World

# Set by Google, or fixed at birth; what a client sends for them is ignored.
FIXED = ("kind", "etag", "id", "created", "updated", "creator", "htmlLink", "recurringEventId",
         "originalStartTime", "hangoutLink", "locked", "privateCopy")  # fmt: skip


class EventBook:
    """Writes events. One for all calendars of a fake: they share the counter of changes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.change = 0

    def next_change(self) -> int:
        """The next number of the one counter behind etags and sync tokens."""
        self.change += 1
        return self.change

    # ── single events and masters ────────────────────────────────────────────────────────────

    def insert(self, calendar: Calendar, body: Json, *, event_id: str, creator: str) -> EventRecord:
        """Add an event. Raises ``ApiError`` 409 ``duplicate`` for an id that was ever used."""
        if event_id in calendar.events:
            raise ApiError(409, "duplicate", "The requested identifier already exists.")
        now = milliseconds(self._world.clock.now())
        organizer: Json = {"email": calendar.id, "self": True}
        if calendar.id != calendar.owner:
            organizer["displayName"] = calendar.summary
        full: Json = {
            "status": "confirmed",
            "htmlLink": f"https://www.google.com/calendar/event?eid={event_id}",
            "created": now,
            "updated": now,
            "creator": {"email": creator, **({"self": True} if creator == calendar.id else {})},
            "organizer": organizer,
            "iCalUID": f"{event_id}@google.com",
            "sequence": 0,
            "reminders": {"useDefault": True},
            "eventType": "default",
            **deepcopy({name: value for name, value in body.items() if name not in FIXED}),
        }
        return self._added(calendar, EventRecord(
            id=event_id, position=calendar.positions, change=0, body=full,
        ))  # fmt: skip

    def write(
        self, calendar: Calendar, record: EventRecord, changes: Json, *, replace: bool
    ) -> None:
        """Patch a record (None removes a field), or replace its body as events.update does."""
        before = record.body
        wanted = {name: value for name, value in deepcopy(changes).items() if name not in FIXED}
        if replace:
            kept = (*FIXED, "organizer", "iCalUID", "sequence", "eventType", "status", "reminders")
            body = {name: before[name] for name in kept if name in before} | wanted
        else:
            body = merged(before, wanted)
        if body == before:
            return
        if any(body.get(name) != before.get(name) for name in ("start", "end", "recurrence")):
            body["sequence"] = int(before.get("sequence", 0)) + 1
        if {**body, "reminders": None} != {**before, "reminders": None}:
            body["updated"] = milliseconds(self._world.clock.now())
        revived = before.get("status") == "cancelled" and body.get("status") != "cancelled"
        series_changed = record.recurring and any(
            body.get(name) != before.get(name) for name in ("start", "recurrence")
        )
        old = self._generated(calendar, record) if series_changed else []
        record.body = body
        record.orphaned = record.orphaned and not revived
        self._touch(calendar, record)
        if series_changed:
            self._settle_exceptions(calendar, record, old)
        if revived and self._world.switches.undeleted_series_lists_exceptions:
            self._touch_exceptions(calendar, record)

    def delete(self, calendar: Calendar, record: EventRecord) -> None:
        """Cancel a record: a deleted event, or as an exception an exclusion of its series.

        Raises ``ApiError`` 410 ``deleted`` for a second time.
        """
        if record.cancelled or calendar.gone(record):
            raise ApiError(410, "deleted", "Resource has been deleted")
        self._cancel(calendar, record)
        if record.recurring and self._world.switches.deleted_series_lists_exceptions:
            self._touch_exceptions(calendar, record)

    def move(self, source: Calendar, record: EventRecord, destination: Calendar) -> EventRecord:
        """Give an event to another calendar: gone here, the same id there (events.move).

        Raises ``ApiError`` 409 when a live event of that id is there already.
        """
        present = destination.events.get(record.id)
        if present is not None and not present.cancelled:
            raise ApiError(409, "duplicate", "The requested identifier already exists.")
        exceptions = source.exceptions_of(record.id)
        moved = self._moved(source, record, destination)
        for exception in exceptions:
            self._moved(source, exception, destination)
        return moved

    # ── instances ────────────────────────────────────────────────────────────────────────────

    def exception(
        self, calendar: Calendar, master: EventRecord, original: EventTime
    ) -> EventRecord:
        """The exception record of an instance, made from the master if there is none yet.

        Raises ``ApiError`` 404 ``notFound`` when the series has no such instance.
        """
        known = calendar.exceptions.get(master.id, {}).get(original.stamp)
        if known is not None:
            return calendar.events[known]
        counts = self._world.switches.unsynchronised_start_counts
        generated = generated_at(calendar, master, original.stamp, start_counts=counts)
        if generated is None or master.start is None or master.end is None:
            raise ApiError(404, "notFound", "Not Found")
        length = master.end.moment(calendar.zone) - master.start.moment(calendar.zone)
        record = EventRecord(
            id=f"{master.id}_{generated.stamp}",
            position=calendar.positions,
            change=0,
            body=instance_body(calendar, master, generated, length),
            master_id=master.id,
            original=generated,
        )
        present = calendar.events.get(record.id)
        if present is not None:
            record.position = present.position
        return self._added(calendar, record)

    # ── inside ───────────────────────────────────────────────────────────────────────────────

    def _added(self, calendar: Calendar, record: EventRecord) -> EventRecord:
        if record.id not in calendar.events:
            calendar.positions += 1
        calendar.events[record.id] = record
        if record.master_id is not None and record.original is not None:
            stamps = calendar.exceptions.setdefault(record.master_id, {})
            stamps[record.original.stamp] = record.id
        self._touch(calendar, record)
        return record

    def _touch(self, calendar: Calendar, record: EventRecord) -> None:
        record.start = read_time(record.body.get("start"), calendar.zone)
        record.end = read_time(record.body.get("end"), calendar.zone)
        record.change = calendar.version = self.next_change()
        calendar.updated = self._world.clock.now()
        calendar.log.append(record.change, record.id)

    def _touch_exceptions(self, calendar: Calendar, master: EventRecord) -> None:
        for exception in calendar.exceptions_of(master.id):
            self._touch(calendar, exception)

    def _cancel(self, calendar: Calendar, record: EventRecord) -> None:
        now = milliseconds(self._world.clock.now())
        record.body = {**record.body, "status": "cancelled", "updated": now}
        self._touch(calendar, record)

    def _moved(self, source: Calendar, record: EventRecord, destination: Calendar) -> EventRecord:
        body = deepcopy(record.body)
        body["organizer"] = {"email": destination.id, "self": True}
        body["updated"] = milliseconds(self._world.clock.now())
        present = destination.events.get(record.id)
        if not record.cancelled:
            self._cancel(source, record)
        return self._added(destination, EventRecord(
            id=record.id,
            position=present.position if present is not None else destination.positions,
            change=0,
            body=body,
            master_id=record.master_id,
            original=record.original,
            orphaned=record.orphaned,
        ))  # fmt: skip

    def _generated(self, calendar: Calendar, master: EventRecord) -> list[Instance]:
        switches = self._world.switches
        now = self._world.clock.now()
        found = instances(
            calendar, master, after=None, before=None,
            horizon=now + timedelta(days=switches.endless_series_days),
            start_counts=switches.unsynchronised_start_counts,
        )  # fmt: skip
        return [instance for instance in found if instance.record is None]

    def _settle_exceptions(
        self, calendar: Calendar, master: EventRecord, old: list[Instance]
    ) -> None:
        """After a change of rule or start: note vanished instances, orphan stray exceptions."""
        new = {instance.original.stamp for instance in self._generated(calendar, master)}
        for instance in old:
            stamp = instance.original.stamp
            if stamp not in new:
                gone = VanishedInstance(original=instance.original, change=master.change)
                master.vanished[stamp] = gone
        for stamp in new:
            master.vanished.pop(stamp, None)
        if self._world.switches.exceptions_outlive_rule_change and master.recurring:
            return
        counts = self._world.switches.unsynchronised_start_counts
        for exception in calendar.exceptions_of(master.id):
            assert exception.original is not None
            stamp = exception.original.stamp
            if generated_at(calendar, master, stamp, start_counts=counts) is None:
                self.orphan(calendar, exception)

    def orphan(self, calendar: Calendar, exception: EventRecord) -> None:
        """Delete an exception for good: its series has left it."""
        assert exception.master_id is not None and exception.original is not None
        exception.orphaned = True
        del calendar.exceptions[exception.master_id][exception.original.stamp]
        self._cancel(calendar, exception)


def instance_body(
    calendar: Calendar, master: EventRecord, original: EventTime, length: timedelta
) -> Json:
    """The resource of an instance as its master makes it."""
    body = {name: value for name, value in master.body.items() if name != "recurrence"}
    if original.day is not None:
        end = EventTime(day=original.day + length)
    else:
        assert original.at is not None and master.end is not None
        end = EventTime(at=original.at + length, zone_name=master.end.zone_name)
    zone = original.own_zone(calendar.zone)
    return deepcopy(body) | {
        "recurringEventId": master.id,
        "originalStartTime": write_time(original, zone),
        "start": write_time(original, zone),
        "end": write_time(end, zone),
    }


def merged(before: Json, changes: Json) -> Json:
    """Patch semantics: objects merge, arrays and values replace, None removes.

    A start or end that turns from dateTime to date (or back) loses the other form.
    """
    body = dict(before)
    for name, value in changes.items():
        if value is None:
            body.pop(name, None)
        elif isinstance(value, dict) and isinstance(body.get(name), dict):
            nested = merged(body[name], value)
            if value.get("date"):
                nested = {"date": value["date"]}
            elif value.get("dateTime"):
                nested.pop("date", None)
            body[name] = nested
        else:
            body[name] = value
    return body
