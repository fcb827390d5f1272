"""The fake's own expansion against tables written by hand from RFC 5545 §3.8.5.3 and §3.3.5."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from django_goffline.testing.fake_google.recurrence import (
    instant,
    is_endless,
    local_starts,
    read_series,
)
from django_goffline.testing.fake_google.recurrence_rules import RecurrenceError, parse_rule

NEW_YORK = ZoneInfo("America/New_York")
ZURICH = ZoneInfo("Europe/Zurich")
NINE = datetime(1997, 9, 2, 9, 0)
FAR = datetime(2100, 1, 1)


def starts(
    lines: list[str] | str,
    start: datetime | date = NINE,
    zone: ZoneInfo | None = NEW_YORK,
    *,
    first: int = 10_000,
    after: datetime = datetime.min,
    before: datetime = FAR,
    start_counts: bool = True,
) -> list[datetime]:
    lines = [lines] if isinstance(lines, str) else lines
    series = read_series(lines, start, zone, start_counts=start_counts)
    found = local_starts(series, after=after, before=before)
    return [moment for moment, _ in zip(found, range(first), strict=False)]


def days(text: str) -> list[datetime]:
    """`1997-09: 2 3 4; 1997-10: 1` → nine o'clock on these days."""
    found = []
    for group in text.split(";"):
        month, _, numbers = group.partition(":")
        found += [
            datetime.fromisoformat(f"{month.strip()}-{int(number):02} 09:00")
            for number in numbers.split()
        ]
    return found


# The examples of RFC 5545 §3.8.5.3 in their order: rule, DTSTART, expected (its first ones where
# the RFC goes on with "...").
EXAMPLES = [
    ("FREQ=DAILY;COUNT=10", NINE, "1997-09: 2 3 4 5 6 7 8 9 10 11"),
    ("FREQ=DAILY;INTERVAL=2", NINE, "1997-09: 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30; 1997-10: 2 4"),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", NINE, "1997-09: 2 12 22; 1997-10: 2 12"),
    ("FREQ=WEEKLY;COUNT=10", NINE, "1997-09: 2 9 16 23 30; 1997-10: 7 14 21 28; 1997-11: 4"),
    ("FREQ=WEEKLY;UNTIL=19971224T000000Z", NINE,
     "1997-09: 2 9 16 23 30; 1997-10: 7 14 21 28; 1997-11: 4 11 18 25; 1997-12: 2 9 16 23"),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", NINE,
     "1997-09: 2 16 30; 1997-10: 14 28; 1997-11: 11 25; 1997-12: 9 23; 1998-01: 6 20; 1998-02: 3 17"),
    ("FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", NINE,
     "1997-09: 2 4 9 11 16 18 23 25 30; 1997-10: 2"),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", NINE,
     "1997-09: 2 4 9 11 16 18 23 25 30; 1997-10: 2"),
    ("FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR", datetime(1997, 9, 1, 9),
     "1997-09: 1 3 5 15 17 19 29; 1997-10: 1 3 13 15 17 27 29 31; 1997-11: 10 12 14 24 26 28;"
     "1997-12: 8 10 12 22"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", NINE,
     "1997-09: 2 4 16 18 30; 1997-10: 2 14 16"),
    ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", datetime(1997, 9, 5, 9),
     "1997-09: 5; 1997-10: 3; 1997-11: 7; 1997-12: 5; 1998-01: 2; 1998-02: 6; 1998-03: 6;"
     "1998-04: 3; 1998-05: 1; 1998-06: 5"),
    ("FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", datetime(1997, 9, 5, 9),
     "1997-09: 5; 1997-10: 3; 1997-11: 7; 1997-12: 5"),
    ("FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", datetime(1997, 9, 7, 9),
     "1997-09: 7 28; 1997-11: 2 30; 1998-01: 4 25; 1998-03: 1 29; 1998-05: 3 31"),
    ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", datetime(1997, 9, 22, 9),
     "1997-09: 22; 1997-10: 20; 1997-11: 17; 1997-12: 22; 1998-01: 19; 1998-02: 16"),
    ("FREQ=MONTHLY;BYMONTHDAY=-3", datetime(1997, 9, 28, 9),
     "1997-09: 28; 1997-10: 29; 1997-11: 28; 1997-12: 29; 1998-01: 29; 1998-02: 26"),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", NINE,
     "1997-09: 2 15; 1997-10: 2 15; 1997-11: 2 15; 1997-12: 2 15; 1998-01: 2 15"),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", datetime(1997, 9, 30, 9),
     "1997-09: 30; 1997-10: 1 31; 1997-11: 1 30; 1997-12: 1 31; 1998-01: 1 31; 1998-02: 1"),
    ("FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", datetime(1997, 9, 10, 9),
     "1997-09: 10 11 12 13 14 15; 1999-03: 10 11 12 13"),
    ("FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", NINE,
     "1997-09: 2 9 16 23 30; 1997-11: 4 11 18 25; 1998-01: 6 13 20 27; 1998-03: 3 10 17 24 31"),
    ("FREQ=YEARLY;COUNT=10;BYMONTH=6,7", datetime(1997, 6, 10, 9),
     "1997-06: 10; 1997-07: 10; 1998-06: 10; 1998-07: 10; 1999-06: 10; 1999-07: 10; 2000-06: 10;"
     "2000-07: 10; 2001-06: 10; 2001-07: 10"),
    ("FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3", datetime(1997, 3, 10, 9),
     "1997-03: 10; 1999-01: 10; 1999-02: 10; 1999-03: 10; 2001-01: 10; 2001-02: 10; 2001-03: 10;"
     "2003-01: 10; 2003-02: 10; 2003-03: 10"),
    ("FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", datetime(1997, 1, 1, 9),
     "1997-01: 1; 1997-04: 10; 1997-07: 19; 2000-01: 1; 2000-04: 9; 2000-07: 18; 2003-01: 1;"
     "2003-04: 10; 2003-07: 19; 2006-01: 1"),
    ("FREQ=YEARLY;BYDAY=20MO", datetime(1997, 5, 19, 9), "1997-05: 19; 1998-05: 18; 1999-05: 17"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", datetime(1997, 5, 12, 9),
     "1997-05: 12; 1998-05: 11; 1999-05: 17"),
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", datetime(1997, 3, 13, 9),
     "1997-03: 13 20 27; 1998-03: 5 12 19 26; 1999-03: 4 11 18 25"),
    ("FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", datetime(1997, 6, 5, 9),
     "1997-06: 5 12 19 26; 1997-07: 3 10 17 24 31; 1997-08: 7 14 21 28;"
     "1998-06: 4 11 18 25; 1998-07: 2 9 16 23 30; 1998-08: 6 13 20 27"),
    ("FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", datetime(1997, 9, 13, 9),
     "1997-09: 13; 1997-10: 11; 1997-11: 8; 1997-12: 13; 1998-01: 10; 1998-02: 7; 1998-03: 7"),
    ("FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", datetime(1996, 11, 5, 9),
     "1996-11: 5; 2000-11: 7; 2004-11: 2"),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", datetime(1997, 9, 4, 9),
     "1997-09: 4; 1997-10: 7; 1997-11: 6"),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", datetime(1997, 9, 29, 9),
     "1997-09: 29; 1997-10: 30; 1997-11: 27; 1997-12: 30; 1998-01: 29; 1998-02: 26; 1998-03: 30"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", datetime(1997, 8, 5, 9),
     "1997-08: 5 10 19 24"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", datetime(1997, 8, 5, 9),
     "1997-08: 5 17 19 31"),
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", datetime(2007, 1, 15, 9),
     "2007-01: 15 30; 2007-02: 15; 2007-03: 15 30"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "start", "expected"), EXAMPLES, ids=lambda value: str(value)[:60])
def test_rfc_example(rule: str, start: datetime, expected: str) -> None:
    table = days(expected)
    ends = "COUNT" in rule or "UNTIL" in rule
    found = starts(f"RRULE:{rule}", start, first=1000 if ends else len(table))
    assert found == table


@pytest.mark.parametrize(("rule", "start", "expected"), EXAMPLES, ids=lambda value: str(value)[:60])
def test_a_window_is_a_slice_of_the_whole(rule: str, start: datetime, expected: str) -> None:
    table = days(expected)
    after, before = table[len(table) // 3], table[-1]
    assert starts(f"RRULE:{rule}", start, after=after, before=before) == [
        moment for moment in table if after <= moment < before
    ]


def test_every_day_in_january_for_three_years_two_ways() -> None:
    start = datetime(1998, 1, 1, 9)
    yearly = "RRULE:FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA"
    daily = "RRULE:FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1"
    expected = [datetime(year, 1, day, 9) for year in (1998, 1999, 2000) for day in range(1, 32)]
    assert starts(yearly, start) == expected
    assert starts(daily, start) == expected


def test_daily_until_christmas() -> None:
    found = starts("RRULE:FREQ=DAILY;UNTIL=19971224T000000Z")
    assert (found[0], found[-1], len(found)) == (NINE, datetime(1997, 12, 23, 9), 113)


def test_friday_the_thirteenth_with_its_start_excluded() -> None:
    lines = [
        "EXDATE;TZID=America/New_York:19970902T090000",
        "RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    ]
    assert starts(lines, first=5) == days(
        "1998-02: 13; 1998-03: 13; 1998-11: 13; 1999-08: 13; 2000-10: 13"
    )


def test_a_start_off_the_rule_counts_or_not() -> None:
    rule = "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=3"
    assert starts(rule) == days("1997-09: 2 3 10")
    assert starts(rule, start_counts=False) == days("1997-09: 3 10 17")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", ["02 09:00", "02 12:00", "02 15:00"]),
        ("FREQ=MINUTELY;INTERVAL=15;COUNT=6",
         ["02 09:00", "02 09:15", "02 09:30", "02 09:45", "02 10:00", "02 10:15"]),
        ("FREQ=MINUTELY;INTERVAL=90;COUNT=4", ["02 09:00", "02 10:30", "02 12:00", "02 13:30"]),
        ("FREQ=SECONDLY;INTERVAL=1800;COUNT=3", ["02 09:00", "02 09:30", "02 10:00"]),
        ("FREQ=SECONDLY;BYHOUR=10;BYMINUTE=5;BYSECOND=0;COUNT=3",
         ["02 09:00", "02 10:05", "03 10:05"]),
        ("FREQ=HOURLY;BYDAY=TH;BYHOUR=7;BYMINUTE=0,30;BYSETPOS=-1;COUNT=2",
         ["02 09:00", "04 07:30"]),
    ],
)  # fmt: skip
def test_frequencies_below_a_day(rule: str, expected: list[str]) -> None:
    assert [moment.strftime("%d %H:%M") for moment in starts(f"RRULE:{rule}")] == expected


def test_working_hours_every_twenty_minutes_two_ways() -> None:
    hours = "BYHOUR=9,10,11,12,13,14,15,16"
    daily = starts(f"RRULE:FREQ=DAILY;{hours};BYMINUTE=0,20,40", first=50)
    minutely = starts(f"RRULE:FREQ=MINUTELY;INTERVAL=20;{hours}", first=50)
    assert daily == minutely
    assert daily[23:25] == [datetime(1997, 9, 2, 16, 40), datetime(1997, 9, 3, 9, 0)]


def test_week_one_may_begin_in_december() -> None:
    found = starts("RRULE:FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", datetime(2024, 1, 1, 9), first=4)
    assert found == days("2024-01: 1; 2024-12: 30; 2025-12: 29; 2027-01: 4")


def test_last_week_and_last_day_of_the_year() -> None:
    week = starts("RRULE:FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU", datetime(2026, 1, 3, 9), first=3)
    assert week[1:] == days("2027-01: 3; 2028-01: 2")
    day = starts("RRULE:FREQ=YEARLY;BYYEARDAY=-1", datetime(2023, 12, 31, 9), first=2)
    assert day == days("2023-12: 31; 2024-12: 31")


def test_twenty_ninth_of_february_and_thirty_first_are_skipped_not_moved() -> None:
    leap = starts("RRULE:FREQ=YEARLY", datetime(2024, 2, 29, 9), first=3)
    assert leap == days("2024-02: 29; 2028-02: 29; 2032-02: 29")
    monthly = starts("RRULE:FREQ=MONTHLY", datetime(2026, 1, 31, 9), first=4)
    assert monthly == days("2026-01: 31; 2026-03: 31; 2026-05: 31; 2026-07: 31")


def test_an_impossible_day_ends_at_the_window() -> None:
    rule = "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"
    assert starts(rule, start_counts=False) == []


def test_union_of_rules_and_dates_minus_excluded_rules_and_dates() -> None:
    lines = [
        "RRULE:FREQ=WEEKLY;COUNT=3",
        "RRULE:FREQ=DAILY;COUNT=2",
        "RDATE;TZID=Europe/Zurich:19970905T150000,19970906T150000",
        "RDATE;VALUE=PERIOD:19970907T130000Z/PT1H",
        "EXDATE:19970903T130000Z",
        "EXRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=2",
    ]
    # 15:00 in Zurich and 13:00Z are 9:00 in New York; the excluded rule takes the 2nd and the 16th.
    assert starts(lines) == days("1997-09: 5 6 7 9")


def test_until_utc_local_and_date() -> None:
    for until in ("19970904T130000Z", "19970904T090000", "19970904"):
        assert starts(f"RRULE:FREQ=DAILY;UNTIL={until}") == days("1997-09: 2 3 4")
    assert starts("RRULE:FREQ=DAILY;UNTIL=19970904T125959Z") == days("1997-09: 2 3")


def test_all_day_series_knows_no_zone() -> None:
    lines = ["RRULE:FREQ=DAILY;UNTIL=20260331", "EXDATE;VALUE=DATE:20260329"]
    found = starts(lines, date(2026, 3, 28), None)
    assert [moment.date().day for moment in found] == [28, 30, 31]


def test_gap_takes_the_offset_before_it() -> None:
    found = starts("RRULE:FREQ=DAILY;COUNT=3", datetime(2026, 3, 28, 2, 30), ZURICH)
    assert [instant(moment, ZURICH) for moment in found] == [
        datetime(2026, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),  # 02:30 at +01:00 = 03:30 at +02:00
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]


def test_overlap_means_the_first() -> None:
    found = starts("RRULE:FREQ=DAILY;COUNT=3", datetime(2026, 10, 24, 2, 30), ZURICH)
    assert [instant(moment, ZURICH) for moment in found] == [
        datetime(2026, 10, 24, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]


def test_wall_clock_stays_when_the_offset_changes() -> None:
    found = starts("RRULE:FREQ=WEEKLY;COUNT=2", datetime(2026, 10, 31, 9), NEW_YORK)
    assert instant(found[1], NEW_YORK) - instant(found[0], NEW_YORK) == timedelta(days=7, hours=1)


def test_a_far_window_is_reached_without_walking() -> None:
    after = datetime(2090, 5, 1)
    found = starts("RRULE:FREQ=SECONDLY", after=after, first=2)
    assert found == [after, after + timedelta(seconds=1)]


@pytest.mark.parametrize(
    "rule",
    [
        "", "BYDAY=MO", "FREQ=FORTNIGHTLY", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=x",
        "FREQ=DAILY;COUNT=2;UNTIL=20260101", "FREQ=DAILY;BYDAY=0MO", "FREQ=DAILY;BYDAY=1MO",
        "FREQ=WEEKLY;BYMONTHDAY=1", "FREQ=MONTHLY;BYWEEKNO=1", "FREQ=DAILY;BYYEARDAY=1",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "FREQ=DAILY;BYSETPOS=1", "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=DAILY;WKST=XX", "FREQ=DAILY;NEW=1",
    ],
)  # fmt: skip
def test_what_the_rfc_forbids_is_refused(rule: str) -> None:
    with pytest.raises(RecurrenceError):
        parse_rule(rule)


@pytest.mark.parametrize("line", ["", "DTSTART:20260101", "RRULE", "EXDATE:2026-01-01"])
def test_a_line_that_is_no_recurrence_is_refused(line: str) -> None:
    with pytest.raises(RecurrenceError):
        read_series([line], NINE, NEW_YORK)


def test_endless() -> None:
    assert is_endless(read_series(["RRULE:FREQ=DAILY"], NINE, NEW_YORK))
    assert not is_endless(read_series(["RRULE:FREQ=DAILY;COUNT=2"], NINE, NEW_YORK))
