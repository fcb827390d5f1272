"""The calendars on a person's list (``calendarList.list``).

Deltas leave out changes of read-only fields (a calendar's name, a role): the whole list is read once a day as well
(Calendar API, CalendarList: list, ``syncToken``). ``deleted`` means off this person's list, not that the calendar is
gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..conf import settings
from ..models import Calendar, Grant, ScheduledPull
from ..protocol import scopes
from ..protocol.calendar import ApiRequest, calendar_list_request
from ..protocol.payloads import PayloadError, compact_json, fingerprint, parse_calendar_entry
from ..signals import calendars_changed, send_on_commit
from .base import Changes, Resource, Row, Rows

#: Days beyond ``OCCURRENCE_WINDOW`` to which occurrences are made, so that a calendar is touched every two months only.
OCCURRENCE_MARGIN = timedelta(days=60)


class CalendarList(Resource):
    """One list for each grant, mirrored into ``Calendar``."""

    name = "calendar_list"
    scopes = (frozenset({scopes.CALENDAR_LIST_READONLY}),)
    model = Calendar
    full_every = timedelta(days=1)
    # Whether a calendar is pulled is decided once, when it is first seen; after that a person decides.
    insert_only = frozenset({"pulled", "occurrences_until"})

    def first_request(self, pull: ScheduledPull, page_token: str) -> ApiRequest:
        """A page of the whole list, hidden calendars included."""
        return calendar_list_request(page_token=page_token)

    def next_request(self, pull: ScheduledPull, cursor: str, page_token: str) -> ApiRequest:
        """A page of changes."""
        return calendar_list_request(sync_token=cursor, page_token=page_token)

    def rows(self, items: Sequence[Mapping[str, Any]], *, parent: Grant, now: datetime) -> Rows:
        """Entries as rows; a later entry of the same id wins."""
        found: dict[str, Row] = {}
        unusable = 0
        until = now.date() + timedelta(days=settings.OCCURRENCE_WINDOW[1]) + OCCURRENCE_MARGIN
        for item in items:
            try:
                entry = parse_calendar_entry(item)
            except PayloadError:
                unusable += 1
                continue
            if entry.deleted:
                found[entry.id] = Row(google_id=entry.id, removed=True)
                continue
            found[entry.id] = Row(
                google_id=entry.id,
                fingerprint=fingerprint(item),
                columns={
                    "etag": entry.etag,
                    "payload": compact_json(item),
                    "summary": entry.summary,
                    "description": entry.description,
                    "time_zone": entry.time_zone,
                    "access_role": entry.access_role,
                    "color_id": entry.color_id,
                    "background_color": entry.background_color,
                    "foreground_color": entry.foreground_color,
                    "primary": entry.primary,
                    "hidden": entry.hidden,
                    "selected": entry.selected,
                    "pulled": not entry.hidden,
                    "occurrences_until": until,
                },
            )
        return Rows(rows=list(found.values()), unusable=unusable)

    def announce(self, changes: Changes, *, parent: Grant, run: int, using: str) -> None:
        """``calendars_changed``."""
        send_on_commit(
            calendars_changed,
            sender=Calendar,
            using=using,
            grant=parent,
            created=changes.created,
            changed=changes.changed,
            removed=changes.removed,
        )
