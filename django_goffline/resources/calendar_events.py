"""The events of a calendar (``events.list``, ``singleEvents=false``): masters and exceptions, never expanded.

``status: cancelled`` means two things (Calendar API, Events resource): an instance that is an exclusion of a live
series is kept as a row; anything else is a tombstone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from ..models import Calendar, Event, ScheduledPull
from ..protocol import scopes
from ..protocol.calendar import ApiRequest, events_request
from ..protocol.payloads import (
    EventFields,
    Moment,
    PayloadError,
    compact_json,
    fingerprint,
    parse_event,
)
from ..signals import events_changed, send_on_commit
from . import event_series
from .base import Changes, Resource, Row, Rows, Target

CANCELLED = "cancelled"


class CalendarEvents(Resource):
    """One list for each calendar that is on the person's list and pulled, mirrored into ``Event``."""

    name = "calendar_events"
    scopes = (frozenset({scopes.CALENDAR_EVENTS_READONLY}),)
    model = Event
    parent = "calendar"

    def first_request(self, pull: ScheduledPull, page_token: str) -> ApiRequest:
        """A page of all events."""
        return events_request(pull.key, page_token=page_token)

    def next_request(self, pull: ScheduledPull, cursor: str, page_token: str) -> ApiRequest:
        """A page of changes."""
        return events_request(pull.key, sync_token=cursor, page_token=page_token)

    def parents(self, pulls: Sequence[ScheduledPull], *, using: str) -> dict[int, Any]:
        """The calendars, as far as they are still to be pulled."""
        found = Calendar.objects.using(using).filter(
            grant__in={pull.grant_id for pull in pulls},
            google_id__in={pull.key for pull in pulls},
            removed_at__isnull=True,
            pulled=True,
        )
        calendars = {(calendar.grant_id, calendar.google_id): calendar for calendar in found}
        return {
            pull.pk: calendars[pull.grant_id, pull.key]
            for pull in pulls
            if (pull.grant_id, pull.key) in calendars
        }

    def rows(self, items: Sequence[Mapping[str, Any]], *, parent: Calendar, now: datetime) -> Rows:
        """Events as rows; a later item of the same id wins."""
        found: dict[str, EventFields] = {}
        payloads: dict[str, Mapping[str, Any]] = {}
        unusable = 0
        for item in items:
            try:
                event = parse_event(item)
            except PayloadError:
                unusable += 1
                continue
            found[event.id] = event
            payloads[event.id] = item
        dead = {
            event.id
            for event in found.values()
            if event.status == CANCELLED and not event.recurring_event_id
        }
        rows = []
        for event in found.values():
            if event.id in dead:
                rows.append(Row(google_id=event.id, removed=True))
                continue
            rows.append(
                Row(
                    google_id=event.id,
                    fingerprint=fingerprint(payloads[event.id]),
                    columns=columns(event) | {"payload": compact_json(payloads[event.id])},
                    # A master's end takes its exceptions along: what they were is kept for its undelete.
                    only_if_unknown=event.status == CANCELLED and event.recurring_event_id in dead,
                )
            )
        return Rows(rows=rows, unusable=unusable)

    def after_changes(
        self, changes: Changes, *, parent: Calendar, rows: Sequence[Row], now: datetime, using: str
    ) -> None:
        """Exceptions follow their masters; occurrences follow both."""
        event_series.follow(changes, calendar=parent, rows=rows, now=now, using=using)

    def announce(self, changes: Changes, *, parent: Calendar, run: int, using: str) -> None:
        """``events_changed``."""
        send_on_commit(
            events_changed,
            sender=Event,
            using=using,
            calendar=parent,
            run=run,
            created=changes.created,
            changed=changes.changed,
            removed=changes.removed,
        )

    def missing(self, *, limit: int, using: str) -> list[Target]:
        """Calendars of active grants that are to be pulled and have no pull yet."""
        pull = ScheduledPull.objects.filter(
            grant=OuterRef("grant"), resource=self.name, key=OuterRef("google_id")
        )
        calendars = Calendar.objects.using(using).live().filter(~Exists(pull), pulled=True)
        found = (
            calendars.filter(grant__state="active")
            .order_by()
            .values_list("grant_id", "grant__client__pk", "google_id", "grant__granted_scopes")
        )
        return [
            Target(grant_id=grant_id, client_id=client_id, key=key, granted_scopes=granted)
            for grant_id, client_id, key, granted in found[:limit]
        ]

    def wanted(self) -> Q | Exists:
        """Pulls whose calendar is on the list and pulled."""
        return Exists(
            Calendar.objects.live().filter(
                grant=OuterRef("grant"), google_id=OuterRef("key"), pulled=True
            )
        )


def columns(event: EventFields) -> dict[str, Any]:
    """The promoted columns of an event. Those that a change of master sets are reset: what is listed is there."""
    return {
        "etag": event.etag,
        "problem": event.problem,
        "status": event.status,
        "summary": event.summary,
        "location": event.location,
        **_moment("start", event.start),
        **_moment("end", event.end),
        "start_zone": event.start.zone,
        "end_zone": event.end.zone,
        "transparency": event.transparency,
        "visibility": event.visibility,
        "event_type": event.event_type,
        "organizer_email": event.organizer_email,
        "organizer_self": event.organizer_self,
        "own_response": event.own_response,
        "recurrence": list(event.recurrence),
        "recurring_event_id": event.recurring_event_id,
        **_moment("original_start", event.original_start),
        "ical_uid": event.ical_uid,
        "sequence": event.sequence,
        "google_created_at": event.created,
        "google_updated_at": event.updated,
        "removed_with_master": False,
    }


def _moment(name: str, moment: Moment) -> dict[str, Any]:
    return {f"{name}_at": moment.at, f"{name}_date": moment.day}
