"""What tests of pulls share: one person with calendars at the fake, pulled until nothing is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.test import override_settings

from django_goffline.flows.pull import pull_due
from django_goffline.flows.reconcile import reconcile
from django_goffline.models import Calendar, Event, Grant, Occurrence, ScheduledPull
from django_goffline.testing.factories import make_client, make_grant

DEFAULT = "default"
ADA = "ada@example.com"
#: Fixed, so that no test depends on the day it runs.
START = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Puller:
    """Ada's grant and the fake's clock, which is the only one that counts."""

    def __init__(self, fake, *, email=ADA, client=None, **grant_fields):
        self.fake = fake
        if fake.clock.now() != START:
            fake.clock.freeze(START)
        self.email = email
        self.client = client or make_client(fake)
        self.grant = make_grant(fake, email=email, client=self.client, **grant_fields)

    @property
    def now(self):
        return self.fake.clock.now()

    def chunk(self):
        """Pull one chunk of what is due; how many pulls that were."""
        return pull_due(now=self.now, using=DEFAULT)

    def settle(self, most=40):
        """Reconcile and pull until nothing is due; how many chunks it took."""
        for done in range(most):
            reconcile(now=self.now, using=DEFAULT)
            if not self.chunk():
                return done
        raise AssertionError("pulls do not come to rest")

    def later(self, step=timedelta(hours=1)):
        """Let time pass, and pull whatever has become due by then."""
        self.fake.clock.advance(step)
        Grant.objects.filter(pk=self.grant.pk).update(held_until=None)
        return self.settle()

    def wake(self):
        """Pull everything now, as a person would ask for it."""
        ScheduledPull.objects.wake(self.now)
        return self.settle()

    def pull(self, key=None):
        """The row of a list's pull: of the calendar ``key``, or of the calendar list."""
        resource = "calendar_list" if key is None else "calendar_events"
        return ScheduledPull.objects.get(grant=self.grant, resource=resource, key=key or "")

    def calendar(self, google_id=None):
        """The mirrored calendar; the primary one by default."""
        return Calendar.objects.get(grant=self.grant, google_id=google_id or self.email)

    def mirrored(self, google_id=None):
        """What the mirror holds of a calendar: id to payload."""
        events = Event.objects.live().filter(calendar=self.calendar(google_id))
        return {event.google_id: event.data for event in events}

    def truth(self, google_id=None):
        """What a full list at the fake holds: id to resource."""
        listed = self.fake.calendar.full_list(self.email, google_id or self.email)
        return {event["id"]: event for event in listed}


def ours_between(calendar, start, end):
    """What we say is on in a calendar: of which event or series, from when to when."""
    rows = Occurrence.objects.between(start, end, calendars=[calendar]).select_related("event")
    return sorted(
        (
            row.event.recurring_event_id or row.event.google_id,
            str(row.start_date or row.start_at),
            str(row.end_date or row.end_at),
        )
        for row in rows
    )


def theirs_between(fake, email, google_id, start, end):
    """What the fake says is on, by its own expansion."""

    def when(moment):
        if "date" in moment:
            return moment["date"]
        return str(datetime.fromisoformat(moment["dateTime"]).astimezone(UTC))

    return sorted(
        (event.get("recurringEventId", event["id"]), when(event["start"]), when(event["end"]))
        for event in fake.calendar.instances_between(email, google_id, start, end)
    )


def body(summary="Lunch", *, start=START, hours=1, **fields):
    """An event's body for the fake."""
    return {
        "summary": summary,
        "start": {"dateTime": start.isoformat(), "timeZone": "Europe/Zurich"},
        "end": {
            "dateTime": (start + timedelta(hours=hours)).isoformat(),
            "timeZone": "Europe/Zurich",
        },
        **fields,
    }


def series(rule="RRULE:FREQ=DAILY;COUNT=5", *lines, **fields):
    """A master's body for the fake."""
    return body("Standup", recurrence=[rule, *lines], **fields)


def small(**values):
    """Other settings of ours, as context manager or decorator."""
    return override_settings(GOFFLINE={**settings.GOFFLINE, **values})


def with_pages(fake, size):
    """Let the fake give pages of at most ``size`` items."""
    fake.switches = replace(fake.switches, largest_page=size)
