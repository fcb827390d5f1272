"""calendarList, calendars, colors, settings, freeBusy (reference §5.1, §5.6)."""

from __future__ import annotations

import dataclasses
import json

import pytest

from .application import ADA
from .calendar_caller import BOB, LISTS, day, ids, timed


def test_the_primary_calendar(ada):
    (entry,) = ada.get(LISTS)["items"]
    etag = entry.pop("etag")
    assert etag.startswith('"') and etag.endswith('"')
    assert entry == {
        "kind": "calendar#calendarListEntry",
        "id": ADA,
        "summary": ADA,
        "timeZone": "Europe/Zurich",
        "colorId": "14",
        "backgroundColor": "#9fe1e7",
        "foregroundColor": "#1d1d1d",
        "selected": True,
        "accessRole": "owner",
        "defaultReminders": [{"method": "popup", "minutes": 10}],
        "notificationSettings": {"notifications": [{"type": "eventCreation", "method": "email"}]},
        "primary": True,
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    assert ada.get(f"{LISTS}/primary")["id"] == ADA
    assert ada.refusal(f"{LISTS}/nobody") == (404, "notFound")


def test_hidden_and_removed_entries(fake, ada):
    state = fake.calendar
    team, old = (state.create_calendar(ADA, name) for name in ("Team", "Old"))
    _, token = ada.run(LISTS)
    state.hide(team, ADA)
    state.remove_from_list(old, ADA)
    assert ids(ada.get(LISTS)["items"]) == [ADA]
    assert ids(ada.get(LISTS, showHidden="true")["items"]) == [ADA, team]
    assert ids(ada.get(LISTS, showDeleted="true")["items"]) == [ADA, old]
    items, token = ada.run(LISTS, syncToken=token)
    assert [(item["id"], item.get("hidden"), item.get("deleted")) for item in items] == [
        (team, True, None),
        (old, None, True),
    ]
    state.unhide(team, ADA)
    state.add_to_list(old, ADA)
    items, _ = ada.run(LISTS, syncToken=token)
    assert [(item["id"], item.get("hidden"), item.get("deleted")) for item in items] == [
        (team, None, None),
        (old, None, None),
    ]
    assert ids(state.full_calendar_list(ADA)) == [ADA, team, old]


def test_paging(fake, ada):
    for number in range(5):
        fake.calendar.create_calendar(ADA, str(number))
    items, token = ada.run(LISTS, maxResults=2)
    assert len(items) == 6 and token
    page = ada.get(LISTS, maxResults=2)["nextPageToken"]
    assert ada.refusal(LISTS, pageToken=page, showHidden="true") == (400, "invalid")


def test_read_only_changes_do_not_surface_but_the_etag_knows(fake, ada, bob):
    team = fake.calendar.create_calendar(ADA, "Team")
    fake.calendar.share(team, BOB, "reader")
    before = bob.get(f"{LISTS}/{team}")
    _, token = bob.run(LISTS)
    fake.calendar.update_calendar(team, summary="Crew")
    fake.calendar.share(team, BOB, "writer")
    assert bob.run(LISTS, syncToken=token)[0] == []
    after = bob.get(f"{LISTS}/{team}")
    assert (after["summary"], after["accessRole"], after["dataOwner"]) == ("Crew", "writer", ADA)
    assert after["etag"] != before["etag"]
    fake.calendar.set_summary_override(team, BOB, "Mine")
    (item,), _ = bob.run(LISTS, syncToken=token)
    assert item["summaryOverride"] == "Mine"


@pytest.mark.parametrize("told", [True, False])
def test_losing_a_calendar(fake, ada, bob, told):
    fake.switches = dataclasses.replace(fake.switches, unshared_calendar_in_delta=told)
    team = fake.calendar.create_calendar(ADA, "Team")
    fake.calendar.share(team, BOB)
    _, token = bob.run(LISTS)
    fake.calendar.unshare(team, BOB)
    assert ids(bob.run(LISTS, syncToken=token)[0]) == ([team] if told else [])
    assert ids(bob.get(LISTS)["items"]) == [BOB]
    fake.calendar.share(team, BOB)
    (item,), _ = bob.run(LISTS, syncToken=token)
    assert "deleted" not in item


def test_a_deleted_calendar(fake, ada):
    team = fake.calendar.create_calendar(ADA, "Team")
    _, token = ada.run(LISTS)
    fake.calendar.delete_calendar(team)
    (item,), _ = ada.run(LISTS, syncToken=token)
    assert item.keys() == {"kind", "etag", "id", "deleted"}
    assert ada.refusal(f"calendars/{team}/events") == (404, "notFound")


@pytest.mark.parametrize(
    "query",
    [{"minAccessRole": "owner"}, {"showDeleted": "false"}, {"showHidden": "false"},
     {"showOwnOrganizationOnly": "true"}],
)  # fmt: skip
def test_forbidden_beside_a_sync_token(ada, query):
    _, token = ada.run(LISTS)
    assert ada.refusal(LISTS, syncToken=token, **query) == (400, "invalid")


def test_minimal_role(fake, ada):
    fake.calendar.add_generated_calendar(ADA)
    assert ids(ada.get(LISTS, minAccessRole="writer")["items"]) == [ADA]
    assert ada.refusal(LISTS, minAccessRole="king") == (400, "invalid")


def test_calendars_get(fake, ada):
    team = fake.calendar.create_calendar(ADA, "Team", "America/New_York")
    found = ada.get(f"calendars/{team}")
    assert (found["kind"], found["summary"], found["timeZone"]) == (
        "calendar#calendar", "Team", "America/New_York",
    )  # fmt: skip
    assert "accessRole" not in found
    assert ada.get("calendars/primary")["id"] == ADA


def test_colors_and_settings(ada):
    colors = ada.get("colors")
    assert (len(colors["calendar"]), len(colors["event"])) == (24, 11)
    settings = ada.get("users/me/settings")
    values = {item["id"]: item["value"] for item in settings["items"]}
    assert values["timezone"] == "Europe/Zurich"
    assert ada.get("users/me/settings", syncToken=settings["nextSyncToken"])["items"] == []
    assert ada.get("users/me/settings/locale")["value"] == "en"
    assert ada.refusal("users/me/settings/mood") == (404, "notFound")


def test_free_busy(fake, ada):
    state = fake.calendar
    state.insert_event(ADA, timed("weekly", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"]))
    state.cancel_instance(ADA, "weekly", "2030-01-14T09:00:00+01:00")
    state.insert_event(ADA, timed("overlap", "2030-01-07T09:30:00+01:00"))
    state.insert_event(ADA, day("free0", "2030-01-08", transparency="transparent"))
    declined = [{"email": ADA, "responseStatus": "declined"}]
    state.insert_event(ADA, timed("no000", "2030-01-09T09:00:00+01:00", attendees=declined))
    body = {
        "timeMin": "2030-01-07T00:00:00Z",
        "timeMax": "2030-01-21T08:30:00Z",
        "items": [{"id": "primary"}, {"id": "x@example.com"}],
    }
    answer = ada.send("POST", "freeBusy", body)
    assert json.loads(answer.body)["calendars"] == {
        "primary": {
            "busy": [
                {"start": "2030-01-07T08:00:00Z", "end": "2030-01-07T09:30:00Z"},
                {"start": "2030-01-21T08:00:00Z", "end": "2030-01-21T08:30:00Z"},
            ]
        },
        "x@example.com": {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []},
    }
    assert ada.refusal("freeBusy", "POST", {"timeMin": "x"}) == (400, "badRequest")
    assert ada.refusal("freeBusy", "POST", {}) == (400, "required")
    empty = {**body, "timeMax": body["timeMin"]}
    assert ada.refusal("freeBusy", "POST", empty) == (400, "timeRangeEmpty")


def test_unknown_paths_and_verbs(ada):
    assert ada.refusal("calendars") == (404, "notFound")
    assert ada.refusal("calendars/primary/acl") == (404, "notFound")
    assert ada.refusal("colors", "POST", {}) == (405, "httpMethodNotAllowed")
