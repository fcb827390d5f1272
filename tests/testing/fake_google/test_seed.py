"""The demonstration data, and the calendar half of the control API."""

from __future__ import annotations

import json

from django_goffline.testing.fake_google import Clock, FakeGoogle
from django_goffline.testing.fake_google.seed import ADA, TEAM, seed_demo
from django_goffline.testing.fake_google.wire import Request

from .application import NOON


def seeded():
    fake = FakeGoogle(Clock(frozen_at=NOON))
    seed_demo(fake)
    return fake


def test_three_calendars_and_about_two_hundred_events():
    state = seeded().calendar
    entries = state.full_calendar_list(ADA)
    assert [entry["accessRole"] for entry in entries] == ["owner", "owner", "reader"]
    events = {entry["id"]: state.full_list(ADA, entry["id"]) for entry in entries}
    assert 190 <= sum(map(len, events.values())) <= 220
    mine = events[ADA]
    assert any(event["status"] == "cancelled" for event in mine)
    assert any(event.get("summary") == "Stand-up, later" for event in mine)
    assert {"default", "focusTime", "outOfOffice"} <= {event.get("eventType") for event in mine}
    assert any("date" in event["start"] for event in mine if "start" in event)
    assert len(events[TEAM]) > 50


def test_the_same_every_time():
    first, second = (seeded().calendar.full_list(ADA, ADA) for _ in range(2))
    assert first == second


def test_it_can_be_pulled_from_outside():
    fake = seeded()
    body = json.dumps({"calendar_id": ADA, "body": {"id": "fresh0", "start": {}}}).encode()
    answer = fake.handle(
        Request(method="POST", path="/_fake/calendar/insert_event", query=[], body=body)
    )
    assert (answer.status, json.loads(answer.body)["id"]) == (200, "fresh0")
