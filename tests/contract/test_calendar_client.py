"""google-api-python-client drives the fake over HTTP; every answer fits its discovery document."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest

from django_goffline.testing.fake_google import FakeGoogle, FakeGoogleServer, Fault, Switches
from django_goffline.testing.fake_google.calendar_http import ROUTES
from django_goffline.testing.fake_google.seed import ADA, BOB, TEAM, seed_demo
from django_goffline.testing.fake_google.wire import ApiError

from .discovery import document, problems, response_schema

CALENDAR = "https://www.googleapis.com/auth/calendar"


class ValidatedRequest(HttpRequest):
    """A request whose raw answer is held against the schema of its method."""

    def __init__(self, http, postproc, *arguments, **options):
        method_id = options.get("methodId")

        def validated(response, content):
            schema = response_schema(method_id)
            if schema is not None:
                assert problems(schema, json.loads(content)) == []
            return postproc(response, content)

        super().__init__(http, validated, *arguments, **options)


@pytest.fixture
def server():
    fake = FakeGoogle()
    seed_demo(fake)
    fake.add_client(redirect_uris=["http://localhost:1/"])
    with FakeGoogleServer(fake) as server:
        yield server


@pytest.fixture
def connect(server):
    services = []

    def connect(email=ADA, scope=CALENDAR):
        (client,) = server.fake.oauth.clients.values()
        grant = server.fake.issue_grant(email, client.client_id, [scope])
        credentials = Credentials(
            grant["access_token"],
            refresh_token=grant["refresh_token"],
            token_uri=f"{server.url}/token",
            client_id=client.client_id,
            client_secret=client.client_secret,
        )
        service = build(
            "calendar",
            "v3",
            credentials=credentials,
            client_options={"api_endpoint": f"{server.url}/calendar/v3/"},
            requestBuilder=ValidatedRequest,
            static_discovery=True,
        )
        services.append(service)
        return service

    yield connect
    for service in services:
        service.close()


@pytest.fixture
def google(connect):
    return connect()


def everything(method, follow, **parameters):
    """All pages as the library follows them: items and the last page."""
    items = []
    request = method(**parameters)
    while request is not None:
        page = request.execute()
        items += page["items"]
        last, request = page, follow(request, page)
    return items, last


def reason(error: HttpError) -> str:
    return json.loads(error.content)["error"]["errors"][0]["reason"]


def test_a_full_run_equals_the_truth(server, google):
    state = server.fake.calendar
    entries, _ = everything(
        google.calendarList().list, google.calendarList().list_next, maxResults=2
    )
    assert entries == state.full_calendar_list(ADA)
    for entry in entries:
        items, last = everything(
            google.events().list, google.events().list_next, calendarId=entry["id"], maxResults=7
        )
        assert items == state.full_list(ADA, entry["id"])
        assert last["nextSyncToken"]
        assert google.calendars().get(calendarId=entry["id"]).execute()["id"] == entry["id"]
        assert google.calendarList().get(calendarId=entry["id"]).execute() == entry


def test_expanded_events_equal_the_truth(server, google):
    now = server.fake.clock.now()
    window = {"timeMin": now.isoformat(), "timeMax": now.replace(year=now.year + 1).isoformat()}
    items, last = everything(
        google.events().list, google.events().list_next,
        calendarId="primary", singleEvents=True, orderBy="startTime", maxResults=50, **window,
    )  # fmt: skip
    assert items == server.fake.calendar.instances_between(
        ADA, ADA, window["timeMin"], window["timeMax"]
    )
    assert len(items) > 100
    assert "nextSyncToken" not in last


def test_write_and_sync(google):
    events = google.events()
    token = everything(events.list, events.list_next, calendarId="primary")[1]["nextSyncToken"]
    body = {
        "summary": "Series",
        "start": {"dateTime": "2030-01-07T09:00:00", "timeZone": "Europe/Zurich"},
        "end": {"dateTime": "2030-01-07T10:00:00", "timeZone": "Europe/Zurich"},
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
        "attendees": [{"email": BOB}],
        "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]},
    }
    series = events.insert(calendarId="primary", body=body).execute()
    where = {"calendarId": "primary", "eventId": series["id"]}
    instances, _ = everything(events.instances, events.instances_next, maxResults=2, **where)
    assert len(instances) == 3
    second = instances[1]["id"]
    events.patch(calendarId="primary", eventId=second, body={"summary": "Odd"}).execute()
    events.delete(calendarId="primary", eventId=instances[2]["id"]).execute()
    replaced = {**events.get(**where).execute(), "location": "Here"}
    events.update(**where, body=replaced).execute()
    delta = events.list(calendarId="primary", syncToken=token).execute()
    assert [item["status"] for item in delta["items"]] == ["confirmed", "confirmed", "cancelled"]
    events.move(**where, destination=TEAM).execute()
    delta = events.list(calendarId="primary", syncToken=delta["nextSyncToken"]).execute()
    assert {item["status"] for item in delta["items"]} == {"cancelled"}
    assert events.get(calendarId=TEAM, eventId=second).execute()["summary"] == "Odd"
    events.delete(calendarId=TEAM, eventId=series["id"]).execute()
    with pytest.raises(HttpError) as caught:
        events.delete(calendarId=TEAM, eventId=series["id"]).execute()
    assert (caught.value.status_code, reason(caught.value)) == (410, "deleted")


def test_410(server, google):
    events = google.events()
    token = everything(events.list, events.list_next, calendarId=TEAM)[1]["nextSyncToken"]
    server.fake.calendar.expire_sync_tokens(TEAM)
    with pytest.raises(HttpError) as caught:
        events.list(calendarId=TEAM, syncToken=token).execute()
    assert (caught.value.status_code, reason(caught.value)) == (410, "fullSyncRequired")


def test_the_small_resources(google):
    assert google.colors().get().execute()["event"]["1"]["background"] == "#a4bdfc"
    settings = google.settings().list().execute()["items"]
    assert google.settings().get(setting="timezone").execute() in settings
    now = "2030-01-01T00:00:00Z"
    body = {"timeMin": now, "timeMax": "2030-02-01T00:00:00Z", "items": [{"id": TEAM}, {"id": "?"}]}
    busy = google.freebusy().query(body=body).execute()["calendars"]
    assert busy["?"]["errors"][0]["reason"] == "notFound"


def test_fields_and_a_url_too_long_for_get(google):
    page = google.events().list(calendarId="primary", fields="nextSyncToken,items(id)").execute()
    assert page.keys() == {"nextSyncToken", "items"}
    assert {tuple(item) for item in page["items"]} == {("id",)}
    found = google.events().list(calendarId="primary", q="Budget " + " " * 3000).execute()
    assert found["items"]


@pytest.mark.parametrize("role", ["freeBusyReader", "reader", "writerWithoutPrivateAccess"])
def test_every_role_gets_valid_answers(server, connect, role):
    server.fake.calendar.share(ADA, BOB, role)
    events = connect(BOB).events()
    for single in (False, True):
        items, last = everything(
            events.list, events.list_next, calendarId=ADA, singleEvents=single, showDeleted=True
        )
        assert (last["accessRole"], len(items) > 50) == (role, True)


@pytest.mark.parametrize("seed", range(6))
def test_answers_are_valid_in_any_form(server, connect, seed):
    random = Random(seed)
    fake = server.fake
    fake.switches = Switches.draw(random)
    fake.calendar.share(ADA, BOB, random.choice(["freeBusyReader", "reader", "writer"]))
    for event in random.sample(fake.calendar.full_list(ADA, ADA), 8):
        with suppress(ApiError):
            fake.calendar.delete_event(ADA, event["id"])
    now = fake.clock.now()
    window = {"timeMin": now.isoformat(), "timeMax": (now + timedelta(days=30)).isoformat()}
    seen = 0
    for email in (ADA, BOB):
        google = connect(email)
        events, lists = google.events(), google.calendarList()
        for query in ({"showDeleted": True}, {"singleEvents": True, **window}):
            seen += len(everything(events.list, events.list_next, calendarId=ADA, **query)[0])
        assert everything(lists.list, lists.list_next, showHidden=True)[0]
    assert seen > 100


def test_an_expired_token_is_refreshed_by_the_library(server, google):
    server.fake.oauth.expire_access_tokens()
    assert google.calendarList().list().execute()["items"]


def test_a_refused_scope_and_a_fault_reach_the_library(server, connect):
    narrow = connect(BOB, f"{CALENDAR}.events.readonly")
    with pytest.raises(HttpError) as caught:
        narrow.calendarList().list().execute()
    assert (caught.value.status_code, reason(caught.value)) == (403, "insufficientPermissions")
    server.fake.faults.add(Fault(path="/events$", status=503))
    assert narrow.events().list(calendarId="primary").execute(num_retries=1)["items"] == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[2])
def test_every_endpoint_is_where_the_document_has_it(route):
    verb, pattern, method_id, _ = route
    resource, name = (part[0].lower() + part[1:] for part in method_id.split("."))
    method = document()["resources"][resource]["methods"][name]
    assert (method["httpMethod"], re.sub(r"{\w+}", "*", method["path"])) == (verb, pattern)


def test_the_validator_finds_mistakes():
    event = {"id": 1, "odd": 2, "start": {"dateTime": "2030-01-01T00:00:00"}, "sequence": True}
    assert problems("Event", event) == [
        "Event.id: 1 is no string",
        "Event: unknown property 'odd'",
        "Event.start.dateTime: '2030-01-01T00:00:00' has no offset",
        "Event.sequence: True is no integer",
    ]
