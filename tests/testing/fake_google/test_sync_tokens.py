"""Full and incremental runs: paging, sync tokens, 410 (reference §5.3)."""

from __future__ import annotations

import dataclasses
from random import Random

import pytest

from django_goffline.testing.fake_google import FakeGoogle, Switches

from .application import ADA
from .calendar_caller import LISTS, CalendarCaller, day, events_path, ids, timed

EVENTS = events_path()


def choose(fake, **switches):
    fake.switches = dataclasses.replace(fake.switches, **switches)


def fill(fake, count):
    for number in range(count):
        fake.calendar.insert_event(ADA, day(f"event{number:03}"))


def test_pages_hold_what_is_asked_and_only_the_last_has_the_sync_token(fake, ada):
    fill(fake, 5)
    first = ada.events(maxResults=2)
    assert (len(first["items"]), "nextSyncToken" in first) == (2, False)
    second = ada.events(maxResults=2, pageToken=first["nextPageToken"])
    third = ada.events(maxResults=2, pageToken=second["nextPageToken"])
    assert ids(first["items"] + second["items"] + third["items"]) == [
        f"event{number:03}" for number in range(5)
    ]
    assert "nextSyncToken" in third and "nextPageToken" not in third


def test_a_page_token_is_bound_to_its_query(fake, ada):
    fill(fake, 3)
    token = ada.events(maxResults=1)["nextPageToken"]
    assert ada.refusal(EVENTS, pageToken=token, singleEvents="true") == (400, "invalid")
    assert ada.refusal(EVENTS, pageToken=token[:-4] + "AAAA") == (400, "invalid")
    fake.calendar.expire_page_tokens()
    assert ada.refusal(EVENTS, pageToken=token) == (400, "invalid")


def test_a_dead_page_token_may_be_410(fake, ada):
    choose(fake, page_token_seconds=60, dead_page_token_status=410)
    fill(fake, 3)
    token = ada.events(maxResults=1)["nextPageToken"]
    fake.clock.advance(61)
    assert ada.refusal(EVENTS, pageToken=token) == (410, "fullSyncRequired")


def test_empty_pages_are_legal(fake, ada):
    choose(fake, empty_page_every=2, largest_page=2)
    fill(fake, 3)
    first = ada.events()
    second = ada.events(pageToken=first["nextPageToken"])
    assert second["items"] == [] and "nextPageToken" in second
    items, token = ada.run(EVENTS)
    assert len(items) == 3 and token


def test_a_delta_brings_changes_once_with_tombstones(fake, ada):
    fill(fake, 4)
    _, token = ada.run(EVENTS)
    fake.calendar.patch_event(ADA, "event001", {"summary": "one"})
    fake.calendar.patch_event(ADA, "event001", {"summary": "two"})
    fake.calendar.delete_event(ADA, "event002")
    fake.calendar.insert_event(ADA, day("fresh"))
    items, token = ada.run(EVENTS, syncToken=token)
    assert [(item["id"], item.get("summary")) for item in items] == [
        ("event001", "two"),
        ("event002", None),
        ("fresh", "fresh"),
    ]
    assert items[1].keys() == {"kind", "etag", "id", "status"}
    assert ada.run(EVENTS, syncToken=token)[0] == []


def test_an_undeleted_event_comes_back(fake, ada):
    fill(fake, 1)
    fake.calendar.delete_event(ADA, "event000")
    _, token = ada.run(EVENTS)
    fake.calendar.undelete_event(ADA, "event000")
    (item,), _ = ada.run(EVENTS, syncToken=token)
    assert item["status"] == "confirmed"


@pytest.mark.parametrize("order", ["stable", "moves_to_end", "moves_to_front"])
def test_what_changes_during_a_run_is_in_it_or_in_the_next_delta(fake, ada, order):
    choose(fake, page_order=order)
    fill(fake, 6)
    page = ada.events(maxResults=2)
    seen = {item["id"]: item["summary"] for item in page["items"]}
    for number in range(6):
        fake.calendar.patch_event(ADA, f"event{number:03}", {"summary": "changed"})
    query = {"pageToken": page["nextPageToken"]}
    items, token = ada.run(EVENTS, **query)
    seen |= {item["id"]: item["summary"] for item in items}
    delta, _ = ada.run(EVENTS, syncToken=token)
    seen |= {item["id"]: item["summary"] for item in delta}
    assert seen == {f"event{number:03}": "changed" for number in range(6)}


def test_moves_to_front_hides_a_changed_event_from_its_run(fake, ada):
    choose(fake, page_order="moves_to_front")
    fill(fake, 3)
    page = ada.events(maxResults=1)
    assert ids(page["items"]) == ["event002"]
    fake.calendar.patch_event(ADA, "event000", {"summary": "changed"})
    items, _ = ada.run(EVENTS, pageToken=page["nextPageToken"])
    assert ids(items) == ["event001"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iCalUID", "x"),
        ("orderBy", "updated"),
        ("privateExtendedProperty", "a=b"),
        ("q", "x"),
        ("sharedExtendedProperty", "a=b"),
        ("timeMin", "2030-01-01T00:00:00Z"),
        ("timeMax", "2030-01-01T00:00:00Z"),
        ("updatedMin", "2030-01-01T00:00:00Z"),
        ("showDeleted", "false"),
    ],
)
def test_forbidden_beside_a_sync_token(ada, name, value):
    _, token = ada.run(EVENTS)
    assert ada.refusal(EVENTS, syncToken=token, **{name: value}) == (400, "invalid")
    assert ada.events(syncToken=token, showDeleted="true")["items"] == []


def test_expired_tokens_are_410_until_the_next_full_run(fake, ada):
    fill(fake, 1)
    _, token = ada.run(EVENTS)
    fake.calendar.expire_sync_tokens(ADA)
    assert ada.refusal(EVENTS, syncToken=token) == (410, "fullSyncRequired")
    _, token = ada.run(EVENTS)
    assert ada.run(EVENTS, syncToken=token)[0] == []


def test_tokens_of_lists_expire_with_all(fake, ada):
    _, token = ada.run(LISTS)
    fake.calendar.expire_sync_tokens()
    assert ada.refusal(LISTS, syncToken=token) == (410, "fullSyncRequired")


def test_tokens_age(fake, ada):
    choose(fake, sync_token_days=30)
    tokens = {path: ada.run(path)[1] for path in (EVENTS, LISTS)}
    fake.clock.advance(30 * 86400 + 1)
    caller = CalendarCaller.of(fake, next(iter(fake.oauth.clients.values())), ADA)
    for path, token in tokens.items():
        assert caller.refusal(path, syncToken=token) == (410, "fullSyncRequired")


def test_a_token_belongs_to_one_calendar(fake, ada):
    _, token = ada.run(EVENTS)
    other = fake.calendar.create_calendar(ADA, "Team")
    assert ada.refusal(events_path(other), syncToken=token) == (400, "invalid")
    assert ada.refusal(EVENTS, syncToken="nonsense") == (400, "invalid")


@pytest.mark.parametrize(
    ("whose", "ada_dies", "bob_dies"),
    [("user", False, True), ("calendar", True, True), ("nobody", False, False)],
)
def test_an_acl_change_kills_tokens(fake, ada, bob, whose, ada_dies, bob_dies):
    choose(fake, acl_change_expires=whose)
    team = fake.calendar.create_calendar(ADA, "Team")
    fake.calendar.share(team, "bob@example.com", "reader")
    path = events_path(team)
    tokens = [(caller, caller.run(path)[1]) for caller in (ada, bob)]
    fake.calendar.share(team, "bob@example.com", "writer")
    died = [caller.send("GET", path, syncToken=token).status == 410 for caller, token in tokens]
    assert died == [ada_dies, bob_dies]


def test_generated_calendars_may_refuse_every_token(fake, ada):
    holidays = fake.calendar.add_generated_calendar(ADA)
    path = events_path(holidays)
    _, token = ada.run(path)
    assert ada.run(path, syncToken=token)[0] == []
    fake.calendar.refuse_sync_tokens(holidays)
    assert ada.refusal(path, syncToken=token) == (410, "fullSyncRequired")


def test_the_window_is_remembered_inside_the_token(fake, ada):
    fake.calendar.insert_event(ADA, day("inside", "2030-01-10"))
    items, token = ada.run(EVENTS, timeMin="2030-01-05T00:00:00Z", timeMax="2030-02-01T00:00:00Z")
    assert ids(items) == ["inside"]
    fake.calendar.insert_event(ADA, day("before", "2030-01-02"))
    fake.calendar.patch_event(ADA, "inside", {"summary": "still"})
    items, token = ada.run(EVENTS, syncToken=token)
    assert [(item["id"], item["status"]) for item in items] == [
        ("inside", "confirmed"),
        ("before", "cancelled"),
    ]
    choose(fake, window_leavers="sent")
    moved = {"start": {"date": "2030-01-02"}, "end": {"date": "2030-01-03"}}
    fake.calendar.patch_event(ADA, "inside", moved)
    (item,), _ = ada.run(EVENTS, syncToken=token)
    assert (item["status"], item["start"]) == ("confirmed", {"date": "2030-01-02"})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"orderBy": "updated"}, False),
        ({"q": "x"}, False),
        ({"iCalUID": "x"}, False),
        ({"timeMin": "2030-01-01T00:00:00Z"}, True),
        ({"timeMax": "2030-01-01T00:00:00Z"}, True),
        ({"singleEvents": "true"}, True),
        ({}, True),
    ],
)
def test_which_queries_end_with_a_sync_token(ada, query, expected):
    assert (ada.run(EVENTS, **query)[1] is not None) is expected


@pytest.mark.parametrize(
    ("switch", "status"), [("token_wins", 200), ("request_wins", 200), ("refused", 400)]
)
def test_changed_parameters_beside_a_token(fake, ada, switch, status):
    choose(fake, changed_query=switch)
    fake.calendar.insert_event(ADA, timed("weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"]))
    _, token = ada.run(EVENTS)
    fake.calendar.patch_event(ADA, "weekly", {"summary": "changed"})
    answer = ada.send("GET", EVENTS, syncToken=token, singleEvents="true")
    assert answer.status == status
    if status == 200:
        expected = 1 if switch == "token_wins" else 3
        assert len(ada.events(syncToken=token, singleEvents="true")["items"]) == expected


def test_deltas_with_single_events(fake, ada):
    series = timed("weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"])
    fake.calendar.insert_event(ADA, series)
    items, token = ada.run(EVENTS, singleEvents="true")
    assert len(items) == 4
    fake.calendar.cancel_instance(ADA, "weekly", "2030-01-14T09:00:00+01:00")
    items, token = ada.run(EVENTS, singleEvents="true", syncToken=token)
    assert [(item["id"], item["status"]) for item in items] == [
        ("weekly_20300114T080000Z", "cancelled")
    ]
    fake.calendar.patch_event(ADA, "weekly", {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]})
    items, token = ada.run(EVENTS, singleEvents="true", syncToken=token)
    assert [(item["id"], item["status"]) for item in items] == [
        ("weekly_20300107T080000Z", "confirmed"),
        ("weekly_20300121T080000Z", "confirmed"),
        ("weekly_20300128T080000Z", "cancelled"),
    ]
    fake.calendar.delete_event(ADA, "weekly")
    items, _ = ada.run(EVENTS, singleEvents="true", syncToken=token)
    assert {item["status"] for item in items} == {"cancelled"}
    assert len(items) >= 3


def test_an_unchanged_delta_may_repeat_its_token(fake, ada):
    choose(fake, new_token_when_unchanged=False)
    _, token = ada.run(EVENTS)
    assert ada.run(EVENTS, syncToken=token) == ([], token)


@pytest.mark.parametrize("seed", range(12))
def test_any_history_under_any_switches_converges(seed):
    """A little mirror of its own: full run, then deltas, equals the full list at the end."""
    random = Random(seed)
    fake = FakeGoogle(switches=Switches.draw(random), seed=seed)
    fake.add_account(ADA)
    client = fake.add_client(redirect_uris=["http://localhost:1/"])
    ada = CalendarCaller.of(fake, client, ADA)
    state = fake.calendar
    mirror = {}
    token = None
    starts = [f"2030-01-{number:02}T09:00:00+01:00" for number in (7, 14, 21)]
    for turn in range(60):
        series = [
            name
            for name, record in state.calendars[ADA].events.items()
            if record.recurring and not record.cancelled
        ]
        alive = [
            record.id
            for record in state.calendars[ADA].events.values()
            if not record.cancelled and record.master_id is None
        ]
        action = random.choice(
            ["insert", "series", "patch", "delete", "undelete", "cancel", "change", "rule", "pull"]
        )
        if action == "insert":
            state.insert_event(ADA, day(f"single{turn:02}"))
        elif action == "series":
            rule = "RRULE:FREQ=WEEKLY;COUNT=5"
            state.insert_event(ADA, timed(f"series{turn:02}", recurrence=[rule]))
        elif action == "patch" and alive:
            state.patch_event(ADA, random.choice(alive), {"summary": str(turn)})
        elif action == "delete" and alive:
            state.delete_event(ADA, random.choice(alive))
        elif action == "undelete":
            gone = [
                record.id
                for record in state.calendars[ADA].events.values()
                if record.cancelled and record.master_id is None
            ]
            if gone:
                state.undelete_event(ADA, random.choice(gone))
        elif action == "rule" and series:
            rule = random.choice(["COUNT=2", "COUNT=5", "COUNT=5;INTERVAL=2"])
            name = random.choice(series)
            state.patch_event(ADA, name, {"recurrence": [f"RRULE:FREQ=WEEKLY;{rule}"]})
        elif action in ("cancel", "change") and series:
            name, start = random.choice(series), random.choice(starts)
            stamp = start.replace("-", "").replace(":", "")[:9] + "080000Z"
            known = state.calendars[ADA].events.get(f"{name}_{stamp}")
            full = state.instances_between(ADA, ADA, "2030-01-01", "2030-03-01")
            if f"{name}_{stamp}" in ids(full) and (known is None or not known.cancelled):
                if action == "cancel":
                    state.cancel_instance(ADA, name, start)
                else:
                    state.change_instance(ADA, name, start, {"summary": f"changed {turn}"})
        elif action == "pull":
            token = pull(ada, mirror, token)
    pull(ada, mirror, token)
    expected = {event["id"]: event for event in state.full_list(ADA, ADA)}
    shown = {
        event["id"]: event
        for event in mirror.values()
        if event.get("recurringEventId") is None or alive_master(mirror, event)
    }
    assert shown == expected


def alive_master(mirror, event):
    master = mirror.get(event["recurringEventId"])
    return master is not None and master["status"] != "cancelled"


def pull(ada, mirror, token):
    """What a mirror does: tombstones remove, exclusions stay, 410 starts afresh.

    So does a series that comes, or comes back: exceptions that went with it may not be listed again.
    """
    query = {} if token is None else {"syncToken": token}
    answer = ada.send("GET", EVENTS, **query)
    if answer.status == 410:
        return pull(ada, mirror, None)
    items, token = ada.run(EVENTS, **query)
    if query and any("recurrence" in item and item["id"] not in mirror for item in items):
        return pull(ada, mirror, None)
    if "syncToken" not in query:
        mirror.clear()
    for item in items:
        if item["status"] == "cancelled" and "recurringEventId" not in item:
            mirror.pop(item["id"], None)
        else:
            mirror[item["id"]] = item
    return token
