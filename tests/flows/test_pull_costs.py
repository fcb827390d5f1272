"""What a chunk of pulls costs in statements."""

from __future__ import annotations

import pytest

from django_goffline.flows.pull import pull_due
from django_goffline.models import (
    ScheduledPull,
)
from django_goffline.testing.factories import make_calendar, make_client, make_grant, make_pull
from tests.pulling import DEFAULT, START

pytestmark = pytest.mark.django_db

EVENTS = r"/events$"
LIST = "calendarList"


def many(fake, count):
    """Calendars of as many grants of one client, pulled once, and due."""
    client = make_client(fake)
    fake.clock.freeze(START)
    for number in range(count):
        email = f"p{number}@example.com"
        grant = make_grant(fake, email=email, client=client)
        make_calendar(grant, google_id=email)
        make_pull(grant, resource="calendar_events", key=email, due_at=START)
    while pull_due(now=START, using=DEFAULT):
        pass
    ScheduledPull.objects.update(due_at=START)


@pytest.mark.parametrize("count", [10, 100])
def test_unchanged_pulls_cost_a_constant_number_of_statements(fake_google, statements, count):
    many(fake_google, count)
    with statements() as texts:
        assert pull_due(now=START, using=DEFAULT) == count
    assert ScheduledPull.objects.filter(last_outcome="unchanged").count() == count
    assert len(texts) <= 24, texts
