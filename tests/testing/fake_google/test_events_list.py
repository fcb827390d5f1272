"""events.list, get and instances: parameters, filters, order, times (reference §5.2, §5.4, §5.5)."""

from __future__ import annotations

import dataclasses

import pytest

from .application import ADA
from .calendar_caller import day, events_path, ids, timed

EVENTS = events_path()
WEEKLY = ["RRULE:FREQ=WEEKLY;COUNT=4"]


def choose(fake, **switches):
    fake.switches = dataclasses.replace(fake.switches, **switches)


def test_the_wrapper(fake, ada):
    fake.calendar.update_calendar(ADA, description="All of it")
    answer = ada.events()
    del answer["etag"], answer["nextSyncToken"], answer["updated"]
    assert answer == {
        "kind": "calendar#events",
        "summary": ADA,
        "description": "All of it",
        "timeZone": "Europe/Zurich",
        "accessRole": "owner",
        "defaultReminders": [{"method": "popup", "minutes": 10}],
        "items": [],
    }


def test_an_event_as_google_fills_it_in(fake, ada):
    fake.calendar.insert_event(ADA, timed("meet0"))
    (event,) = ada.events()["items"]
    assert event == {
        "kind": "calendar#event",
        "etag": event["etag"],
        "id": "meet0",
        "status": "confirmed",
        "htmlLink": "https://www.google.com/calendar/event?eid=meet0",
        "created": "2030-01-01T12:00:00.000Z",
        "updated": "2030-01-01T12:00:00.000Z",
        "summary": "meet0",
        "creator": {"email": ADA, "self": True},
        "organizer": {"email": ADA, "self": True},
        "start": {"dateTime": "2030-01-07T09:00:00+01:00", "timeZone": "Europe/Zurich"},
        "end": {"dateTime": "2030-01-07T10:00:00+01:00", "timeZone": "Europe/Zurich"},
        "iCalUID": "meet0@google.com",
        "sequence": 0,
        "reminders": {"useDefault": True},
        "eventType": "default",
    }
    assert ada.get(events_path(event_id="meet0")) == event


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"maxResults": 0}, "invalid"),
        ({"maxResults": "many"}, "invalid"),
        ({"singleEvents": "yes"}, "invalid"),
        ({"timeMin": "2030-01-01T00:00:00"}, "badRequest"),
        ({"timeMin": "2030-01-01"}, "badRequest"),
        ({"timeMin": "2030-01-02T00:00:00Z", "timeMax": "2030-01-02T00:00:00Z"}, "timeRangeEmpty"),
        ({"orderBy": "startTime"}, "invalid"),
        ({"orderBy": "size"}, "invalid"),
        ({"privateExtendedProperty": "novalue"}, "invalid"),
        ({"timeZone": "Mars/Phobos"}, "invalid"),
        ({"maxAttendees": 0}, "invalid"),
        ({"pageToken": "x"}, "invalid"),
        ({"fields": "items("}, "invalidParameter"),
    ],
)
def test_wrong_parameters(ada, query, reason):
    assert ada.refusal(EVENTS, **query) == (400, reason)


def test_too_many_results_are_brought_down(fake, ada):
    for number in range(251):
        fake.calendar.insert_event(ADA, day(f"event{number:03}"))
    assert len(ada.events()["items"]) == 250
    assert len(ada.events(maxResults=99999)["items"]) == 251


def test_bounds_are_exclusive_of_end_and_start(fake, ada):
    fake.calendar.insert_event(ADA, timed("meet0"))  # 08:00Z to 09:00Z
    found = [
        ids(ada.events(timeMin=f"2030-01-07T{low}Z", timeMax=f"2030-01-07T{high}Z")["items"])
        for low, high in (
            ("09:00:00", "10:00:00"), ("08:59:59.999", "10:00:00"),
            ("07:00:00", "08:00:00"), ("07:00:00", "08:00:01"),
        )
    ]  # fmt: skip
    assert found == [[], ["meet0"], [], ["meet0"]]


def test_all_day_events_lie_in_the_calendars_zone(fake, ada):
    fake.calendar.insert_event(ADA, day("day00", "2030-01-10"))
    assert ada.events(timeMax="2030-01-09T23:00:00Z")["items"] == []
    assert ids(ada.events(timeMax="2030-01-09T23:00:01Z")["items"]) == ["day00"]


def test_answers_follow_the_zone_asked_for(fake, ada):
    fake.calendar.insert_event(ADA, timed("meet0"))
    answer = ada.events(timeZone="Asia/Tokyo")
    assert answer["timeZone"] == "Asia/Tokyo"
    assert answer["items"][0]["start"] == {
        "dateTime": "2030-01-07T17:00:00+09:00",
        "timeZone": "Europe/Zurich",
    }


def test_filters(fake, ada):
    properties = {"private": {"a": "1"}, "shared": {"b": "2"}}
    body = timed("found", description="Needle here", extendedProperties=properties)
    fake.calendar.insert_event(ADA, body)
    focus = timed("focus", eventType="focusTime", iCalUID="uid@x")
    fake.calendar.insert_event(ADA, focus)
    queries = [
        {"q": "NEEDLE found"}, {"iCalUID": "uid@x"}, {"privateExtendedProperty": "a=1"},
        {"sharedExtendedProperty": ["b=2", "c=3"]}, {"eventTypes": ["focusTime", "birthday"]},
    ]  # fmt: skip
    found = [ids(ada.events(**query)["items"]) for query in queries]
    assert found == [["found"], ["focus"], ["found"], [], ["focus"]]


def test_order(fake, ada):
    for number, date in enumerate(("2030-01-20", "2030-01-10", "2030-01-15")):
        fake.calendar.insert_event(ADA, day(f"event{number}", date))
        fake.clock.advance(1)
    fake.calendar.patch_event(ADA, "event0", {"summary": "last"})
    by_start = ada.events(orderBy="startTime", singleEvents="true", maxResults=2)
    rest = ada.events(
        orderBy="startTime", singleEvents="true", maxResults=2, pageToken=by_start["nextPageToken"]
    )
    assert ids(by_start["items"] + rest["items"]) == ["event1", "event2", "event0"]
    assert "nextSyncToken" not in rest
    assert ids(ada.events(orderBy="updated")["items"]) == ["event1", "event2", "event0"]


def test_deleted_events_are_listed_on_demand(fake, ada):
    for name in ("event0", "event1"):
        fake.calendar.insert_event(ADA, day(name))
    fake.clock.advance(60)
    fake.calendar.delete_event(ADA, "event0")
    assert ids(ada.events()["items"]) == ["event1"]
    assert ids(ada.events(showDeleted="true")["items"]) == ["event0", "event1"]
    assert ids(ada.events(updatedMin="2030-01-01T12:00:30Z")["items"]) == ["event0"]
    assert fake.calendar.purge_cancelled(ADA) == 1
    assert ids(ada.events(showDeleted="true")["items"]) == ["event1"]


def test_updated_min_too_long_ago(ada):
    assert ada.refusal(EVENTS, updatedMin="2029-11-01T00:00:00Z") == (410, "updatedMinTooLongAgo")


def test_max_attendees(fake, ada):
    people = [{"email": ADA, "self": True}, {"email": "x@example.com"}]
    fake.calendar.insert_event(ADA, timed("meet0", attendees=people))
    (event,) = ada.events(maxAttendees=1)["items"]
    assert event["attendees"] == people[:1]
    assert event["attendeesOmitted"] is True


def test_masters_and_exceptions_or_instances(fake, ada):
    state = fake.calendar
    state.insert_event(ADA, timed("weekly", recurrence=WEEKLY))
    state.cancel_instance(ADA, "weekly", "2030-01-14T09:00:00+01:00")
    moved = {
        "start": {"dateTime": "2030-02-04T15:00:00+01:00"},
        "end": {"dateTime": "2030-02-04T16:00:00+01:00"},
    }
    state.change_instance(ADA, "weekly", "2030-01-21T09:00:00+01:00", moved)
    stored = ada.events()["items"]
    assert [(event["id"], event["status"]) for event in stored] == [
        ("weekly", "confirmed"),
        ("weekly_20300114T080000Z", "cancelled"),
        ("weekly_20300121T080000Z", "confirmed"),
    ]
    assert stored[1].keys() == {
        "kind", "etag", "id", "status", "recurringEventId", "originalStartTime",
    }  # fmt: skip
    assert stored[2]["originalStartTime"]["dateTime"] == "2030-01-21T09:00:00+01:00"
    expanded = ada.events(singleEvents="true", orderBy="startTime")["items"]
    assert [event["start"]["dateTime"] for event in expanded] == [
        "2030-01-07T09:00:00+01:00",
        "2030-01-28T09:00:00+01:00",
        "2030-02-04T15:00:00+01:00",
    ]
    assert all("recurrence" not in event for event in expanded)
    assert {event["recurringEventId"] for event in expanded} == {"weekly"}
    window = {"timeMin": "2030-02-01T00:00:00Z", "timeMax": "2030-03-01T00:00:00Z"}
    assert ids(ada.events(singleEvents="true", **window)["items"]) == ["weekly_20300121T080000Z"]
    truth = state.instances_between(ADA, ADA, "2030-01-01", "2030-03-01")
    assert truth == expanded


def test_instances(fake, ada):
    state = fake.calendar
    state.insert_event(ADA, timed("weekly", recurrence=WEEKLY))
    state.cancel_instance(ADA, "weekly", "2030-01-14T09:00:00+01:00")
    path = f"{events_path(event_id='weekly')}/instances"
    first = ada.get(path, maxResults=2)
    second = ada.get(path, maxResults=2, pageToken=first["nextPageToken"])
    assert ids(first["items"] + second["items"]) == [
        f"weekly_203001{number}T080000Z" for number in ("07", "21", "28")
    ]
    assert "nextPageToken" not in second and "nextSyncToken" not in second
    assert len(ada.get(path, showDeleted="true")["items"]) == 4
    only = ada.get(path, originalStart="2030-01-21T09:00:00+01:00")["items"]
    assert ids(only) == ["weekly_20300121T080000Z"]
    assert ada.get(path, timeMax="2030-01-10T00:00:00Z")["items"] == first["items"][:1]


def test_an_endless_series_ends_at_the_horizon_unless_a_window_says_otherwise(fake, ada):
    fake.calendar.insert_event(ADA, day("daily", recurrence=["RRULE:FREQ=YEARLY"]))
    assert len(ada.events(singleEvents="true")["items"]) == 2
    later = ada.events(
        singleEvents="true", timeMin="2050-01-01T00:00:00Z", timeMax="2051-01-01T00:00:00Z"
    )
    assert ids(later["items"]) == ["daily_20500110"]


def test_a_generated_instance_can_be_fetched(fake, ada):
    fake.calendar.insert_event(ADA, timed("weekly", recurrence=WEEKLY))
    event = ada.get(events_path(event_id="weekly_20300114T080000Z"))
    assert event["originalStartTime"] == event["start"]
    assert ada.refusal(events_path(event_id="weekly_20300115T080000Z")) == (404, "notFound")
    assert ada.refusal(events_path(event_id="nothing")) == (404, "notFound")


def test_a_deleted_series_hides_its_exceptions(fake, ada):
    choose(fake, deleted_series_lists_exceptions=False, undeleted_series_lists_exceptions=False)
    state = fake.calendar
    state.insert_event(ADA, timed("weekly", recurrence=WEEKLY))
    state.cancel_instance(ADA, "weekly", "2030-01-14T09:00:00+01:00")
    _, token = ada.run(EVENTS)
    state.delete_event(ADA, "weekly")
    assert ada.events()["items"] == []
    assert ids(ada.events(syncToken=token)["items"]) == ["weekly"]
    state.undelete_event(ADA, "weekly")
    assert ids(ada.events()["items"]) == ["weekly", "weekly_20300114T080000Z"]


def test_a_changed_rule_settles_its_exceptions(fake, ada):
    state = fake.calendar
    for outlive in (False, True):
        choose(fake, exceptions_outlive_rule_change=outlive)
        name = f"weekly{int(outlive)}"
        state.insert_event(ADA, timed(name, recurrence=WEEKLY))
        state.change_instance(ADA, name, "2030-01-14T09:00:00+01:00", {"summary": "kept"})
        state.patch_event(ADA, name, {"recurrence": ["RRULE:FREQ=WEEKLY;INTERVAL=2"]})
    listed = ids(ada.events()["items"])
    assert listed == ["weekly0", "weekly1", "weekly1_20300114T080000Z"]


def test_events_that_no_calendar_can_place_are_listed_all_the_same(fake, ada):
    state = fake.calendar
    state.insert_event(ADA, {"id": "broken0", "start": {"dateTime": "whenever"}})
    state.insert_event(ADA, timed("broken1", recurrence=["RRULE:FREQ=FORTNIGHTLY"]))
    state.insert_event(ADA, {"id": "broken2"})
    zone = {"dateTime": "2030-01-07T09:00:00+03:00", "timeZone": "Mars/Phobos"}
    state.insert_event(ADA, {"id": "mars0", "start": zone, "end": zone, "recurrence": WEEKLY})
    assert ids(ada.events()["items"]) == ["broken0", "broken1", "broken2", "mars0"]
    expanded = ada.events(singleEvents="true")["items"]
    assert [event["start"]["timeZone"] for event in expanded if event["id"][:4] == "mars"] == [
        "Mars/Phobos"
    ] * 4


def test_nothing_that_is_handed_out_changes_the_state(fake, ada):
    body = timed("meet0", attendees=[{"email": ADA}])
    fake.calendar.insert_event(ADA, body)
    body["attendees"].append("planted")
    fake.calendar.full_list(ADA, ADA)[0]["attendees"].append("planted")
    assert fake.calendar.full_list(ADA, ADA)[0]["attendees"] == [{"email": ADA}]


def test_etag_and_not_modified(fake, ada):
    fake.calendar.insert_event(ADA, day("event0"))
    for path in (EVENTS, events_path(event_id="event0"), "users/me/calendarList"):
        etag = ada.get(path)["etag"]
        answer = ada.send("GET", path, headers={"If-None-Match": etag})
        assert (answer.status, answer.body) == (304, b"")
        fake.calendar.patch_event(ADA, "event0", {"summary": path})
        fake.calendar.set_color(ADA, ADA, str(len(path) % 20))
        assert ada.send("GET", path, headers={"If-None-Match": etag}).status == 200
