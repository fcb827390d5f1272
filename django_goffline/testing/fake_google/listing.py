"""Which events a list holds, and in which order: the live rows behind events.list and instances.

Job: from a query to sorted rows (reference §5.2, §5.3, §5.5). Rule: rows are keys and references,
never payloads; they are computed once per version of the calendar, so paging 200,000 events costs a
bisection and the page. The order is live: an event that changes during a run may move.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from .calendar_model import Calendar, EventRecord, Key, VanishedInstance
from .event_times import parse_rfc3339
from .parameters import EventQuery
from .sealed import fingerprint
from .series import Instance, instances, overlaps
from .views import EventView
from .wire import Json
from .world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """An event that changed and is now outside of what the list shows: a tombstone of a delta."""

    record: EventRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """An instance that its series generates no more."""

    master: EventRecord
    instance: VanishedInstance


RowContent = EventRecord | Instance | Hidden | Vanished
Row = tuple[Key, RowContent]


class EventListing:
    """The rows of one query on one calendar, for one reader.

    `since`: only what changed after that number (an incremental run); None: everything.
    `started`: the number at which the run began.
    """

    def __init__(
        self,
        world: World,
        view: EventView,
        query: EventQuery,
        *,
        since: int | None,
        started: int,
    ) -> None:
        self._world = world
        self._view = view
        self._calendar: Calendar = view.calendar
        self._query = query
        self._since = since
        self._started = started
        self._order = world.switches.page_order
        self._after, self._before = query.after, query.before

    def rows(self) -> list[Row]:
        """All rows in order, from the calendar's cache where it is still true."""
        key = fingerprint(
            {
                "query": self._query.as_document(),
                "since": self._since,
                "version": self._calendar.version,
                "role": self._view.viewer.role,
                "started": self._started if self._order == "moves_to_front" else 0,
                # Only the horizon of endless series depends on the time.
                "day": self._world.clock.now().date() if self._query.single_events else None,
            }
        )
        cache = self._calendar.listings
        if key not in cache:
            if len(cache) >= 4:
                cache.clear()
            cache[key] = sorted(self._unsorted(), key=lambda row: row[0])
        return cache[key]

    def render(self, content: RowContent) -> Json:
        """The resource of one row: a deep copy."""
        if isinstance(content, EventRecord):
            return self._view.record(content)
        if isinstance(content, Instance):
            return self._view.instance(content)
        if isinstance(content, Vanished):
            return self._view.cancelled_instance(content.master, content.instance.original)
        return {
            "kind": "calendar#event",
            "etag": content.record.etag,
            "id": content.record.id,
            "status": "cancelled",
        }

    def _unsorted(self) -> Iterator[Row]:
        calendar, query = self._calendar, self._query
        records: Iterator[EventRecord]
        if self._since is None:
            records = iter(list(calendar.events.values()))
        else:
            records = calendar.log.since(self._since, calendar.events)
        for record in records:
            if self._order == "moves_to_front" and record.change > self._started:
                continue  # It moved before the run's first page; the next delta brings it.
            if query.event_types and record.body.get("eventType") not in query.event_types:
                continue
            if not query.single_events:
                content = self._plain(record)
                if content is not None:
                    yield self._key(record, record.start, ""), content
            elif record.recurring:
                yield from self._expanded(record)
            elif record.master_id is None or self._since is not None:
                content = self._plain(record)
                if content is not None:
                    stamp = record.original.stamp if record.original else ""
                    yield self._key(record, record.start, stamp), content

    def _plain(self, record: EventRecord) -> RowContent | None:
        """The row of a record that is listed as it is stored; None: not in this list."""
        delta = self._since is not None
        if self._calendar.gone(record) or (record.cancelled and self._query.single_events):
            return record if delta or self._lists_deleted(record) else None
        if not self._view.shows(record):
            return Hidden(record=record) if delta else None
        if not self._in_window(record):
            if not delta:
                return None
            switch = self._world.switches.window_leavers
            return record if switch == "sent" else Hidden(record=record)
        return record if self._matches(record) else None

    def _lists_deleted(self, record: EventRecord) -> bool:
        query = self._query
        if query.updated_min is not None:
            # "Entries deleted since this time will always be included" (§5.2).
            return self._updated_since(record)
        return query.show_deleted and self._in_window(record) and self._matches(record)

    def _in_window(self, record: EventRecord) -> bool:
        after, before = self._after, self._before
        if (after is None and before is None) or record.start is None or record.end is None:
            return True
        if record.recurring:
            return next(self._instances(record), None) is not None
        start, end = record.start, record.end
        if record.cancelled and record.original is not None:
            start = end = record.original
        return overlaps(start, end, self._calendar.zone, after=after, before=before)

    def _instances(self, master: EventRecord) -> Iterator[Instance]:
        switches = self._world.switches
        return instances(
            self._calendar,
            master,
            after=self._after,
            before=self._before,
            horizon=self._world.clock.now() + timedelta(days=switches.endless_series_days),
            start_counts=switches.unsynchronised_start_counts,
        )

    def _expanded(self, master: EventRecord) -> Iterator[Row]:
        delta = self._since is not None
        gone = self._calendar.gone(master)
        if not self._view.shows(master):
            return
        if gone and not delta and not self._query.show_deleted:
            return
        if not delta or gone or master.change > (self._since or 0):
            for instance in self._instances(master):
                if instance.record is None:
                    matches = self._matches(master)
                else:
                    # In a delta a changed exception is a row of its own.
                    record = instance.record
                    deleted = record.cancelled and not (delta or self._query.show_deleted)
                    matches = not delta and not deleted and self._matches(record)
                if matches or (delta and gone):
                    yield self._key(master, instance.start, instance.original.stamp), instance
        if delta:
            for vanished in master.vanished.values():
                if vanished.change > (self._since or 0):
                    key = self._key(master, vanished.original, vanished.original.stamp)
                    yield key, Vanished(master=master, instance=vanished)

    def _key(self, record: EventRecord, start: object, stamp: str) -> Key:
        order = self._query.order_by
        if order == "startTime":
            moment = getattr(start, "moment", None)
            begin: datetime | None = moment(self._calendar.zone) if moment is not None else None
            return [begin.isoformat() if begin is not None else "", record.id, stamp]
        if order == "updated":
            return [str(record.body.get("updated", "")), record.id, stamp]
        if self._order == "moves_to_end":
            return [record.change, stamp, ""]
        if self._order == "moves_to_front":
            return [-record.change, stamp, ""]
        return [record.position, stamp, ""]

    def _updated_since(self, record: EventRecord) -> bool:
        if self._query.updated_min is None:
            return True
        updated = record.body.get("updated")
        return updated is None or parse_rfc3339(updated) >= parse_rfc3339(self._query.updated_min)

    def _matches(self, record: EventRecord) -> bool:
        query, body = self._query, record.body
        if query.ical_uid is not None and body.get("iCalUID") != query.ical_uid:
            return False
        if query.q is not None and not _found(query.q, body):
            return False
        properties = body.get("extendedProperties", {})
        for kind, wanted in (
            ("private", query.private_properties),
            ("shared", query.shared_properties),
        ):
            for constraint in wanted:
                name, _, value = constraint.partition("=")
                if properties.get(kind, {}).get(name) != value:
                    return False
        return self._updated_since(record)


def _found(words: str, body: Json) -> bool:
    """Free text search: every word somewhere in the event's texts, in any case."""
    people = [*body.get("attendees", []), body.get("organizer", {})]
    texts = [str(body.get(name, "")) for name in ("summary", "description", "location")]
    texts += [str(person.get(name, "")) for person in people for name in ("displayName", "email")]
    haystack = "\n".join(texts).casefold()
    return all(word in haystack for word in words.casefold().split())
