"""Scopes per method, roles per calendar, the quota (reference §4.4, §5.1, §6.4)."""

from __future__ import annotations

import dataclasses
import json

import pytest

from .application import ADA
from .calendar_caller import BOB, LISTS, CalendarCaller, day, events_path, ids, timed

PREFIX = "https://www.googleapis.com/auth/calendar"


def scoped(fake, app, *suffixes, email=ADA):
    """A caller with these scopes only: a client of its own, since grants add up."""
    client = fake.add_client(redirect_uris=["https://x.example.com/"], project_id=str(suffixes))
    return CalendarCaller.of(fake, client, email, tuple(PREFIX + suffix for suffix in suffixes))


@pytest.mark.parametrize(
    ("suffix", "path", "opens"),
    [
        (".readonly", LISTS, True),
        (".calendarlist.readonly", LISTS, True),
        (".events.readonly", LISTS, False),
        (".events", LISTS, False),
        (".app.created", LISTS, False),
        (".app.created", f"{LISTS}/primary", True),
        (".events.readonly", events_path(), True),
        (".events.owned.readonly", events_path(), True),
        (".events.freebusy", events_path(), True),
        (".events.public.readonly", events_path(), False),
        (".calendarlist", events_path(), False),
        (".events.readonly", "colors", False),
        (".settings", "colors", False),
        (".events.owned.readonly", "colors", True),
        (".settings.readonly", "users/me/settings", True),
        (".calendars.readonly", "calendars/primary", True),
        (".calendarlist.readonly", "calendars/primary", False),
    ],
)
def test_which_scope_opens_what(fake, app, suffix, path, opens):
    caller = scoped(fake, app, suffix)
    answer = caller.send("GET", path)
    assert answer.status == (200 if opens else 403)


def test_a_missing_scope_is_told_in_both_shapes(fake, app):
    answer = scoped(fake, app, ".readonly").send("POST", events_path(), timed("meet0"))
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["status"]) == (403, "PERMISSION_DENIED")
    assert error["errors"][0]["reason"] == "insufficientPermissions"
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert error["details"][0]["metadata"]["method"] == "calendar.v3.Events.Insert"
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_no_or_dead_token(ada, fake):
    fake.oauth.expire_access_tokens()
    assert ada.refusal(LISTS) == (401, "authError")


def test_owned_scopes_reach_owned_calendars_only(fake, app, bob):
    fake.calendar.share(ADA, BOB, "writer")
    caller = scoped(fake, app, ".events.owned", email=BOB)
    assert caller.send("GET", events_path()).status == 200
    assert caller.refusal(events_path(ADA)) == (403, "insufficientPermissions")
    assert caller.refusal(events_path(ADA), "POST", timed("meet0"))[0] == 403


def test_public_scope_reaches_public_calendars(fake, app):
    holidays = fake.calendar.add_generated_calendar(ADA)
    caller = scoped(fake, app, ".events.public.readonly")
    assert caller.send("GET", events_path(holidays)).status == 200


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        ("owner", {"summary", "location"}),
        ("writer", {"summary", "location"}),
        ("writerWithoutPrivateAccess", set()),
        ("reader", set()),
        ("freeBusyReader", set()),
    ],
)
def test_what_a_role_sees_of_private_and_plain_events(fake, bob, role, fields):
    fake.calendar.insert_event(ADA, timed("plain", location="Here"))
    fake.calendar.insert_event(ADA, timed("secret", location="There", visibility="private"))
    fake.calendar.share(ADA, BOB, role)
    answer = bob.events(ADA)
    assert answer["accessRole"] == role
    plain, secret = answer["items"]
    assert ("location" in plain) is (role != "freeBusyReader")
    assert {"summary", "location"} & secret.keys() == fields
    assert secret["start"] == plain["start"]
    fake.switches = dataclasses.replace(fake.switches, private_shows_visibility=False)
    hidden = {"reader", "writerWithoutPrivateAccess", "freeBusyReader"}
    assert ("visibility" in bob.events(ADA)["items"][1]) is (role not in hidden)


def test_a_busy_reader_sees_busy_blocks(fake, bob):
    fake.calendar.insert_event(ADA, day("free0", transparency="transparent"))
    fake.calendar.insert_event(ADA, timed("busy0", description="x"))
    fake.calendar.share(ADA, BOB, "freeBusyReader")
    (event,) = bob.events(ADA)["items"]
    assert event.keys() == {"kind", "etag", "id", "status", "start", "end"}
    _, token = bob.run(events_path(ADA))
    fake.calendar.patch_event(ADA, "busy0", {"transparency": "transparent"})
    (event,) = bob.events(ADA, syncToken=token)["items"]
    assert (event["id"], event["status"]) == ("busy0", "cancelled")
    fake.switches = dataclasses.replace(fake.switches, free_busy_shows_visibility=True)
    fake.calendar.patch_event(ADA, "busy0", {"transparency": None})
    assert bob.events(ADA)["items"][0]["visibility"] == "private"


def test_who_may_write(fake, bob):
    for role, status in (("reader", 403), ("writerWithoutPrivateAccess", 200), ("writer", 200)):
        fake.calendar.share(ADA, BOB, role)
        answer = bob.send("POST", events_path(ADA), timed(f"at{len(role):03}"))
        assert answer.status == status
    fake.calendar.insert_event(ADA, timed("secret", visibility="private"))
    path = events_path(ADA, "secret")
    assert bob.send("PATCH", path, {"summary": "x"}).status == 200
    fake.calendar.share(ADA, BOB, "writerWithoutPrivateAccess")
    for shown in (True, False):
        fake.switches = dataclasses.replace(fake.switches, private_shows_visibility=shown)
        assert bob.refusal(path, "PATCH", {"summary": "y"}) == (403, "forbidden")
    assert ids(bob.events(ADA)["items"]) == ["at026", "at006", "secret"]
    assert bob.events(ADA)["items"][0]["creator"] == {"email": BOB}


@pytest.mark.parametrize(("status", "reason"), [(404, "notFound"), (403, "forbidden")])
def test_lost_access(fake, bob, status, reason):
    fake.switches = dataclasses.replace(fake.switches, lost_access_status=status)
    assert bob.refusal(events_path(ADA)) == (status, reason)
    assert bob.refusal(events_path("nobody@example.com")) == (404, "notFound")


def test_the_quota_slides(fake, ada, bob):
    fake.switches = dataclasses.replace(fake.switches, quota_says_retry_after=True)
    fake.calendar.limit_calls(3)
    for _ in range(3):
        ada.get("colors")
        fake.clock.advance(10)
    refused = [ada.send("GET", "colors") for _ in range(2)]
    assert [answer.status for answer in refused] == [403, 429]
    error = json.loads(refused[0].body)["error"]
    assert error["errors"][0]["reason"] == "userRateLimitExceeded"
    assert error["details"][0]["metadata"]["quota_limit_value"] == "3"
    assert int(refused[0].headers["Retry-After"]) in (30, 31)
    bob.get("colors")
    fake.clock.advance(31)
    ada.get("colors")
    assert ada.send("GET", "colors").status in (403, 429)
    fake.calendar.limit_calls(None)
    ada.get("colors")
