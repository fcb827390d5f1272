"""Read RFC 5545 recurrence lines: RRULE, EXRULE, RDATE, EXDATE into frozen values.

Job: the grammar of §3.3.10 (recurrence rule), §3.8.5.1 (EXDATE) and §3.8.5.2 (RDATE) as far as
Google's `recurrence[]` carries it (no DTSTART, no DTEND). Rule: whatever the RFC forbids is refused
here with `RecurrenceError`, so that the expansion may trust its input. No expansion, no zones data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

FREQUENCIES = ("SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_BYDAY = re.compile(r"^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$")
_LINE = re.compile(r"^(RRULE|EXRULE|RDATE|EXDATE)((?:;[A-Za-z-]+=[^;:]+)*):(.+)$", re.IGNORECASE)


class RecurrenceError(ValueError):
    """A recurrence line that RFC 5545 does not allow; Google answers 400 to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekdayNumber:
    """One BYDAY part: weekday 0 (Monday) to 6, and its ordinal (0: every one; negative: from the end)."""

    weekday: int
    ordinal: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One RRULE or EXRULE. Empty tuples mean: the part is absent. `until` is inclusive."""

    freq: str
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    by_second: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_hour: tuple[int, ...] = ()
    by_day: tuple[WeekdayNumber, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week_number: tuple[int, ...] = ()
    by_month: tuple[int, ...] = ()
    by_set_position: tuple[int, ...] = ()
    week_start: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDate:
    """One value of an RDATE or EXDATE line: a date, an aware UTC instant, or local time in `zone`."""

    value: date | datetime
    zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurrenceLines:
    """All lines of one event's `recurrence[]`, read."""

    rules: tuple[Rule, ...]
    excluded_rules: tuple[Rule, ...]
    dates: tuple[ListedDate, ...]
    excluded_dates: tuple[ListedDate, ...]


def parse_stamp(text: str) -> date | datetime:
    """Read an RFC 5545 DATE or DATE-TIME: a date, a naive local time, or (with Z) aware UTC."""
    try:
        if len(text) == 8:
            return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
        moment = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
    except ValueError as error:
        raise RecurrenceError(f"not an iCalendar date: {text!r}") from error
    return moment.replace(tzinfo=UTC) if text.endswith("Z") else moment


def _integers(low: int, high: int, *, signed: bool = False) -> Callable[[str], tuple[int, ...]]:
    def read(text: str) -> tuple[int, ...]:
        try:
            numbers = tuple(int(part) for part in text.split(","))
        except ValueError as error:
            raise RecurrenceError(f"not a list of integers: {text!r}") from error
        for number in numbers:
            if not low <= (abs(number) if signed else number) <= high:
                raise RecurrenceError(f"{number} is outside {low}..{high}")
        return numbers

    return read


def _weekday_numbers(text: str) -> tuple[WeekdayNumber, ...]:
    found = []
    for part in text.split(","):
        match = _BYDAY.match(part)
        if match is None or match[1] in ("0", "+0", "-0"):
            raise RecurrenceError(f"not a BYDAY value: {part!r}")
        found.append(
            WeekdayNumber(weekday=WEEKDAYS.index(match[2]), ordinal=int(match[1] or 0)),
        )
    return tuple(found)


_READERS: dict[str, tuple[str, Callable[[str], tuple[int, ...]]]] = {
    "BYSECOND": ("by_second", _integers(0, 60)),
    "BYMINUTE": ("by_minute", _integers(0, 59)),
    "BYHOUR": ("by_hour", _integers(0, 23)),
    "BYMONTHDAY": ("by_month_day", _integers(1, 31, signed=True)),
    "BYYEARDAY": ("by_year_day", _integers(1, 366, signed=True)),
    "BYWEEKNO": ("by_week_number", _integers(1, 53, signed=True)),
    "BYMONTH": ("by_month", _integers(1, 12)),
    "BYSETPOS": ("by_set_position", _integers(1, 366, signed=True)),
}


def parse_rule(text: str) -> Rule:
    """Read the value of an RRULE (`FREQ=WEEKLY;BYDAY=MO`). Raises `RecurrenceError`."""
    parts: dict[str, str] = {}
    for piece in text.upper().rstrip(";").split(";"):
        name, separator, value = piece.partition("=")
        if not separator or not value or name in parts:
            raise RecurrenceError(f"bad or repeated rule part: {piece!r}")
        parts[name] = value
    freq = parts.pop("FREQ", "")
    if freq not in FREQUENCIES:
        raise RecurrenceError(f"FREQ is missing or unknown: {freq!r}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise RecurrenceError("COUNT and UNTIL exclude each other")
    numbers = {
        field: read(parts.pop(name)) for name, (field, read) in _READERS.items() if name in parts
    }
    by_day = _weekday_numbers(parts.pop("BYDAY")) if "BYDAY" in parts else ()
    until = parse_stamp(parts.pop("UNTIL")) if "UNTIL" in parts else None
    interval = _integers(1, 10_000_000)(parts.pop("INTERVAL", "1"))[0]
    count = _integers(1, 10_000_000)(parts.pop("COUNT"))[0] if "COUNT" in parts else None
    week_start = parts.pop("WKST", "MO")
    if week_start not in WEEKDAYS:
        raise RecurrenceError(f"WKST is not a weekday: {week_start!r}")
    # X-parts are allowed by RFC 2445 and met in imported calendars; they carry no meaning here.
    unknown = [name for name in parts if not name.startswith("X-")]
    if unknown:
        raise RecurrenceError(f"unknown rule part: {unknown[0]!r}")
    rule = Rule(
        freq=freq,
        interval=interval,
        count=count,
        until=until,
        by_day=by_day,
        week_start=WEEKDAYS.index(week_start),
        **numbers,
    )
    _refuse_forbidden_combinations(rule)
    return rule


def _refuse_forbidden_combinations(rule: Rule) -> None:
    """Apply the MUST NOTs of RFC 5545 §3.3.10."""
    if rule.by_week_number and rule.freq != "YEARLY":
        raise RecurrenceError("BYWEEKNO belongs to FREQ=YEARLY only")
    if rule.by_year_day and rule.freq in ("DAILY", "WEEKLY", "MONTHLY"):
        raise RecurrenceError(f"BYYEARDAY does not go with FREQ={rule.freq}")
    if rule.by_month_day and rule.freq == "WEEKLY":
        raise RecurrenceError("BYMONTHDAY does not go with FREQ=WEEKLY")
    if any(day.ordinal for day in rule.by_day) and (
        rule.freq not in ("MONTHLY", "YEARLY") or rule.by_week_number
    ):
        raise RecurrenceError("a numbered BYDAY goes with MONTHLY, or YEARLY without BYWEEKNO")
    others = (
        rule.by_second, rule.by_minute, rule.by_hour, rule.by_day,
        rule.by_month_day, rule.by_year_day, rule.by_week_number, rule.by_month,
    )  # fmt: skip
    if rule.by_set_position and not any(others):
        raise RecurrenceError("BYSETPOS needs another BY part")


def parse_recurrence(lines: list[str]) -> RecurrenceLines:
    """Read an event's `recurrence[]`. Raises `RecurrenceError` for a line Google would refuse."""
    rules: list[Rule] = []
    excluded_rules: list[Rule] = []
    dates: list[ListedDate] = []
    excluded_dates: list[ListedDate] = []
    for line in lines:
        match = _LINE.match(line.strip())
        if match is None:
            raise RecurrenceError(f"not a recurrence line: {line!r}")
        name = match[1].upper()
        if name in ("RRULE", "EXRULE"):
            (rules if name == "RRULE" else excluded_rules).append(parse_rule(match[3]))
        else:
            target = dates if name == "RDATE" else excluded_dates
            target.extend(_listed_dates(match[2], match[3]))
    return RecurrenceLines(
        rules=tuple(rules),
        excluded_rules=tuple(excluded_rules),
        dates=tuple(dates),
        excluded_dates=tuple(excluded_dates),
    )


def _listed_dates(parameters: str, values: str) -> list[ListedDate]:
    zone = None
    for parameter in filter(None, parameters.split(";")):
        name, _, value = parameter.partition("=")
        if name.upper() == "TZID":
            zone = value.strip('"')
    # A PERIOD value is start/end or start/duration; Google knows instances by their start alone.
    return [
        ListedDate(value=parse_stamp(text.partition("/")[0].strip().upper()), zone=zone)
        for text in values.split(",")
    ]
