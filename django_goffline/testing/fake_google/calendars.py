"""The Calendar state of a fake Google: what tests, the demo and the endpoints act on.

Job: edits of events as a person at Google makes them, and the truth to judge a mirror by. Rule: what
comes out is a copy, what goes in is copied; times may be aware datetimes, dates or their ISO text
(the control API sends JSON). Calendars, sharing and lists are in the base class.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import date, datetime, timedelta

from .access import Viewer, role_of
from .calendar_directory import CalendarDirectory
from .calendar_model import Calendar, EventRecord
from .event_times import EventTime, given_time, read_time
from .listing import EventListing
from .parameters import EventQuery
from .series import generated_at, instances
from .split import split_series
from .views import EventView
from .wire import ApiError, Json

When = str | date | datetime


class CalendarState(CalendarDirectory):
    """Calendars, lists and events of all accounts of one fake."""

    # ── edits, as the owner makes them ───────────────────────────────────────────────────────

    def insert_event(self, calendar_id: str, body: Json, creator: str | None = None) -> Json:
        """Add an event; an `id` in the body is used. Raises ``ApiError`` 409 if it exists."""
        with self.world.lock:
            calendar = self.calendar(calendar_id)
            event_id = body.get("id") or self.world.id_text(26)
            author = creator or calendar.owner or calendar.id
            record = self.book.insert(calendar, body, event_id=event_id, creator=author)
            return self._shown(calendar, record)

    def patch_event(self, calendar_id: str, event_id: str, body: Json) -> Json:
        """Change fields of an event or instance; None removes a field."""
        with self.world.lock:
            calendar = self.calendar(calendar_id)
            record = self.writable(calendar, event_id)
            self.book.write(calendar, record, body, replace=False)
            return self._shown(calendar, record)

    def delete_event(self, calendar_id: str, event_id: str) -> None:
        """Delete an event, or cancel one instance of a series."""
        with self.world.lock:
            calendar = self.calendar(calendar_id)
            self.book.delete(calendar, self.writable(calendar, event_id))

    def undelete_event(self, calendar_id: str, event_id: str) -> Json:
        """Bring a deleted event, or a cancelled instance, back."""
        return self.patch_event(calendar_id, event_id, {"status": "confirmed"})

    def move_event(self, calendar_id: str, event_id: str, destination: str) -> Json:
        """Move an event to another calendar; it keeps its id."""
        with self.world.lock:
            source, target = self.calendar(calendar_id), self.calendar(destination)
            record = self.stored(source, event_id)
            return self._shown(target, self.book.move(source, record, target))

    def cancel_instance(self, calendar_id: str, master_id: str, original_start: When) -> Json:
        """Delete one instance of a series; returns the cancelled exception."""
        with self.world.lock:
            calendar = self.calendar(calendar_id)
            record = self._exception(calendar, master_id, original_start)
            self.book.delete(calendar, record)
            return self._shown(calendar, record)

    def change_instance(
        self, calendar_id: str, master_id: str, original_start: When, body: Json
    ) -> Json:
        """Change one instance of a series; returns the exception."""
        with self.world.lock:
            calendar = self.calendar(calendar_id)
            record = self._exception(calendar, master_id, original_start)
            self.book.write(calendar, record, body, replace=False)
            return self._shown(calendar, record)

    def split_series(
        self, calendar_id: str, master_id: str, at: When, body: Json | None = None
    ) -> Json:
        """Edit "this and following": returns the new master, changed by `body`."""
        with self.world.lock:
            calendar = self.calendar(calendar_id)
            master = self.stored(calendar, master_id)
            new = split_series(
                self.book, calendar, master, given_time(at), body or {},
                creator=calendar.owner or calendar.id,
                start_counts=self.world.switches.unsynchronised_start_counts,
            )  # fmt: skip
            return self._shown(calendar, new)

    def purge_cancelled(self, calendar_id: str) -> int:
        """Forget deleted events, as Google does eventually; returns how many (§5.5)."""
        with self.world.lock:
            calendar = self.calendar(calendar_id)
            gone = [record for record in calendar.events.values() if calendar.gone(record)]
            for record in gone:
                del calendar.events[record.id]
                calendar.exceptions.pop(record.id, None)
            calendar.listings.clear()
            return len(gone)

    # ── the truth ────────────────────────────────────────────────────────────────────────────

    def full_list(self, email: str, calendar_id: str, *, show_deleted: bool = False) -> list[Json]:
        """What a full events.list (singleEvents=false) would answer now, all pages together."""
        with self.world.lock:
            query = EventQuery(show_deleted=show_deleted)
            return self._listed_events(email, calendar_id, query)

    def instances_between(self, email: str, calendar_id: str, start: When, end: When) -> list[Json]:
        """Single events and instances that end after `start` and begin before `end`, by start."""
        with self.world.lock:
            zone = self.calendar(calendar_id).zone
            query = EventQuery(
                single_events=True,
                order_by="startTime",
                time_min=given_time(start).moment(zone).isoformat(),
                time_max=given_time(end).moment(zone).isoformat(),
            )
            return self._listed_events(email, calendar_id, query)

    def _listed_events(self, email: str, calendar_id: str, query: EventQuery) -> list[Json]:
        calendar = self.calendar(calendar_id)
        viewer = self.viewer(calendar, email)
        view = EventView(calendar, viewer, self.world.switches)
        listing = EventListing(self.world, view, query, since=None, started=self.book.change)
        return [listing.render(content) for _, content in listing.rows()]

    # ── finding records ──────────────────────────────────────────────────────────────────────

    def viewer(self, calendar: Calendar, email: str) -> Viewer:
        """A person as a reader with all scopes."""
        return Viewer(email=email, role=role_of(calendar, email))

    def stored(self, calendar: Calendar, event_id: str) -> EventRecord:
        """The stored record of that id. Raises ``ApiError`` 404 ``notFound``."""
        record = calendar.events.get(event_id)
        if record is None:
            raise ApiError(404, "notFound", "Not Found")
        return record

    def writable(self, calendar: Calendar, event_id: str) -> EventRecord:
        """The record to write to; a generated instance becomes an exception. Raises 404."""
        record = calendar.events.get(event_id)
        if record is not None and not record.orphaned:
            return record
        master, original = self.generated(calendar, event_id)
        return self.book.exception(calendar, master, original)

    def generated(self, calendar: Calendar, event_id: str) -> tuple[EventRecord, EventTime]:
        """The master and original start behind the id of a generated instance. Raises 404."""
        master_id, _, stamp = event_id.rpartition("_")
        master = calendar.events.get(master_id)
        if master is not None and not master.cancelled:
            counts = self.world.switches.unsynchronised_start_counts
            original = generated_at(calendar, master, stamp, start_counts=counts)
            if original is not None:
                return master, original
        raise ApiError(404, "notFound", "Not Found")

    def rendered(self, calendar: Calendar, view: EventView, event_id: str) -> Json:
        """One event, exception or generated instance, as events.get has it. Raises 404."""
        record = calendar.events.get(event_id)
        if record is not None and not record.orphaned:
            if record.cancelled or calendar.gone(record):
                return view.deleted(record)
            return view.record(record)
        master, original = self.generated(calendar, event_id)
        # Its neighbours are no part of the answer: expand around this start alone.
        near = original.moment(calendar.zone)
        around = instances(
            calendar, master, after=near - timedelta(seconds=1), before=near + timedelta(days=1),
            horizon=near + timedelta(days=1),
            start_counts=self.world.switches.unsynchronised_start_counts,
        )  # fmt: skip
        for instance in around:
            if instance.original.stamp == original.stamp:
                return view.instance(instance)
        raise ApiError(404, "notFound", "Not Found")

    def _exception(self, calendar: Calendar, master_id: str, original_start: When) -> EventRecord:
        master = self.stored(calendar, master_id)
        start = original_start
        original = (
            read_time({"dateTime": start}, calendar.zone)
            if isinstance(start, str) and len(start) > 10
            else given_time(start)
        )
        if original is None:
            raise ValueError(f"not a time: {start!r}")
        return self.book.exception(calendar, master, original)

    def _shown(self, calendar: Calendar, record: EventRecord) -> Json:
        owner = Viewer(email=calendar.owner or calendar.id, role="owner")
        view = EventView(calendar, owner, self.world.switches)
        return deepcopy(view.record(record))
