"""Masters and exceptions → instances: RFC 5545's own examples, exceptions, zones, and events that mean harm."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from django_goffline.protocol.payloads import Moment
from django_goffline.recurrence import Item, Limits, Window, expand, series_zone

NEW_YORK = ZoneInfo("America/New_York")
ZURICH = ZoneInfo("Europe/Zurich")
ALWAYS = Window(start=datetime(1990, 1, 1, tzinfo=UTC), end=datetime(2040, 1, 1, tzinfo=UTC))
YEAR = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2027, 1, 1, tzinfo=UTC))
HOUR = timedelta(hours=1)
LIMITS = Limits()


def frozen():
    return 0.0


def timed(start, *lines, zone=ZURICH, length=HOUR, key=1, **fields):
    at = start.replace(tzinfo=zone).astimezone(UTC)
    return Item(
        key=key, start=Moment(at=at), end=Moment(at=at + length), recurrence=lines, **fields
    )


def all_day(first, *lines, days=1, key=1, **fields):
    end = Moment(day=first + timedelta(days=days))
    return Item(key=key, start=Moment(day=first), end=end, recurrence=lines, **fields)


def expanded(master, *exceptions, window=YEAR, zone=ZURICH, limits=LIMITS, ticks=frozen):
    return expand(master, exceptions, window=window, zone=zone, limits=limits, ticks=ticks)


def local_starts(master, *exceptions, window=YEAR, zone=ZURICH):
    found = expanded(master, *exceptions, window=window, zone=zone)
    assert found.problem == ""
    return [instance.start_at.astimezone(zone).replace(tzinfo=None) for instance in found.instances]


def days(master, *exceptions, window=YEAR):
    found = expanded(master, *exceptions, window=window)
    assert found.problem == ""
    return [instance.start_date for instance in found.instances]


# RFC 5545 §3.8.5.3: DTSTART is 1997-09-02 09:00 in New York unless a month and day stand here.
RFC = [
    ("FREQ=DAILY;COUNT=10", (9, 2), [f"09-{day:02}" for day in range(2, 12)]),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", (9, 2), ["09-02", "09-12", "09-22", "10-02", "10-12"]),
    ("FREQ=WEEKLY;COUNT=3", (9, 2), ["09-02", "09-09", "09-16"]),
    ("FREQ=WEEKLY;UNTIL=19970917T000000Z;WKST=SU;BYDAY=TU,TH", (9, 2), ["09-02", "09-04", "09-09", "09-11", "09-16"]),
    (
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971024T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        (9, 1),
        ["09-01", "09-03", "09-05", "09-15", "09-17", "09-19", "09-29", "10-01", "10-03", "10-13", "10-15", "10-17"],
    ),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", (8, 5), ["08-05", "08-10", "08-19", "08-24"]),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", (8, 5), ["08-05", "08-17", "08-19", "08-31"]),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=1FR", (9, 5), ["09-05", "10-03", "11-07"]),
    ("FREQ=MONTHLY;INTERVAL=2;COUNT=4;BYDAY=1SU,-1SU", (9, 7), ["09-07", "09-28", "11-02", "11-30"]),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=-2MO", (9, 22), ["09-22", "10-20", "11-17"]),
    ("FREQ=MONTHLY;COUNT=3;BYMONTHDAY=-3", (9, 28), ["09-28", "10-29", "11-28"]),
    ("FREQ=MONTHLY;COUNT=4;BYMONTHDAY=1,-1", (9, 30), ["09-30", "10-01", "10-31", "11-01"]),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", (9, 4), ["09-04", "10-07", "11-06"]),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=3", (9, 29), ["09-29", "10-30", "11-27"]),
    ("FREQ=YEARLY;COUNT=2;BYDAY=20MO", (5, 19), ["1997-05-19", "1998-05-18"]),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=2", (5, 12), ["1997-05-12", "1998-05-11"]),
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH;COUNT=3", (3, 13), ["03-13", "03-20", "03-27"]),
    ("FREQ=YEARLY;INTERVAL=3;COUNT=3;BYYEARDAY=1,100,200", (1, 1), ["01-01", "04-10", "07-19"]),
    (
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=2",
        (11, 5),
        ["1996-11-05", "2000-11-07"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "first", "expected"), RFC, ids=[row[0] for row in RFC])
def test_examples_of_the_rfc(rule, first, expected):
    year = 1996 if expected[0].startswith("1996") else 1997
    master = timed(datetime(year, *first, 9), f"RRULE:{rule}", zone=NEW_YORK)
    starts = local_starts(master, window=ALWAYS, zone=NEW_YORK)
    whole = [text if len(text) == 10 else f"{year}-{text}" for text in expected]
    assert [start.isoformat() for start in starts] == [f"{text}T09:00:00" for text in whole]


def test_every_eighteen_months_crosses_years():
    master = timed(
        datetime(1997, 9, 10, 9), "RRULE:FREQ=MONTHLY;INTERVAL=18;COUNT=4;BYMONTHDAY=10,11"
    )
    found = [start.date() for start in local_starts(master, window=ALWAYS)]
    assert found == [date(1997, 9, 10), date(1997, 9, 11), date(1999, 3, 10), date(1999, 3, 11)]


def test_parts_of_a_day():
    master = timed(datetime(2026, 9, 2, 9), "RRULE:FREQ=HOURLY;INTERVAL=3;UNTIL=20260902T150000Z")
    assert [start.hour for start in local_starts(master)] == [9, 12, 15]
    master = timed(datetime(2026, 9, 2, 9), "RRULE:FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40;COUNT=4")
    assert [(s.hour, s.minute) for s in local_starts(master)] == [(9, 0), (9, 20), (9, 40), (10, 0)]
    master = timed(datetime(2026, 9, 2, 9), "RRULE:FREQ=MINUTELY;INTERVAL=90;COUNT=3")
    assert [(s.hour, s.minute) for s in local_starts(master)] == [(9, 0), (10, 30), (12, 0)]


@pytest.mark.parametrize(
    "until", ["20260204T080000Z", "20260204T090000", "20260204"], ids=["utc", "local", "date"]
)
def test_until_is_inclusive_in_each_of_its_forms(until):
    master = timed(datetime(2026, 2, 2, 9), f"RRULE:FREQ=DAILY;UNTIL={until}")
    assert [start.day for start in local_starts(master)] == [2, 3, 4]


def test_count_includes_a_first_start_that_the_rule_does_not_generate():
    master = timed(datetime(2026, 2, 2, 9), "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=3")
    assert [start.day for start in local_starts(master)] == [2, 3, 10]


def test_dates_are_listed_and_excluded():
    master = timed(
        datetime(2026, 2, 2, 9),
        "RRULE:FREQ=DAILY;COUNT=5",
        "RDATE;TZID=America/New_York:20260220T090000,20260221T090000",
        "RDATE;VALUE=PERIOD:20260225T080000Z/PT2H",
        "EXDATE;TZID=Europe/Zurich:20260203T090000",
        "EXDATE:20260204T080000Z",
        "EXRULE:FREQ=WEEKLY;BYDAY=FR",
    )
    # 2026-02-06 is a Friday, and so is 2026-02-20, but at another hour.
    assert [(start.day, start.hour) for start in local_starts(master)] == [
        (2, 9),
        (5, 9),
        (20, 15),
        (21, 15),
        (25, 9),
    ]


def test_all_day_series_have_dates():
    master = all_day(
        date(2026, 2, 2),
        "RRULE:FREQ=DAILY;UNTIL=20260206",
        "EXDATE;VALUE=DATE:20260204",
        "RDATE;VALUE=DATE:20260301",
        days=2,
    )
    found = expanded(master).instances
    assert [instance.start_date.day for instance in found] == [2, 3, 5, 6, 1]
    assert {instance.end_date - instance.start_date for instance in found} == {timedelta(days=2)}
    assert {instance.start_at for instance in found} == {None}


def test_wall_clock_time_repeats_over_a_change_of_clocks():
    master = timed(datetime(2026, 3, 27, 9), "RRULE:FREQ=DAILY;COUNT=4")
    assert [i.start_at.hour for i in expanded(master).instances] == [8, 8, 7, 7]


def test_a_time_in_a_gap_takes_the_offset_before_it():
    master = timed(datetime(2026, 3, 28, 2, 30), "RRULE:FREQ=DAILY;COUNT=3")
    assert [i.start_at.strftime("%d %H:%M") for i in expanded(master).instances] == [
        "28 01:30",
        "29 01:30",
        "30 00:30",
    ]


def test_a_time_in_an_overlap_is_the_first_of_two():
    master = timed(datetime(2026, 10, 24, 2, 30), "RRULE:FREQ=DAILY;COUNT=3")
    assert [i.start_at.strftime("%d %H:%M") for i in expanded(master).instances] == [
        "24 00:30",
        "25 00:30",
        "26 01:30",
    ]


def test_an_instance_is_exactly_as_long_as_the_master():
    master = timed(datetime(2026, 3, 28, 22), "RRULE:FREQ=DAILY;COUNT=2", length=8 * HOUR)
    assert {i.end_at - i.start_at for i in expanded(master).instances} == {8 * HOUR}


def exception(original, start=None, *, key=2, zone=ZURICH, cancelled=False):
    at = original.replace(tzinfo=zone).astimezone(UTC)
    moved = (start or original).replace(tzinfo=zone).astimezone(UTC)
    times = {} if cancelled else {"start": Moment(at=moved), "end": Moment(at=moved + HOUR)}
    empty = {"start": Moment(), "end": Moment()}
    return Item(key=key, original=Moment(at=at), cancelled=cancelled, **(empty | times))


def test_exceptions_replace_the_instance_of_their_original_start():
    master = timed(datetime(2026, 2, 2, 9), "RRULE:FREQ=DAILY;COUNT=4")
    moved = exception(datetime(2026, 2, 3, 9), datetime(2026, 2, 10, 15))
    cancelled = exception(datetime(2026, 2, 4, 9), key=3, cancelled=True)
    found = expanded(master, moved, cancelled).instances
    assert sorted((i.key, i.start_at.day) for i in found) == [(1, 2), (1, 5), (2, 10)]


def test_a_confirmed_exception_is_shown_even_if_nothing_generates_it():
    master = timed(datetime(2026, 2, 2, 9), "RRULE:FREQ=WEEKLY;COUNT=2")
    stray = exception(datetime(2026, 2, 4, 9))
    assert sorted((i.key, i.start_at.day) for i in expanded(master, stray).instances) == [
        (1, 2),
        (1, 9),
        (2, 4),
    ]


def test_exceptions_without_a_master_stand_alone():
    found = expanded(None, exception(datetime(2026, 2, 4, 9)))
    assert [instance.key for instance in found.instances] == [2]


def test_exceptions_of_all_day_series_go_by_date():
    master = all_day(date(2026, 2, 2), "RRULE:FREQ=DAILY;COUNT=3")
    moved = all_day(date(2026, 3, 1), key=2, original=Moment(day=date(2026, 2, 3)))
    assert days(master, moved) == [date(2026, 2, 2), date(2026, 2, 4), date(2026, 3, 1)]


def test_the_window_is_reached_by_what_touches_it():
    window = Window(
        start=datetime(2026, 2, 3, 9, tzinfo=UTC), end=datetime(2026, 2, 5, 9, tzinfo=UTC)
    )
    master = timed(datetime(2026, 2, 1, 8), "RRULE:FREQ=DAILY", zone=UTC, length=2 * HOUR)
    found = expanded(master, window=window, zone=UTC).instances
    assert [instance.start_at.day for instance in found] == [3, 4, 5]


def test_an_endless_series_from_long_ago_costs_next_to_nothing():
    reads = 0

    def ticks():
        nonlocal reads
        reads += 1
        return 0.0

    master = timed(datetime(1900, 1, 1, 9), "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", zone=UTC)
    found = expanded(master, ticks=ticks, zone=UTC)
    assert len(found.instances) in (52, 53)
    assert reads < 400


@pytest.mark.parametrize("step", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "rule", ["YEARLY;BYMONTH=2", "MONTHLY", "WEEKLY;BYDAY=SU,WE", "DAILY", "HOURLY;BYHOUR=3,9"]
)
def test_skipping_to_the_window_changes_nothing(rule, step):
    master = timed(datetime(2001, 2, 7, 9), f"RRULE:FREQ={rule};INTERVAL={step}")
    end = datetime(2011, 7, 1, tzinfo=UTC)
    whole = Window(start=datetime(2000, 1, 1, tzinfo=UTC), end=end)
    late = Window(start=datetime(2009, 6, 1, tzinfo=UTC), end=end)
    limits = Limits(rows=20_000)
    found = expanded(master, window=late, limits=limits).instances
    everything = expanded(master, window=whole, limits=limits).instances
    assert found == tuple(instance for instance in everything if late.touches(instance))
    assert found


def test_without_end_or_with_one_before_the_start_an_event_is_an_instant():
    at = Moment(at=datetime(2026, 2, 2, tzinfo=UTC))
    for end in (
        Moment(),
        Moment(at=datetime(2026, 2, 1, tzinfo=UTC)),
        Moment(day=date(2026, 2, 3)),
    ):
        [instance] = expanded(Item(key=1, start=at, end=end)).instances
        assert instance.start_at == instance.end_at == at.at


def test_without_a_start_there_is_no_instance():
    assert expanded(Item(key=1, start=Moment(), end=Moment())).instances == ()


# ── events that mean harm ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "frequency", ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]
)
@pytest.mark.parametrize(
    "parts", ["BYMONTH=2;BYMONTHDAY=30", "BYMONTH=2;BYMONTHDAY=30;BYHOUR=3;BYMINUTE=7"]
)
def test_a_rule_that_never_comes_true_ends_in_time(frequency, parts):
    master = timed(datetime(2026, 2, 2, 9), f"RRULE:FREQ={frequency};{parts}")
    began = time.process_time()
    found = expanded(master, limits=Limits(seconds=0.02), ticks=time.monotonic)
    # Without the guard these take from one second to minutes.
    assert time.process_time() - began < 0.7
    assert found.instances == ()
    assert found.problem == "not expanded within 0.02 seconds"


def test_too_many_instances_are_cut():
    master = timed(datetime(2020, 2, 2, 9), "RRULE:FREQ=MINUTELY")
    found = expanded(master, limits=Limits(rows=100))
    assert len(found.instances) == 100
    assert found.problem == "more than 100 instances in the window"


def test_every_second_from_the_year_one_on():
    at = datetime(1, 1, 2, tzinfo=UTC)
    master = Item(
        key=1, start=Moment(at=at), end=Moment(at=at), recurrence=("RRULE:FREQ=SECONDLY",)
    )
    found = expanded(master, limits=Limits(seconds=0.05), ticks=time.monotonic)
    assert found.instances == ()
    assert found.problem


def test_ten_thousand_excluded_dates():
    excluded = ",".join(
        f"{datetime(2026, 1, 1, 8) + timedelta(days=n):%Y%m%dT%H%M%SZ}" for n in range(10_000)
    )
    master = timed(datetime(2025, 12, 1, 8), "RRULE:FREQ=DAILY", f"EXDATE:{excluded}", zone=UTC)
    assert local_starts(master, zone=UTC) == []


@pytest.mark.parametrize(
    "line",
    [
        "RRULE:FREQ=SOMETIMES",
        "RRULE:FREQ=DAILY;COUNT=-1",
        "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20260101",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=DAILY;FREQ=DAILY",
        "RRULE:FREQ=DAILY;BYMOON=1",
        "RRULE:FREQ=WEEKLY;BYDAY=XX",
        "RRULE:FREQ=WEEKLY;BYDAY=0MO",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=32",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=",
        "RRULE:FREQ=DAILY;UNTIL=tomorrow",
        "RRULE:FREQ=DAILY;COUNT=٣",
        "RRULE",
        "EXDATE:20261301",
        "DTSTART:20260101",
        "",
    ],
)
def test_lines_that_make_no_sense_are_told(line):
    found = expanded(timed(datetime(2026, 2, 2, 9), line), exception(datetime(2026, 2, 4, 9)))
    assert found.problem
    assert [instance.key for instance in found.instances] == [2]


@pytest.mark.parametrize(
    "start", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)]
)
def test_the_ends_of_the_calendar(start):
    master = Item(
        key=1, start=Moment(at=start), end=Moment(at=start), recurrence=("RRULE:FREQ=YEARLY",)
    )
    for zone in (ZURICH, NEW_YORK, ZoneInfo("Pacific/Kiritimati")):
        found = expanded(master, zone=zone)
        assert found.problem or len(found.instances) <= 1


# ── zones ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "sent", "expected"),
    [
        ("America/New_York", None, timedelta(hours=-5)),
        ("", None, timedelta(hours=1)),
        ("Mars/Olympus", "2026-01-05T09:00:00+05:30", timedelta(hours=5, minutes=30)),
        ("Mars/Olympus", None, timedelta(hours=1)),
        ("../../etc/passwd", "nonsense", timedelta(hours=1)),
        ("America", 3, timedelta(hours=1)),
    ],
)
def test_the_zone_of_a_series(name, sent, expected):
    zone = series_zone(name, calendar_zone="Europe/Zurich", sent=sent)
    assert datetime(2026, 1, 5, 9, tzinfo=zone).utcoffset() == expected


def test_an_unknown_calendar_zone_is_utc():
    assert series_zone("", calendar_zone="Nowhere/At_All") is UTC
