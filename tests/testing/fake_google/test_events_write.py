"""Edits: over HTTP with Google's refusals, and as a person makes them (reference §5.4 to §5.6)."""

from __future__ import annotations

import json

import pytest

from .application import ADA
from .calendar_caller import day, events_path, ids, timed

EVENTS = events_path()


def write(ada, method, path, body, status=200, headers=None, **query):
    answer = ada.send(method, path, body, headers, **query)
    assert answer.status == status, answer.body
    return json.loads(answer.body) if answer.body else None


def test_insert_update_patch_delete(ada):
    body = timed("meet0", location="Here", colorId="3")
    inserted = write(ada, "POST", EVENTS, body)
    assert (inserted["id"], inserted["sequence"]) == ("meet0", 0)
    path = events_path(event_id="meet0")
    patched = write(ada, "PATCH", path, {"location": None, "summary": "New"})
    assert "location" not in patched
    assert (patched["summary"], patched["colorId"]) == ("New", "3")
    assert patched["etag"] != inserted["etag"]
    updated = write(ada, "PUT", path, timed("meet0", "2030-01-08T09:00:00+01:00"))
    assert "colorId" not in updated
    assert (updated["created"], updated["sequence"]) == (inserted["created"], 1)
    assert write(ada, "DELETE", path, None, 204) is None
    assert ada.refusal(path, "DELETE") == (410, "deleted")
    assert ada.get(path)["status"] == "cancelled"


def test_ids_are_made_or_checked_and_never_used_twice(ada):
    made = write(ada, "POST", EVENTS, {k: v for k, v in timed("x").items() if k != "id"})
    assert len(made["id"]) == 26
    for wrong in ("four", "UPPER", "with_underscore", "zzzzz"):
        assert ada.refusal(EVENTS, "POST", timed(wrong)) == (400, "invalid")
    write(ada, "POST", EVENTS, timed("a" * 1024))
    assert ada.refusal(EVENTS, "POST", timed("a" * 1024)) == (409, "duplicate")
    ada.send("DELETE", events_path(event_id="a" * 1024))
    assert ada.refusal(EVENTS, "POST", timed("a" * 1024)) == (409, "duplicate")


NO_ZONE = {"dateTime": "2030-01-07T09:00:00+01:00"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"start": None}, "required"),
        ({"end": {}}, "required"),
        ({"end": {"date": "2030-01-08"}}, "invalid"),
        ({"start": {"dateTime": "soon"}}, "invalid"),
        ({"start": {"dateTime": "2031-01-07T09:00:00+01:00"}}, "timeRangeEmpty"),
        ({"start": {**NO_ZONE, "timeZone": "Mars/Phobos"}}, "invalid"),
        ({"start": NO_ZONE, "recurrence": ["RRULE:FREQ=DAILY"]}, "required"),
        ({"recurrence": ["RRULE:FREQ=FORTNIGHTLY"]}, "invalid"),
        ({"recurrence": ["DTSTART:20300101"]}, "invalid"),
        ({"recurrence": ["EXDATE;TZID=Mars/Phobos:20300101T000000"]}, "invalid"),
        ({"recurrence": "RRULE:FREQ=DAILY"}, "invalid"),
        ({"status": "lost"}, "invalid"),
    ],
)
def test_bodies_that_google_refuses(ada, changes, reason):
    assert ada.refusal(EVENTS, "POST", timed("meet0") | changes) == (400, reason)


def test_a_body_that_is_no_object(ada):
    assert ada.refusal(EVENTS, "POST", ["x"]) == (400, "parseError")


def test_if_match(fake, ada):
    fake.calendar.insert_event(ADA, day("event0"))
    path = events_path(event_id="event0")
    etag = ada.get(path)["etag"]
    write(ada, "PATCH", path, {"summary": "1"}, headers={"If-Match": etag})
    for method, body in (("PATCH", {"summary": "2"}), ("DELETE", None)):
        answer = write(ada, method, path, body, 412, headers={"If-Match": etag})
        assert answer["error"]["errors"][0]["reason"] == "conditionNotMet"
    write(ada, "DELETE", path, None, 204, headers={"If-Match": "*"})


def test_reminders_leave_updated_alone_and_a_patch_of_nothing_leaves_all(fake, ada):
    fake.calendar.insert_event(ADA, day("event0"))
    path = events_path(event_id="event0")
    before = ada.get(path)
    fake.clock.advance(60)
    assert write(ada, "PATCH", path, {"summary": "event0"}) == before
    after = write(ada, "PATCH", path, {"reminders": {"useDefault": False}})
    assert after["updated"] == before["updated"]
    assert after["etag"] != before["etag"]
    assert write(ada, "PATCH", path, {"summary": "x"})["updated"] == "2030-01-01T12:01:00.000Z"


def test_from_timed_to_all_day(fake, ada):
    fake.calendar.insert_event(ADA, timed("meet0"))
    dates = {"start": {"date": "2030-01-10"}, "end": {"date": "2030-01-11"}}
    event = write(ada, "PATCH", events_path(event_id="meet0"), dates)
    assert (event["start"], event["end"]) == (dates["start"], dates["end"])


def test_instances_are_written_under_their_ids(fake, ada):
    fake.calendar.insert_event(ADA, timed("weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"]))
    one, two = (events_path(event_id=f"weekly_2030{d}T080000Z") for d in ("0107", "0114"))
    changed = write(ada, "PATCH", one, {"summary": "other"})
    assert (changed["recurringEventId"], changed["summary"]) == ("weekly", "other")
    write(ada, "DELETE", two, None, 204)
    assert [event["status"] for event in ada.events()["items"]] == [
        "confirmed", "confirmed", "cancelled",
    ]  # fmt: skip
    write(ada, "PATCH", two, {"status": "confirmed"})
    assert len(ada.events(singleEvents="true")["items"]) == 3


def test_move(fake, ada):
    team = fake.calendar.create_calendar(ADA, "Team")
    fake.calendar.insert_event(ADA, timed("weekly", recurrence=["RRULE:FREQ=WEEKLY"]))
    fake.calendar.cancel_instance(ADA, "weekly", "2030-01-14T09:00:00+01:00")
    _, token = ada.run(EVENTS)
    path = f"{events_path(event_id='weekly')}/move"
    assert ada.refusal(path, "POST") == (400, "required")
    moved = write(ada, "POST", path, None, destination=team)
    assert moved["organizer"]["email"] == team
    assert ids(ada.events(team)["items"]) == ["weekly", "weekly_20300114T080000Z"]
    assert ada.events()["items"] == []
    assert [item["status"] for item in ada.events(syncToken=token)["items"]] == ["cancelled"]
    back = f"{events_path(team, 'weekly')}/move"
    write(ada, "POST", back, None, destination=ADA)
    assert len(ada.events()["items"]) == 2
    instance = f"{events_path(event_id='weekly_20300114T080000Z')}/move"
    assert ada.refusal(instance, "POST", destination=team)[0] in (400, 404)


def test_only_default_events_move_and_types_stay(fake, ada):
    team = fake.calendar.create_calendar(ADA, "Team")
    fake.calendar.insert_event(ADA, timed("focus", eventType="focusTime"))
    path = events_path(event_id="focus")
    assert ada.refusal(f"{path}/move", "POST", destination=team) == (400, "eventTypeRestriction")
    assert ada.refusal(path, "PATCH", {"eventType": "default"}) == (400, "eventTypeRestriction")


@pytest.mark.parametrize(
    ("lines", "first", "second"),
    [
        (["RRULE:FREQ=WEEKLY;COUNT=5"], 2, 3),
        (["RRULE:FREQ=WEEKLY;UNTIL=20300204T235959Z"], 2, 3),
        (["RRULE:FREQ=WEEKLY;COUNT=4", "RDATE:20300109T080000Z,20300301T080000Z"], 3, 3),
    ],
)
def test_this_and_following(fake, ada, lines, first, second):
    fake.calendar.insert_event(ADA, timed("weekly", recurrence=lines))
    _, token = ada.run(EVENTS)
    fake.calendar.change_instance(ADA, "weekly", "2030-01-28T09:00:00+01:00", {"summary": "odd"})
    new = fake.calendar.split_series(
        ADA, "weekly", "2030-01-21T09:00:00+01:00", {"location": "Elsewhere"}
    )
    assert new["id"] == "weekly_R20300121T090000"
    counts = [
        len(ada.get(f"{events_path(event_id=name)}/instances")["items"])
        for name in ("weekly", new["id"])
    ]
    assert counts == [first, second]
    listed = {event["id"]: event for event in ada.events()["items"]}
    odd = listed[f"{new['id']}_20300128T080000Z"]
    assert (odd["summary"], odd["recurringEventId"]) == ("odd", new["id"])
    assert "weekly_20300128T080000Z" not in listed
    delta = {event["id"]: event["status"] for event in ada.events(syncToken=token)["items"]}
    assert delta["weekly_20300128T080000Z"] == "cancelled"
    assert delta[new["id"]] == delta["weekly"] == "confirmed"


def test_this_and_following_of_an_all_day_series(fake, ada):
    fake.calendar.insert_event(ADA, day("daily", recurrence=["RRULE:FREQ=DAILY"]))
    new = fake.calendar.split_series(ADA, "daily", "2030-01-15")
    assert new["id"] == "daily_R20300115"
    assert ada.get(events_path(event_id="daily"))["recurrence"] == [
        "RRULE:FREQ=DAILY;UNTIL=20300114"
    ]
