"""Mirrored rows: calendars and events.

The payload is kept as received, as text (``jsonb`` refuses NUL and lone surrogates), and opened lazily; the columns are
what people query. Dates stay dates: an all-day event has ``start_date`` and ``end_date`` (exclusive) and no instants.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..fields import IdentifierField
from .grants import Grant


class Mirrored(models.Model):
    """A row of Google's truth: its payload, and the run that last changed it."""

    google_id = IdentifierField(_("Google ID"), max_length=1024)
    etag = models.CharField(max_length=255, blank=True, default="")
    fingerprint = models.CharField(max_length=64, blank=True, default="", editable=False)
    run = models.PositiveBigIntegerField(
        default=0, help_text="The pull's run that last changed the row."
    )
    changed_at = models.DateTimeField(_("changed"), null=True)
    removed_at = models.DateTimeField(_("removed"), null=True, blank=True)
    problem = models.CharField(_("problem"), max_length=300, blank=True, default="")
    payload = models.TextField(default="{}", editable=False)

    class Meta:
        abstract = True

    @property
    def data(self) -> dict[str, Any]:
        """The payload as Google sent it."""
        value = json.loads(self.payload)
        return value if isinstance(value, dict) else {}


class CalendarQuerySet(models.QuerySet["Calendar"]):
    """Calendars in business words."""

    def live(self) -> CalendarQuerySet:
        """Calendars that are on their account's list."""
        return self.filter(removed_at__isnull=True)


class Calendar(Mirrored):
    """A calendar on one account's list, with that account's role, colours and name for it."""

    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="calendars")
    summary = models.CharField(_("name"), max_length=1000, blank=True, default="")
    description = models.TextField(_("description"), blank=True, default="")
    time_zone = models.CharField(_("time zone"), max_length=255, blank=True, default="")
    access_role = models.CharField(_("role"), max_length=64, blank=True, default="")
    color_id = models.CharField(max_length=64, blank=True, default="")
    background_color = models.CharField(max_length=32, blank=True, default="")
    foreground_color = models.CharField(max_length=32, blank=True, default="")
    primary = models.BooleanField(_("primary"), default=False)
    hidden = models.BooleanField(_("hidden"), default=False)
    selected = models.BooleanField(_("selected"), default=False)
    pulled = models.BooleanField(
        _("pulled"), default=True, help_text=_("Whether this calendar's events are mirrored.")
    )
    occurrences_until = models.DateField(null=True, blank=True, editable=False)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ["-primary", "summary"]
        constraints = [
            models.UniqueConstraint(
                fields=["grant", "google_id"], name="goffline_calendar_grant_google_id"
            )
        ]
        indexes = [
            models.Index(fields=["occurrences_until"], name="goffline_calendar_window"),
        ]

    def __str__(self) -> str:
        return self.summary or self.google_id


class EventQuerySet(models.QuerySet["Event"]):
    """Events in business words."""

    def live(self) -> EventQuerySet:
        """What a full list at Google would answer: cancelled instances of live series included."""
        return self.filter(removed_at__isnull=True)


class Event(Mirrored):
    """A single event, a series' master, or one exception of a series (changed or cancelled)."""

    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="events")
    status = models.CharField(_("status"), max_length=32, blank=True, default="")
    summary = models.TextField(_("title"), blank=True, default="")
    location = models.TextField(_("place"), blank=True, default="")
    start_at = models.DateTimeField(_("starts"), null=True, blank=True)
    end_at = models.DateTimeField(_("ends"), null=True, blank=True)
    start_date = models.DateField(_("first day"), null=True, blank=True)
    end_date = models.DateField(
        _("day after the last"), null=True, blank=True, help_text=_("Exclusive, as Google has it.")
    )
    start_zone = models.CharField(max_length=255, blank=True, default="")
    end_zone = models.CharField(max_length=255, blank=True, default="")
    transparency = models.CharField(max_length=32, blank=True, default="")
    visibility = models.CharField(max_length=32, blank=True, default="")
    event_type = models.CharField(_("type"), max_length=64, blank=True, default="")
    organizer_email = models.CharField(_("organizer"), max_length=320, blank=True, default="")
    organizer_self = models.BooleanField(default=False)
    own_response = models.CharField(max_length=32, blank=True, default="")
    recurrence = models.JSONField(default=list, blank=True)
    recurring_event_id = IdentifierField(max_length=1024, blank=True, default="")
    original_start_at = models.DateTimeField(null=True, blank=True)
    original_start_date = models.DateField(null=True, blank=True)
    ical_uid = models.CharField(_("iCalendar UID"), max_length=1024, blank=True, default="")
    sequence = models.BigIntegerField(default=0)
    google_created_at = models.DateTimeField(null=True, blank=True)
    google_updated_at = models.DateTimeField(null=True, blank=True)
    # Set when the master went and took this exception along; an undelete of the master brings it back.
    removed_with_master = models.BooleanField(default=False, editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(
                fields=["calendar", "google_id"], name="goffline_event_calendar_google_id"
            )
        ]
        indexes = [
            models.Index(fields=["calendar", "start_at"], name="goffline_event_start_at"),
            models.Index(fields=["calendar", "start_date"], name="goffline_event_start_date"),
            models.Index(fields=["calendar", "recurring_event_id"], name="goffline_event_master"),
        ]
        permissions = [("read_event_content", _("Can read what events say"))]

    def __str__(self) -> str:
        return str(self.google_id)

    @property
    def is_all_day(self) -> bool:
        """Whether the event has dates rather than instants."""
        return self.start_date is not None
