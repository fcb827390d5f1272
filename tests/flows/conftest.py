"""Grants that are due, a person whose calendars are pulled, and what signals told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_goffline.signals import client_paused, grant_lost
from django_goffline.testing.factories import make_grant
from tests.pulling import ADA, Puller, body


@pytest.fixture
def now(fake_google):
    """The fake's clock, standing still."""
    return fake_google.clock.freeze()


@pytest.fixture
def due(fake_google, now):
    """A grant whose access token has ended and that is due."""
    return make_grant(fake_google, access_expires_at=now - timedelta(minutes=5), due_at=now)


@pytest.fixture
def told():
    """What signals told, in order."""
    heard = []

    def lost(sender, grant, reason, diagnosis, **kwargs):
        heard.append(("lost", grant.pk, reason))

    def paused(sender, client, reason, **kwargs):
        heard.append(("paused", client.pk, reason))

    grant_lost.connect(lost)
    client_paused.connect(paused)
    yield heard
    grant_lost.disconnect(lost)
    client_paused.disconnect(paused)


@pytest.fixture
def make_due(fake_google, now):
    """Makes ``count`` due grants of ``client``."""

    def make(count, client, name="p"):
        return [
            make_grant(
                fake_google,
                email=f"{name}{number}@example.com",
                client=client,
                due_at=now - timedelta(seconds=1),
            )
            for number in range(count)
        ]

    return make


@pytest.fixture
def ada(fake_google):
    return Puller(fake_google)


@pytest.fixture
def pulled(ada):
    """Ada's primary calendar, with one event, pulled once."""
    ada.fake.calendar.insert_event(ADA, body(id="lunch0"))
    ada.settle()
    return ada
