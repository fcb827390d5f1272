from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_goffline.protocol.payloads import (
    LONGEST_ID,
    EventFields,
    Moment,
    PayloadError,
    clean_text,
    compact_json,
    fingerprint,
    parse_calendar_entry,
    parse_event,
)

STANDUP = {
    "kind": "calendar#event",
    "etag": '"21"',
    "id": "stand0",
    "status": "confirmed",
    "htmlLink": "https://www.google.com/calendar/event?eid=1",
    "created": "2026-10-01T07:00:00.000Z",
    "updated": "2026-10-02T07:00:00.123Z",
    "summary": "Stand-up",
    "description": "<b>daily</b>",
    "location": "Room 1",
    "organizer": {"email": "ada@example.com", "self": True},
    "attendees": [
        {"email": "bob@example.com", "responseStatus": "declined"},
        {"email": "ada@example.com", "self": True, "responseStatus": "accepted"},
    ],
    "start": {"dateTime": "2026-10-05T09:00:00+02:00", "timeZone": "Europe/Zurich"},
    "end": {"dateTime": "2026-10-05T09:15:00+02:00", "timeZone": "Europe/Berlin"},
    "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO"],
    "iCalUID": "stand0@google.com",
    "sequence": 3,
    "transparency": "transparent",
    "visibility": "private",
    "eventType": "focusTime",
    "someday": {"new": 1},
}


def test_a_timed_event():
    event = parse_event(STANDUP)
    assert event.start_at == datetime(2026, 10, 5, 7, tzinfo=UTC)
    assert event.end_at == datetime(2026, 10, 5, 7, 15, tzinfo=UTC)
    assert event.start_at.tzinfo is UTC
    assert (event.start_zone, event.end_zone) == ("Europe/Zurich", "Europe/Berlin")
    assert (event.start_date, event.end_date) == (None, None)
    assert event.updated == datetime(2026, 10, 2, 7, 0, 0, 123_000, tzinfo=UTC)
    assert (event.organizer_email, event.organizer_self) == ("ada@example.com", True)
    assert event.own_response == "accepted"
    assert event.recurrence == ("RRULE:FREQ=WEEKLY;BYDAY=MO",)
    assert (event.etag, event.sequence, event.event_type) == ('"21"', 3, "focusTime")
    assert (event.summary, event.location) == ("Stand-up", "Room 1")
    assert event.problem == ""


def test_dates_stay_dates():
    event = parse_event({"id": "t", "start": {"date": "2026-12-24"}, "end": {"date": "2026-12-27"}})
    assert (event.start_date, event.end_date) == (date(2026, 12, 24), date(2026, 12, 27))
    assert (event.start_at, event.end_at) == (None, None)
    assert not isinstance(event.start_date, datetime)


def test_a_cancelled_exception():
    event = parse_event(
        {
            "id": "stand0_20261012T070000Z",
            "status": "cancelled",
            "recurringEventId": "stand0",
            "originalStartTime": {
                "dateTime": "2026-10-12T09:00:00+02:00",
                "timeZone": "Europe/Zurich",
            },
        }
    )
    assert (event.status, event.recurring_event_id) == ("cancelled", "stand0")
    assert event.original_start_at == datetime(2026, 10, 12, 7, tzinfo=UTC)
    assert (event.start, event.problem) == (Moment(), "")


def test_a_cancelled_exception_of_an_all_day_series():
    event = parse_event({"id": "x", "originalStartTime": {"date": "2026-10-12"}})
    assert (event.original_start_date, event.original_start_at) == (date(2026, 10, 12), None)


def test_a_stub():
    event = parse_event({"id": "gone"})
    assert event.id == "gone"
    assert event.problem == ""
    assert {event.summary, event.status, event.event_type, event.ical_uid} == {""}
    assert (event.recurrence, event.sequence, event.created) == ((), 0, None)


@pytest.mark.parametrize(
    "moment",
    [
        {"dateTime": "2026-10-05T09:00:00+02:00", "timeZone": "Mars/Olympus"},
        {"dateTime": "2026-10-05T09:00:00", "timeZone": "Europe/Zurich"},
        {"dateTime": "2026-10-05T07:00:00Z"},
        {"dateTime": "2026-10-05T07:00:00.000000Z", "date": None},
    ],
)
def test_offsets_win_and_zones_help(moment):
    event = parse_event({"id": "x", "start": moment})
    assert event.start_at == datetime(2026, 10, 5, 7, tzinfo=UTC)
    assert event.start_zone == moment.get("timeZone", "")
    assert event.problem == ""


@pytest.mark.parametrize(
    "broken",
    [
        {"start": {"dateTime": "2026-10-05T09:00:00"}},
        {"start": {"dateTime": "2026-10-05T09:00:00", "timeZone": "Mars/Olympus"}},
        {"start": {"dateTime": "2026-10-05"}},
        {"start": {"dateTime": "2026-10-05T23:59:60Z"}},
        {"start": {"dateTime": "0001-01-01T00:00:00+14:00"}},
        {"start": {"dateTime": "9999-12-31T23:59:59-14:00"}},
        {"start": {"dateTime": 7}},
        {"start": {"dateTime": "x", "timeZone": "\x00"}},
        {"start": {"date": "2026-02-30"}},
        {"start": {"date": "2026-W01-1"}},
        {"start": {"date": "0001-01-01"}},
        {"start": {"date": ["2026-01-01"]}},
        {"start": "2026-01-01"},
        {"end": {"date": "tomorrow"}},
        {"originalStartTime": {"date": ""}},
        {"created": "x"},
        {"updated": 7},
        {"sequence": "3"},
        {"sequence": True},
        {"sequence": 2**63},
        {"summary": ["x"]},
        {"recurrence": "RRULE:FREQ=DAILY"},
        {"recurrence": ["RRULE:FREQ=DAILY", 7]},
    ],
)
def test_a_broken_field_is_named_and_the_rest_is_read(broken):
    (name,) = broken
    event = parse_event({**STANDUP, **broken})
    assert event.problem.startswith(f"{name}: ")
    assert event.ical_uid == "stand0@google.com"


def test_a_day_and_an_instant_do_not_make_an_event():
    event = parse_event({**STANDUP, "end": {"date": "2026-10-05"}})
    assert event.problem.startswith("start and end")


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "x",
        {},
        {"id": None},
        {"id": ""},
        {"id": 7},
        {"id": "x" * (LONGEST_ID + 1)},
        {"id": "x\x00"},
        {"id": "x\ud800"},
    ],
)
@pytest.mark.parametrize("parse", [parse_event, parse_calendar_entry])
def test_no_usable_id(parse, raw):
    with pytest.raises(PayloadError):
        parse(raw)


def test_a_calendar_entry():
    entry = parse_calendar_entry(
        {
            "id": "ada@example.com",
            "etag": '"17"',
            "summary": "ada@example.com",
            "summaryOverride": "Mine",
            "description": "d",
            "timeZone": "Europe/Zurich",
            "colorId": "14",
            "backgroundColor": "#9fe1e7",
            "foregroundColor": "#000000",
            "selected": True,
            "accessRole": "writerWithoutPrivateAccess",
            "primary": True,
        }
    )
    assert (entry.summary, entry.summary_override) == ("Mine", "Mine")
    assert (entry.primary, entry.selected, entry.hidden, entry.deleted) == (
        True,
        True,
        False,
        False,
    )
    assert entry.access_role == "writerWithoutPrivateAccess"
    assert parse_calendar_entry({"id": "x", "summary": "s"}).summary == "s"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\x00b", "a\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("\udc00", "\ufffd"),
        ("\N{PARTY POPPER}\ufeff\ufffe", "\N{PARTY POPPER}\ufeff\ufffe"),
        ("\ufeffx", "\ufeffx"),
        (None, ""),
        (7, ""),
    ],
)
def test_clean_text(text, clean):
    assert clean_text(text) == clean


@given(st.text(st.characters()))
def test_clean_text_fits_every_database(text):
    clean = clean_text(text)
    clean.encode()
    assert "\x00" not in clean
    assert len(clean) == len(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["date", "dateTime", "timeZone", "self", "email", "responseStatus"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
EVENTS = st.fixed_dictionaries(
    {"id": st.just("x")}, optional=dict.fromkeys(set(STANDUP) - {"id"}, JSON)
)


@given(EVENTS)
def test_any_event_with_an_id_can_be_stored(raw):
    event = parse_event(json.loads(compact_json(raw)))
    assert isinstance(event, EventFields)
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, str):
            value.encode()
            assert "\x00" not in value
    for moment in (event.start, event.end, event.original_start):
        assert moment.at is None or moment.at.utcoffset() == timedelta(0)
    assert len(event.problem) <= 300


@given(JSON)
def test_any_json_is_parsed_or_refused(raw):
    for parse in (parse_event, parse_calendar_entry):
        try:
            assert parse(raw).id
        except PayloadError:
            assert not isinstance(raw, dict) or not raw.get("id")


@given(JSON)
def test_compact_json_is_ascii_and_loses_nothing(raw):
    text = compact_json(raw)
    assert text.isascii()
    assert "\x00" not in text
    # Through text, since not-a-number differs from itself.
    assert compact_json(json.loads(text)) == text


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_fingerprints_know_no_order(raw):
    turned = dict(reversed(raw.items()))
    assert fingerprint(raw) == fingerprint(turned)
    assert len(fingerprint(raw)) <= 64


def test_fingerprints_tell_content_apart():
    variants = [STANDUP, {**STANDUP, "etag": '"22"'}, {**STANDUP, "summary": ""}, {}]
    assert len({fingerprint(raw) for raw in variants}) == 4
