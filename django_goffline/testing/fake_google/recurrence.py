"""The recurrence set of one event: rules, listed dates and exclusions, in the event's own zone.

Job: RFC 5545 §3.8.5 (set = DTSTART ∪ RRULE ∪ RDATE − EXRULE − EXDATE) between two local times.
Rule for daylight saving (§3.3.5): wall clock times repeat; a time inside a gap takes the offset
before the gap, a time inside an overlap means the first. Own code, no dateutil: it is the judge.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .recurrence_periods import completed, periods
from .recurrence_rules import (
    ListedDate,
    RecurrenceError,
    RecurrenceLines,
    Rule,
    parse_recurrence,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A recurring event, reduced to what decides its starts.

    `start` is naive local time in `zone` (midnight for all-day series, whose `zone` is None).
    `start_counts`: DTSTART is an instance even where no rule generates it.
    """

    lines: RecurrenceLines
    start: datetime
    zone: tzinfo | None
    start_counts: bool = True


def read_series(
    lines: list[str], start: date | datetime, zone: tzinfo | None, *, start_counts: bool = True
) -> Series:
    """Build a `Series` from `recurrence[]` and its first start. Raises `RecurrenceError`."""
    parsed = parse_recurrence(lines)
    for listed in (*parsed.dates, *parsed.excluded_dates):
        if listed.zone is not None:
            try:
                ZoneInfo(listed.zone)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise RecurrenceError(f"unknown TZID: {listed.zone!r}") from error
    return Series(
        lines=parsed,
        start=start if isinstance(start, datetime) else datetime.combine(start, time.min),
        zone=zone,
        start_counts=start_counts,
    )


def instant(local: datetime, zone: tzinfo) -> datetime:
    """Resolve a wall clock time to aware UTC. zoneinfo's fold=0 is the rule of RFC 5545 §3.3.5."""
    return local.replace(tzinfo=zone).astimezone(UTC)


def local_starts(series: Series, *, after: datetime, before: datetime) -> Iterator[datetime]:
    """Yield the naive local starts with `after` <= start < `before`, in order, each once."""
    streams: list[Iterator[datetime]] = [
        _rule_starts(rule, series, after, before) for rule in series.lines.rules
    ]
    listed = sorted(as_local(value, series) for value in series.lines.dates)
    streams.append(iter(listed))
    if series.start_counts or not series.lines.rules:
        streams.append(iter([series.start]))
    excluded = {as_local(value, series) for value in series.lines.excluded_dates}
    for rule in series.lines.excluded_rules:
        excluded.update(_rule_starts(rule, series, after, before))
    previous: datetime | None = None
    for start in heapq.merge(*streams):
        if start >= before:
            return
        if start != previous and start >= after and start not in excluded:
            yield start
        previous = start


def count_before(series: Series, rule: Rule, moment: datetime) -> int:
    """How many of a rule's own starts lie before a local time (to share out a COUNT)."""
    return sum(1 for _ in _rule_starts(rule, series, series.start, moment))


def is_endless(series: Series) -> bool:
    """Whether a rule of the series has neither COUNT nor UNTIL."""
    return any(rule.count is None and rule.until is None for rule in series.lines.rules)


def _rule_starts(
    rule: Rule, series: Series, after: datetime, before: datetime
) -> Iterator[datetime]:
    counted = rule.count is not None
    remaining = rule.count or 0
    generated_first = False
    for period in periods(
        completed(rule, series.start), series.start, after=series.start if counted else after
    ):
        if period.begin >= before:
            return
        for start in period.starts:
            if start < series.start:
                continue
            if start >= before or _is_past(rule.until, start, series.zone):
                return
            if counted and not generated_first and start != series.start:
                # "DTSTART always counts as the first occurrence" (RFC 5545 §3.3.10).
                remaining -= series.start_counts
            generated_first = True
            if counted and remaining <= 0:
                return
            remaining -= counted
            if start >= after:
                yield start


def _is_past(until: date | datetime | None, start: datetime, zone: tzinfo | None) -> bool:
    """Whether a local start lies after an inclusive UNTIL.

    The RFC wants UNTIL of DTSTART's own type. Met in the wild, and read kindly: a date with a timed
    series covers that whole local day; a date-time with an all-day series means its date.
    """
    if until is None:
        return False
    if not isinstance(until, datetime):
        return start.date() > until
    if zone is None:
        return start.date() > until.date()
    if until.tzinfo is None:
        return start > until
    return instant(start, zone) > until


def as_local(listed: ListedDate, series: Series) -> datetime:
    """A value of RDATE or EXDATE as naive local time of the series (a date: its midnight)."""
    value = listed.value
    if not isinstance(value, datetime):
        return datetime.combine(value, time.min)
    if series.zone is None:
        return datetime.combine(value.date(), time.min)
    if value.tzinfo is None:
        if listed.zone is None or listed.zone == str(series.zone):
            return value
        value = instant(value, ZoneInfo(listed.zone))
    return value.astimezone(series.zone).replace(tzinfo=None)
