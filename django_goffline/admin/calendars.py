"""Calendars, events and occurrences in the admin: Google's truth, to read.

What an event says (title, place, people, payload) is for those with the permission ``read_event_content`` only; when it
is, and how the mirror keeps it, is for all who may see events.
"""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import Calendar, Event, Grant, Occurrence
from ..nudges import nudge
from .base import GofflineAdmin, ReadOnlyAdmin, goes_with_its_owner, moment, write_alias


class CalendarAdmin(GofflineAdmin):
    """Calendars; whether one is mirrored is the only thing to decide."""

    list_display = (
        "__str__",
        "grant",
        "access_role",
        "time_zone",
        "primary",
        "hidden",
        "pulled",
        "removed_at",
    )
    list_editable = ("pulled",)
    list_select_related = ("grant",)
    list_filter = ("pulled", "access_role", "primary", "hidden")
    search_fields = ("summary", "google_id", "grant__email")
    ordering = ("-pk",)
    fields = (
        "summary",
        "grant",
        "google_id",
        "pulled",
        "access_role",
        "time_zone",
        "primary",
        "hidden",
        "selected",
        "description",
        "changed_at",
        "removed_at",
        "problem",
    )
    readonly_fields = tuple(name for name in fields if name != "pulled")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only Google's list makes calendars."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Calendar | None = None) -> bool:
        """Only along with the grant."""
        return goes_with_its_owner(request, self.opts)

    def save_model(
        self, request: HttpRequest, obj: Calendar, form: ModelForm[Calendar], change: bool
    ) -> None:
        """The next tick makes, parks or wakes the calendar's pull."""
        super().save_model(request, obj, form, change)
        nudge("goffline.tick", using=write_alias(Grant))


class EventAdmin(ReadOnlyAdmin):
    """Events."""

    list_select_related = ("calendar",)
    list_filter = ("status", "event_type", ("removed_at", admin.EmptyFieldListFilter))
    ordering = ("-pk",)
    date_fields = (
        "starts",
        "ends",
        "status",
        "event_type",
        "transparency",
        "recurring_event_id",
        "sequence",
        "google_created_at",
        "google_updated_at",
        "changed_at",
        "run",
        "removed_at",
        "problem",
    )
    content_fields = (
        "summary",
        "location",
        "organizer_email",
        "own_response",
        "visibility",
        "recurrence",
        "ical_uid",
        "pretty_payload",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Lists do without the payloads, which are most of a row."""
        return super().get_queryset(request).defer("payload")

    def may_read(self, request: HttpRequest) -> bool:
        """Whether the person may read what events say."""
        return self.may(request, "read_event_content")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """The title only for those who may read it."""
        title = ("summary",) if self.may_read(request) else ()
        return ("google_id", *title, "calendar", "starts", "ends", "status", "removed_at")

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """A search by title would tell titles."""
        title = ("summary",) if self.may_read(request) else ()
        return ("google_id", "calendar__summary", "calendar__grant__email", *title)

    def get_fields(self, request: HttpRequest, obj: Event | None = None) -> tuple[str, ...]:
        """Content only for those who may read it."""
        content = self.content_fields if self.may_read(request) else ()
        return ("google_id", "calendar", *self.date_fields, *content)

    @admin.display(description=_("starts"), ordering="start_at")
    def starts(self, obj: Event | Occurrence) -> str:
        """Instant, or first day."""
        return str(obj.start_date) if obj.start_date else moment(obj.start_at)

    @admin.display(description=_("ends"), ordering="end_at")
    def ends(self, obj: Event | Occurrence) -> str:
        """Instant, or the day after the last."""
        return str(obj.end_date) if obj.end_date else moment(obj.end_at)

    @admin.display(description=_("as Google sent it"))
    def pretty_payload(self, obj: Event) -> SafeString:
        """The payload, indented."""
        text = json.dumps(obj.data, indent=2, ensure_ascii=False, sort_keys=True)
        return format_html('<pre class="goffline-payload">{}</pre>', text)


class OccurrenceAdmin(ReadOnlyAdmin):
    """Occurrences."""

    list_select_related = ("event", "calendar")
    ordering = ("-pk",)
    search_fields = ("event__google_id", "calendar__summary", "calendar__grant__email")
    starts = EventAdmin.starts
    ends = EventAdmin.ends

    def get_queryset(self, request: HttpRequest) -> QuerySet[Occurrence]:
        """Occurrences without the payloads of their events."""
        return super().get_queryset(request).defer("event__payload")

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        """The title only for those who may read it."""
        return (*self._title(request), "calendar", "starts", "ends")

    def get_fields(self, request: HttpRequest, obj: Occurrence | None = None) -> tuple[str, ...]:
        """The title only for those who may read it."""
        return ("event", *self._title(request)[1:], "calendar", "starts", "ends")

    def _title(self, request: HttpRequest) -> tuple[str, ...]:
        return ("event", "title") if self.may(request, "read_event_content") else ("event",)

    @admin.display(description=_("title"))
    def title(self, obj: Occurrence) -> str:
        """The event's title."""
        return obj.event.summary
