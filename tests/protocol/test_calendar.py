from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_goffline.protocol.calendar import (
    Page,
    calendar_list_request,
    calendar_request,
    events_request,
    fetch_page,
    instances_request,
    read_page,
)
from django_goffline.protocol.errors import AnswerError, CursorDeadError, RequestRejectedError

HOLIDAYS = "en.uk#holiday@group.v.calendar.google.com"
SMALL = ("prettyPrint", "false")


def test_calendar_list():
    request = calendar_list_request()
    assert (request.method, request.path) == ("GET", "users/me/calendarList")
    assert request.query == (("maxResults", "250"), ("showHidden", "true"), SMALL)
    assert not request.carries_cursor


def test_calendar_list_with_a_sync_token():
    # Hidden entries come along by themselves.
    request = calendar_list_request(sync_token="s==", page_token="p")
    assert request.query == (("maxResults", "250"), ("syncToken", "s=="), ("pageToken", "p"), SMALL)
    assert request.carries_cursor


def test_events():
    request = events_request(HOLIDAYS, extra=(("eventTypes", "default"),))
    assert request.path == "calendars/en.uk%23holiday%40group.v.calendar.google.com/events"
    assert request.query == (("maxResults", "2500"), ("eventTypes", "default"), SMALL)


def test_events_with_cursors():
    request = events_request("a", single_events=True, sync_token="s", page_token="p", max_results=9)
    assert request.query == (
        ("maxResults", "9"),
        ("singleEvents", "true"),
        ("syncToken", "s"),
        ("pageToken", "p"),
        SMALL,
    )


def test_instances_and_calendar():
    request = instances_request("a@b", "e/1", page_token="p")
    assert request.path == "calendars/a%40b/events/e%2F1/instances"
    assert request.query == (("maxResults", "2500"), ("pageToken", "p"), SMALL)
    assert calendar_request("a#b").path == "calendars/a%23b"


@pytest.mark.parametrize(
    "name",
    [
        "iCalUID",
        "orderBy",
        "privateExtendedProperty",
        "q",
        "sharedExtendedProperty",
        "showDeleted",
        "timeMin",
        "timeMax",
        "updatedMin",
    ],
)
def test_what_must_not_go_with_a_sync_token(name):
    extra = ((name, "2026-01-01T00:00:00Z"),)
    assert (name, "2026-01-01T00:00:00Z") in events_request("a", extra=extra).query
    with pytest.raises(ValueError, match=name):
        events_request("a", sync_token="s", extra=extra)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"max_results": 0}, "maxResults"),
        ({"max_results": 2501}, "maxResults"),
        ({"extra": (("access_token", "t"),)}, "access_token"),
        ({"extra": (("syncToken", "s"),)}, "syncToken"),
        ({"extra": (("orderBy", "startTime"),)}, "single events"),
        ({"extra": (("timeMin", "2026-01-01T00:00:00"),)}, "offset"),
        ({"extra": (("timeMin", "soon"),)}, "isoformat"),
        (
            {
                "extra": (
                    ("timeMin", "2026-01-02T00:00:00Z"),
                    ("timeMax", "2026-01-02T01:00:00+02:00"),
                )
            },
            "before",
        ),
    ],
)
def test_what_google_would_refuse(more, told):
    with pytest.raises(ValueError, match=told):
        events_request("a", **more)


def test_page_sizes_of_the_calendar_list():
    with pytest.raises(ValueError, match="250"):
        calendar_list_request(max_results=251)


@pytest.mark.parametrize("identifier", ["", ".", ".."])
def test_identifiers_that_climb(identifier):
    for ask in (events_request, calendar_request, lambda i: instances_request("a", i)):
        with pytest.raises(ValueError, match="identifier"):
            ask(identifier)


def test_fetch_page(google, transport, endpoints):
    body = {
        "kind": "calendar#events",
        "timeZone": "Europe/Zurich",
        "items": [{"id": "1"}, None, "x"],
        "nextPageToken": "p",
    }
    google.answer(200, body)
    page = fetch_page(transport, endpoints, events_request(HOLIDAYS), access_token="ya29.a")
    assert page == Page(
        items=[{"id": "1"}],
        next_page_token="p",
        fields={"kind": "calendar#events", "timeZone": "Europe/Zurich"},
        bytes=len(json.dumps(body)),
    )
    sent = google.sent[0]
    assert sent.url.startswith(
        "http://127.0.0.1:8800/calendar/v3/calendars/en.uk%23holiday%40group.v.calendar.google.com/events?"
    )
    assert sent.headers["Authorization"] == "Bearer ya29.a"
    assert SMALL in google.query


def test_a_last_page_may_be_empty(google, transport, endpoints):
    google.answer(200, {"nextSyncToken": "s"})
    page = fetch_page(transport, endpoints, calendar_list_request(), access_token="t")
    assert (page.items, page.next_page_token, page.next_sync_token) == ([], "", "s")


def test_a_refused_cursor_is_told_from_a_refused_request(google, transport, endpoints):
    refusal = {"error": {"errors": [{"reason": "invalid"}], "code": 400}}
    for request, expected in (
        (events_request("a"), RequestRejectedError),
        (events_request("a", sync_token="s"), CursorDeadError),
        (events_request("a", page_token="p"), CursorDeadError),
    ):
        google.answer(400, refusal)
        with pytest.raises(expected) as caught:
            fetch_page(transport, endpoints, request, access_token="t")
        assert caught.value.code == "invalid"


@pytest.mark.parametrize(
    "document", [None, [], "x", {"items": {}}, {"items": "x"}, {"items": None}]
)
def test_what_is_no_list(document):
    with pytest.raises(AnswerError):
        read_page(document)


@given(
    st.dictionaries(
        st.sampled_from(["items", "nextPageToken", "nextSyncToken", "kind"]),
        st.none() | st.integers() | st.text() | st.lists(st.dictionaries(st.text(), st.text())),
    )
)
def test_any_envelope_is_read_or_refused(document):
    try:
        page = read_page(document)
    except AnswerError:
        assert not isinstance(document["items"], list)
    else:
        assert isinstance(page.next_page_token + page.next_sync_token, str)
