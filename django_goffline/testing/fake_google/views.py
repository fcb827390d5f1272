"""How an event looks to one reader: zones, roles, tombstones.

Job: turn records and instances into event resources (reference §5.1 roles, §5.4, §5.5). Rule: state
is never handed out, only deep copies, made for the rows of the answered page alone.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import tzinfo

from .access import Viewer
from .calendar_model import Calendar, EventRecord
from .event_times import EventTime, between, write_time
from .events import instance_body
from .series import Instance
from .switches import Switches
from .wire import Json

_BUSY_FIELDS = ("status", "start", "end", "recurringEventId", "originalStartTime")
_PRIVATE_FIELDS = (*_BUSY_FIELDS, "created", "updated", "iCalUID", "sequence", "recurrence",
                   "transparency", "visibility", "eventType", "htmlLink", "organizer",
                   "creator")  # fmt: skip


class EventView:
    """Renders events of one calendar for one reader."""

    def __init__(
        self,
        calendar: Calendar,
        viewer: Viewer,
        switches: Switches,
        *,
        zone: tzinfo | None = None,
        max_attendees: int | None = None,
    ) -> None:
        self.calendar = calendar
        self.viewer = viewer
        self.zone = zone or calendar.zone
        self._switches = switches
        self._max_attendees = max_attendees

    def shows(self, record: EventRecord) -> bool:
        """Whether this reader learns of the event at all: a busy reader sees busy blocks only."""
        return self.viewer.sees_details or record.body.get("transparency") != "transparent"

    def record(self, record: EventRecord) -> Json:
        """A stored event; what is gone, or cancelled, as its tombstone."""
        if self.calendar.gone(record) or record.cancelled:
            return self.tombstone(record)
        return self._masked(self._placed(record.id, record.etag, deepcopy(record.body), record))

    def deleted(self, record: EventRecord) -> Json:
        """A deleted event as events.get has it: with its details, status cancelled."""
        body = deepcopy(record.body) | {"status": "cancelled"}
        return self._masked(self._placed(record.id, record.etag, body, record))

    def instance(self, instance: Instance) -> Json:
        """One instance of a series, generated or exception."""
        if instance.record is not None:
            return self.record(instance.record)
        master = instance.master
        length = between(instance.start, instance.end)
        body = instance_body(self.calendar, master, instance.original, length)
        if self.calendar.gone(master):
            return self.cancelled_instance(master, instance.original)
        shown = self._placed(instance.id, master.etag, body, None)
        for name, value in (("start", instance.start), ("originalStartTime", instance.original)):
            shown[name] = write_time(value, self.zone)
        if "dateTime" in shown["end"] and instance.end.at is not None:
            ended = EventTime(at=instance.end.at, zone_name=shown["end"].get("timeZone"))
            shown["end"] = write_time(ended, self.zone)
        return self._masked(shown)

    def cancelled_instance(self, master: EventRecord, original: EventTime) -> Json:
        """An instance that is no more: deleted with its master, or not generated any longer."""
        return {
            "kind": "calendar#event",
            "etag": master.etag,
            "id": f"{master.id}_{original.stamp}",
            "status": "cancelled",
            "recurringEventId": master.id,
            "originalStartTime": write_time(original, self.zone),
        }

    def tombstone(self, record: EventRecord) -> Json:
        """`id` and `status`; an exception also says what it excludes (reference §5.5)."""
        detailed = self._switches.deleted_events_keep_details and not record.orphaned
        if detailed and record.cancelled and self.shows(record):
            return self.deleted(record)
        tombstone: Json = {
            "kind": "calendar#event",
            "etag": record.etag,
            "id": record.id,
            "status": "cancelled",
        }
        if record.master_id is not None and record.original is not None and not record.orphaned:
            tombstone["recurringEventId"] = record.master_id
            tombstone["originalStartTime"] = write_time(record.original, self.zone)
        return tombstone

    def _placed(self, event_id: str, etag: str, body: Json, record: EventRecord | None) -> Json:
        event: Json = {"kind": "calendar#event", "etag": etag, "id": event_id, **body}
        if record is not None:
            if record.start is not None:
                event["start"] = write_time(record.start, self.zone)
            if record.end is not None:
                event["end"] = write_time(record.end, self.zone)
            if record.original is not None:
                event["originalStartTime"] = write_time(record.original, self.zone)
        attendees = event.get("attendees")
        if self._max_attendees and attendees and len(attendees) > self._max_attendees:
            event["attendees"] = [entry for entry in attendees if entry.get("self")]
            event["attendeesOmitted"] = True
        return event

    def _masked(self, event: Json) -> Json:
        """Cut down to what the reader's role shows (reference §5.1, exact fields unconfirmed)."""
        if not self.viewer.sees_details:
            kept: tuple[str, ...] = _BUSY_FIELDS
            if self._switches.free_busy_shows_recurrence:
                kept = (*kept, "recurrence")
            masked = {name: event[name] for name in ("kind", "etag", "id", *kept) if name in event}
            if self._switches.free_busy_shows_visibility:
                masked["visibility"] = "private"
            return masked
        private = event.get("visibility") in ("private", "confidential")
        if private and not self.viewer.sees_private_details:
            kept = ("kind", "etag", "id", *_PRIVATE_FIELDS)
            shown = {name: event[name] for name in kept if name in event}
            if not self._switches.private_shows_visibility:
                del shown["visibility"]
            return shown
        return event
