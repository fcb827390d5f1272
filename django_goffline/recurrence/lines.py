"""The lines of an event's ``recurrence``: RRULE, EXRULE, RDATE, EXDATE (RFC 5545 §3.8.5, §3.3.10)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from dateutil.rrule import (
    DAILY,
    HOURLY,
    MINUTELY,
    MONTHLY,
    SECONDLY,
    WEEKLY,
    YEARLY,
    weekday,
)

#: dateutil's constants, as it types them.
Frequency = Literal[0, 1, 2, 3, 4, 5, 6]
FREQUENCIES: dict[str, Frequency] = {
    "YEARLY": YEARLY,
    "MONTHLY": MONTHLY,
    "WEEKLY": WEEKLY,
    "DAILY": DAILY,
    "HOURLY": HOURLY,
    "MINUTELY": MINUTELY,
    "SECONDLY": SECONDLY,
}
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
#: Lists of numbers: name of the part, lowest and highest absolute value.
_NUMBERS = {
    "BYSECOND": (0, 60),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (1, 366),
}
_LARGEST_NUMBER = 10_000_000
_LINE = re.compile(r"(RRULE|EXRULE|RDATE|EXDATE)((?:;[^:]*)?):(.*)", re.IGNORECASE | re.DOTALL)
_DAY = re.compile(r"([+-]?[0-9]{1,3})?(MO|TU|WE|TH|FR|SA|SU)")


class RecurrenceError(ValueError):
    """A line that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An RRULE or EXRULE. ``until`` is a date, a naive local time or an aware one, as it was written."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    week_start: int = 0
    weekdays: tuple[weekday, ...] = ()
    numbers: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDate:
    """A value of RDATE or EXDATE, with the zone that its line names."""

    value: date | datetime
    zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """All lines of an event, read."""

    rules: tuple[Rule, ...]
    excluded_rules: tuple[Rule, ...]
    dates: tuple[ListedDate, ...]
    excluded_dates: tuple[ListedDate, ...]


def read_lines(lines: Sequence[str]) -> Lines:
    """Read ``recurrence``. Raises ``RecurrenceError`` for the first line that makes no sense."""
    rules: dict[str, list[Rule]] = {"RRULE": [], "EXRULE": []}
    dates: dict[str, list[ListedDate]] = {"RDATE": [], "EXDATE": []}
    for line in lines:
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise RecurrenceError(f"not a recurrence line: {line[:40]!r}")
        name = match[1].upper()
        if name in rules:
            rules[name].append(read_rule(match[3]))
        else:
            dates[name] += _listed_dates(match[2], match[3])
    return Lines(
        rules=tuple(rules["RRULE"]),
        excluded_rules=tuple(rules["EXRULE"]),
        dates=tuple(dates["RDATE"]),
        excluded_dates=tuple(dates["EXDATE"]),
    )


def read_rule(text: str) -> Rule:
    """Read a rule's value, ``FREQ=WEEKLY;BYDAY=MO``. Raises ``RecurrenceError``."""
    parts: dict[str, str] = {}
    for piece in text.strip().upper().rstrip(";").split(";"):
        name, _, value = piece.partition("=")
        if not value or name in parts:
            raise RecurrenceError(f"bad or repeated rule part: {piece[:40]!r}")
        parts[name] = value
    frequency = FREQUENCIES.get(parts.pop("FREQ", ""))
    if frequency is None:
        raise RecurrenceError("FREQ is missing or unknown")
    if "COUNT" in parts and "UNTIL" in parts:
        raise RecurrenceError("COUNT and UNTIL exclude each other")
    interval = _number(parts.pop("INTERVAL", "1"), "INTERVAL")
    count = _number(parts.pop("COUNT"), "COUNT") if "COUNT" in parts else None
    until = read_date(parts.pop("UNTIL")) if "UNTIL" in parts else None
    week_start = parts.pop("WKST", "MO")
    if week_start not in _WEEKDAYS:
        raise RecurrenceError("WKST is not a weekday")
    weekdays = _weekdays(parts.pop("BYDAY")) if "BYDAY" in parts else ()
    numbers = {name: _numbers(parts.pop(name), name) for name in _NUMBERS if name in parts}
    # Extensions (X-…) carry no meaning for us; an unknown standard part would change the set.
    unknown = [name for name in parts if not name.startswith("X-")]
    if unknown:
        raise RecurrenceError(f"unknown rule part: {unknown[0][:40]!r}")
    return Rule(
        frequency=frequency,
        interval=interval,
        count=count,
        until=until,
        week_start=_WEEKDAYS.index(week_start),
        weekdays=weekdays,
        numbers=numbers,
    )


def read_date(text: str) -> date | datetime:
    """An iCalendar DATE or DATE-TIME: a date, a naive local time, or (with Z) aware UTC. Raises ``RecurrenceError``."""
    try:
        if len(text) == 8:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        local = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise RecurrenceError(f"not an iCalendar date: {text[:40]!r}") from None
    return local.replace(tzinfo=UTC) if text.endswith("Z") else local


def _listed_dates(parameters: str, values: str) -> list[ListedDate]:
    zone = ""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.upper() == "TZID":
            zone = value.strip('"')
    # Of a period (start/end) Google knows the start; the length is the series' own.
    return [
        ListedDate(value=read_date(text.partition("/")[0].strip().upper()), zone=zone)
        for text in values.split(",")
        if text.strip()
    ]


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) <= _LARGEST_NUMBER:
        raise RecurrenceError(f"{name} is not a positive number")
    return int(text[:9])


def _numbers(text: str, name: str) -> tuple[int, ...]:
    low, high = _NUMBERS[name]
    signed = low == 1 and name != "BYMONTH"
    found = []
    for part in text.split(","):
        try:
            number = int(part[:9])
        except ValueError:
            raise RecurrenceError(f"{name} is not a list of numbers") from None
        if not low <= (abs(number) if signed else number) <= high:
            raise RecurrenceError(f"{name}: {number} is out of range")
        found.append(number)
    return tuple(sorted(set(found)))


def _weekdays(text: str) -> tuple[weekday, ...]:
    found = []
    for part in text.split(","):
        match = _DAY.fullmatch(part)
        if match is None or (match[1] is not None and int(match[1]) == 0):
            raise RecurrenceError(f"not a BYDAY value: {part[:40]!r}")
        number = int(match[1]) if match[1] else None
        found.append(weekday(_WEEKDAYS.index(match[2]), number))
    return tuple(found)
