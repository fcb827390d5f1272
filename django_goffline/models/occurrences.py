"""Occurrences: the rolling window of instances as rows, so that "what is on between two times" is one SQL query."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .calendars import Calendar, Event


class OccurrenceQuerySet(models.QuerySet["Occurrence"]):
    """Occurrences in business words."""

    def between(
        self,
        start: datetime,
        end: datetime,
        *,
        calendars: Iterable[Calendar] | None = None,
        zone: tzinfo | None = None,
    ) -> OccurrenceQuerySet:
        """What overlaps the half-open span from ``start`` to ``end`` (aware instants), soonest first.

        An occurrence of zero length counts at its instant. All-day ones count by their dates, as days in ``zone``
        (default: the zone of ``start``). Raises ``ValueError`` for naive instants or an empty span.
        """
        if start.tzinfo is None or end.tzinfo is None or start >= end:
            raise ValueError("between() needs two aware instants, the first before the second")
        zone = zone or start.tzinfo
        first_day = start.astimezone(zone).date()
        last = end.astimezone(zone)
        timed = Q(start_at__lt=end) & (
            Q(end_at__gt=start) | Q(end_at=F("start_at"), start_at__gte=start)
        )
        # A span that ends at midnight does not touch the day that begins there.
        at_midnight = last.hour == last.minute == last.second == last.microsecond == 0
        begins = Q(start_date__lt=last.date()) if at_midnight else Q(start_date__lte=last.date())
        rows = self.filter(timed | (begins & Q(end_date__gt=first_day)))
        if calendars is not None:
            rows = rows.filter(calendar__in=calendars)
        return rows.order_by("start_at", "start_date", "pk")


class Occurrence(models.Model):
    """One instance of a single or recurring event within the window."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="occurrences")
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="occurrences")
    start_at = models.DateTimeField(_("starts"), null=True, blank=True)
    end_at = models.DateTimeField(_("ends"), null=True, blank=True)
    start_date = models.DateField(_("first day"), null=True, blank=True)
    end_date = models.DateField(_("day after the last"), null=True, blank=True)

    objects = OccurrenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("occurrence")
        verbose_name_plural = _("occurrences")
        indexes = [
            models.Index(fields=["calendar", "start_at"], name="goffline_occurrence_start_at"),
            models.Index(fields=["calendar", "start_date"], name="goffline_occurrence_start_date"),
        ]

    def __str__(self) -> str:
        return f"{self.start_at or self.start_date}"
