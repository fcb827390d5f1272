"""The rolling window of occurrences: remade for chosen events, and moved on as time passes.

Mirroring keeps occurrences in step with events (``resources/event_series.py``). Time moves the window: a calendar's
``occurrences_until`` lies some sixty days beyond it, so that each calendar is touched about every two months.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from ..conf import settings
from ..models import Calendar, Event, Occurrence, ScheduledPull
from ..resources.calendar_list import OCCURRENCE_MARGIN
from ..resources.event_series import remake
from .transactions import atomically

#: Calendars that one call rolls.
CALENDARS = 20
#: Events whose occurrences one transaction remakes; occurrences that one statement deletes.
EVENTS = 500
DELETED_AT_ONCE = 2000

_EVENTS_RESOURCE = "calendar_events"


def refresh_occurrences(
    calendar: Calendar, google_ids: Collection[str], *, now: datetime, using: str
) -> None:
    """Make the occurrences of these events, with all that belongs to their series, anew."""

    def work() -> None:
        # The calendar's pull is the lock: whoever writes its events holds it.
        _pull_of(calendar, using).update(generation=F("generation"))
        remake(google_ids, calendar=calendar, now=now, using=using)

    atomically(work, using=using)


def roll_window(*, now: datetime, using: str) -> int:
    """Extend the occurrences of calendars whose window ends too soon, and drop what is past; how many were extended."""
    ahead = (now + timedelta(days=settings.OCCURRENCE_WINDOW[1])).date()
    pulls = ScheduledPull.objects.filter(
        grant=OuterRef("grant"), resource=_EVENTS_RESOURCE, key=OuterRef("google_id")
    )
    near = (
        Calendar.objects.using(using)
        .live()
        .filter(
            Exists(pulls),
            Q(occurrences_until__isnull=True) | Q(occurrences_until__lt=ahead),
            pulled=True,
        )
        .order_by("occurrences_until", "pk")[:CALENDARS]
    )
    rolled = list(near)
    for calendar in rolled:
        _roll(calendar, until=ahead + OCCURRENCE_MARGIN, now=now, using=using)
    return len(rolled)


def _roll(calendar: Calendar, *, until: date, now: datetime, using: str) -> None:
    before = calendar.occurrences_until
    events = Event.objects.using(using).live().filter(calendar=calendar)
    if before is not None:
        # Single events up to there have their occurrence; a series may have more to come.
        edge = before - timedelta(days=2)
        begins_later = Q(start_at__date__gte=edge) | Q(start_date__gte=edge)
        events = events.filter(begins_later | ~Q(recurrence=[]))
    calendar.occurrences_until = until
    last = 0
    while True:
        found = list(
            events.filter(pk__gt=last, recurring_event_id="")
            .order_by("pk")
            .values_list("pk", "google_id")[:EVENTS]
        )
        if not found:
            break
        refresh_occurrences(calendar, [google_id for _, google_id in found], now=now, using=using)
        last = found[-1][0]
    _roll_orphans(calendar, now=now, using=using)
    _delete_past(calendar, now=now, using=using)
    Calendar.objects.using(using).filter(pk=calendar.pk).update(occurrences_until=until)


def _roll_orphans(calendar: Calendar, *, now: datetime, using: str) -> None:
    """Exceptions whose master we do not have: a person invited to single instances."""
    masters = Event.objects.filter(calendar=calendar, google_id=OuterRef("recurring_event_id"))
    alone = (
        Event.objects.using(using)
        .live()
        .filter(~Exists(masters), calendar=calendar)
        .exclude(recurring_event_id="")
    )
    google_ids = list(alone.values_list("google_id", flat=True))
    for first in range(0, len(google_ids), EVENTS):
        refresh_occurrences(calendar, google_ids[first : first + EVENTS], now=now, using=using)


def _delete_past(calendar: Calendar, *, now: datetime, using: str) -> None:
    edge = now - timedelta(days=settings.OCCURRENCE_WINDOW[0])
    occurrences = Occurrence.objects.using(using)
    past = occurrences.filter(Q(end_at__lt=edge) | Q(end_date__lt=edge.date()), calendar=calendar)
    while pks := list(past.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        occurrences.filter(pk__in=pks).delete()


def _pull_of(calendar: Calendar, using: str) -> QuerySet[ScheduledPull]:
    return ScheduledPull.objects.using(using).filter(
        grant=calendar.grant_id, resource=_EVENTS_RESOURCE, key=calendar.google_id
    )
