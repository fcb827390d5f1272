"""A fake that stands still, one account, one web client."""

from __future__ import annotations

import pytest

from django_goffline.testing.fake_google import Clock, FakeGoogle

from .application import ADA, CALLBACK, NOON, Application
from .calendar_caller import BOB, CalendarCaller


@pytest.fixture
def fake():
    fake = FakeGoogle(Clock(frozen_at=NOON))
    fake.add_account(ADA, name="Ada Lovelace")
    return fake


@pytest.fixture
def app(fake):
    return Application(fake=fake, client=fake.add_client(redirect_uris=[CALLBACK]))


@pytest.fixture
def ada(fake, app):
    """Ada's application with every right on calendars."""
    return CalendarCaller.of(fake, app.client, ADA)


@pytest.fixture
def bob(fake, app):
    """The same application, for Bob."""
    fake.add_account(BOB)
    return CalendarCaller.of(fake, app.client, BOB)
