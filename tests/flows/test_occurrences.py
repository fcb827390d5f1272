"""Occurrences against the fake's own expansion: after edits, at the window's ends, and as time moves it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from django_goffline.flows.occurrences import refresh_occurrences, roll_window
from django_goffline.models import Calendar, Event, Occurrence
from django_goffline.testing.factories import make_calendar, make_event
from tests.pulling import ADA, DEFAULT, START, body, ours_between, series, small, theirs_between

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def agree(ada, start, end):
    found = ours_between(ada.calendar(), start, end)
    assert found == theirs_between(ada.fake, ADA, ADA, start, end)
    return found


@pytest.fixture
def year(ada):
    """Ada's calendar with a bit of everything, pulled."""
    google = ada.fake.calendar
    google.insert_event(ADA, body(id="lunch0"))
    google.insert_event(
        ADA, {"id": "leave0", "start": {"date": "2026-02-02"}, "end": {"date": "2026-02-05"}}
    )
    google.insert_event(ADA, series("RRULE:FREQ=WEEKLY;BYDAY=MO,WE", id="weekly"))
    google.insert_event(ADA, series("RRULE:FREQ=MONTHLY;BYMONTHDAY=31", id="month0"))
    birthday = {"start": {"date": "2020-03-01"}, "end": {"date": "2020-03-02"}}
    google.insert_event(ADA, {"id": "yearly", "recurrence": ["RRULE:FREQ=YEARLY"], **birthday})
    google.cancel_instance(ADA, "weekly", START + 7 * DAY)
    google.change_instance(
        ADA, "weekly", START + 9 * DAY, body("Moved", start=START + 9 * DAY + 3 * HOUR)
    )
    ada.settle()
    return ada


# ── in step with events ──────────────────────────────────────────────────────────────────────


def test_a_year_of_everything(year):
    found = agree(year, START - 20 * DAY, START + 400 * DAY)
    assert len([row for row in found if row[0] == "weekly"]) > 100
    assert ("yearly", "2027-03-01", "2027-03-02") not in found
    assert ("yearly", "2026-03-01", "2026-03-02") in found


def test_edits_change_occurrences(year):
    google = year.fake.calendar
    edits = [
        lambda: google.cancel_instance(ADA, "weekly", START + 14 * DAY),
        lambda: google.change_instance(
            ADA, "weekly", START + 16 * DAY, body(start=START + 15 * DAY)
        ),
        lambda: google.patch_event(ADA, "weekly", {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=9"]}),
        lambda: google.split_series(ADA, "month0", "2026-05-31T13:00:00+02:00", {"summary": "New"}),
        lambda: google.patch_event(ADA, "leave0", body(start=START + 3 * DAY)),
        lambda: google.delete_event(ADA, "weekly"),
        lambda: google.undelete_event(ADA, "weekly"),
        lambda: google.delete_event(ADA, "lunch0"),
    ]
    seen = [agree(year, START - 20 * DAY, START + 400 * DAY)]
    for edit in edits:
        edit()
        year.later()
        seen.append(agree(year, START - 20 * DAY, START + 400 * DAY))
        assert seen[-1] != seen[-2]


def test_a_deleted_master_hides_and_an_undelete_shows(year):
    before = Occurrence.objects.filter(event__recurring_event_id="weekly").count()
    assert before == 1
    year.fake.calendar.delete_event(ADA, "weekly")
    year.later()
    hidden = Event.objects.filter(google_id="weekly") | Event.objects.filter(
        recurring_event_id="weekly"
    )
    assert not Occurrence.objects.filter(event__in=hidden).exists()
    year.fake.calendar.undelete_event(ADA, "weekly")
    year.later()
    assert Occurrence.objects.filter(event__recurring_event_id="weekly").count() == before


def test_a_calendar_without_changes_keeps_its_rows(year):
    before = set(Occurrence.objects.values_list("pk", flat=True))
    year.later()
    assert set(Occurrence.objects.values_list("pk", flat=True)) == before


def test_occurrences_can_be_made_anew(year):
    before = agree(year, START - 20 * DAY, START + 400 * DAY)
    Occurrence.objects.filter(event__google_id="weekly").delete()
    refresh_occurrences(year.calendar(), ["weekly"], now=year.now, using=DEFAULT)
    assert agree(year, START - 20 * DAY, START + 400 * DAY) == before


# ── the window ───────────────────────────────────────────────────────────────────────────────


def test_the_window_has_two_ends(ada):
    ada.fake.calendar.insert_event(
        ADA, series("RRULE:FREQ=DAILY", id="daily0", start=START - 90 * DAY)
    )
    ada.fake.calendar.insert_event(ADA, body(id="past00", start=START - 31 * DAY))
    ada.fake.calendar.insert_event(ADA, body(id="recent", start=START - 29 * DAY))
    ada.fake.calendar.insert_event(ADA, body(id="ahead0", start=START + 470 * DAY))
    with small(OCCURRENCE_WINDOW=(30, 400)):
        ada.settle()
    rows = Occurrence.objects.order_by("start_at")
    until = ada.calendar().occurrences_until
    assert until == (START + 460 * DAY).date()
    assert set(
        rows.exclude(event__google_id="daily0").values_list("event__google_id", flat=True)
    ) == {"recent"}
    assert rows[0].end_at >= START - 30 * DAY
    assert rows.last().start_at.date() == until - DAY


def test_the_window_rolls_on_when_its_end_comes_near(ada):
    ada.fake.calendar.insert_event(ADA, series("RRULE:FREQ=DAILY", id="daily0"))
    ada.fake.calendar.insert_event(ADA, body(id="ahead0", start=START + 470 * DAY))
    ada.fake.calendar.insert_event(ADA, body(id="soon00", start=START + 2 * DAY))
    ada.settle()
    assert roll_window(now=START + 59 * DAY, using=DEFAULT) == 0
    now = START + 61 * DAY
    assert roll_window(now=now, using=DEFAULT) == 1
    assert roll_window(now=now, using=DEFAULT) == 0
    assert ada.calendar().occurrences_until == (now + 460 * DAY).date()
    agree(ada, now - 20 * DAY, now + 459 * DAY)
    ids = set(Occurrence.objects.values_list("event__google_id", flat=True))
    assert ids == {"daily0", "ahead0"}
    assert not Occurrence.objects.filter(end_at__lt=now - 30 * DAY).exists()


def test_exceptions_without_their_master_roll_as_well(ada):
    """A person who is invited to single instances has no master."""
    ada.settle()
    calendar = ada.calendar()
    alone = make_event(
        calendar,
        recurring_event_id="elsewhere",
        start_at=START + 470 * DAY,
        end_at=START + 471 * DAY,
    )
    refresh_occurrences(calendar, [alone.google_id], now=START, using=DEFAULT)
    assert not Occurrence.objects.exists()
    roll_window(now=START + 61 * DAY, using=DEFAULT)
    assert Occurrence.objects.get().event == alone


def test_only_pulled_calendars_roll_and_a_few_at_a_time(ada, monkeypatch):
    for number in range(4):
        ada.fake.calendar.create_calendar(ADA, summary=f"Calendar {number}")
    ada.settle()
    make_calendar(ada.grant)
    off = Calendar.objects.exclude(google_id=ADA).first()
    Calendar.objects.filter(pk=off.pk).update(pulled=False)
    monkeypatch.setattr("django_goffline.flows.occurrences.CALENDARS", 3)
    now = START + 61 * DAY
    assert [roll_window(now=now, using=DEFAULT) for _ in range(3)] == [3, 1, 0]
    assert Calendar.objects.get(pk=off.pk).occurrences_until == off.occurrences_until


# ── between ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def calendar():
    return make_calendar()


@pytest.fixture
def on(calendar):
    """Makes an occurrence at these times; its id."""

    def make(**times):
        event = make_event(calendar)
        return Occurrence.objects.create(event=event, calendar=calendar, **times).pk

    return make


def found(start, end, **options):
    return list(Occurrence.objects.between(start, end, **options).values_list("pk", flat=True))


def test_a_span_is_half_open(on):
    on(start_at=START - HOUR, end_at=START)
    overlapping = on(start_at=START - HOUR, end_at=START + timedelta(seconds=1))
    first = on(start_at=START, end_at=START + HOUR)
    on(start_at=START + 2 * HOUR, end_at=START + 3 * HOUR)
    around = on(start_at=START - DAY, end_at=START + DAY)
    assert found(START, START + 2 * HOUR) == [around, overlapping, first]


def test_what_has_no_length_counts_at_its_instant(on):
    instant = on(start_at=START, end_at=START)
    assert found(START, START + HOUR) == [instant]
    assert found(START - HOUR, START) == []
    assert found(START - HOUR, START + HOUR) == [instant]


def test_days_are_days_of_the_zone(on):
    auckland, honolulu = ZoneInfo("Pacific/Auckland"), ZoneInfo("Pacific/Honolulu")
    day = on(start_date=date(2026, 1, 5), end_date=date(2026, 1, 6))
    # Noon UTC of the 5th is the 6th in Auckland, and still the 5th in Honolulu.
    assert found(START, START + HOUR) == [day]
    assert found(START, START + HOUR, zone=auckland) == []
    assert found(START, START + HOUR, zone=honolulu) == [day]
    assert found(START.astimezone(auckland), START + HOUR) == []


def test_a_span_that_ends_at_midnight_leaves_the_next_day_out(on):
    on(start_date=date(2026, 1, 6), end_date=date(2026, 1, 8))
    midnight = datetime(2026, 1, 6, tzinfo=UTC)
    assert found(START, midnight) == []
    assert len(found(START, midnight + timedelta(seconds=1))) == 1
    assert len(found(midnight + DAY, midnight + 2 * DAY)) == 1
    assert found(midnight + 2 * DAY, midnight + 3 * DAY) == []


def test_calendars_can_be_chosen(on, calendar):
    on(start_at=START, end_at=START + HOUR)
    assert len(found(START, START + HOUR, calendars=[calendar])) == 1
    assert found(START, START + HOUR, calendars=[make_calendar()]) == []


@pytest.mark.parametrize(
    ("start", "end"),
    [(START, START), (START + HOUR, START), (START.replace(tzinfo=None), START)],
)
def test_a_span_that_makes_no_sense_is_refused(start, end):
    with pytest.raises(ValueError, match="aware"):
        Occurrence.objects.between(start, end)
