"""One rule → its local starts, from shortly before a window on, within a budget of time.

dateutil expands; we skip and guard. Rules without COUNT begin whole periods before the window rather than at their
first start. A rule that never comes true (30 February) keeps dateutil in its loop until the year 9999, for seconds or
minutes, and nothing from outside can stop it: so it counts with an interval that looks at the time whenever it is
added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from dateutil.rrule import (
    DAILY,
    HOURLY,
    MINUTELY,
    MONTHLY,
    SECONDLY,
    WEEKLY,
    YEARLY,
    rrule,
    weekday,
)

from .lines import RecurrenceError, Rule

_UNITS = {
    WEEKLY: timedelta(weeks=1),
    DAILY: timedelta(days=1),
    HOURLY: timedelta(hours=1),
    MINUTELY: timedelta(minutes=1),
    SECONDLY: timedelta(seconds=1),
}


class OutOfTime(Exception):
    """The budget of time is spent."""


class Watch:
    """A budget of time. ``ticks`` is a monotonic clock in seconds."""

    def __init__(self, seconds: float, ticks: Callable[[], float]) -> None:
        self._ticks = ticks
        self._end = ticks() + seconds

    def check(self) -> None:
        """Raise ``OutOfTime`` when the budget is spent."""
        if self._ticks() >= self._end:
            raise OutOfTime


class _WatchedInterval(int):
    """An interval that checks the watch each time dateutil steps on with it, in whatever frequency."""

    watch: Watch

    def __radd__(self, other: int) -> int:
        self.watch.check()
        return other + int(self)

    def __mul__(self, other: int) -> int:
        self.watch.check()
        return int(self) * other

    def __rfloordiv__(self, other: int) -> int:
        self.watch.check()
        return other // int(self)


def local_starts(
    rule: Rule,
    first: datetime,
    *,
    after: datetime,
    before: datetime,
    zone: tzinfo | None,
    watch: Watch,
) -> Iterator[datetime]:
    """Yield the rule's naive local starts with ``after`` ≤ start ≤ ``before``, in order.

    ``first`` is the series' first start; ``zone`` is None for all-day series. Raises ``OutOfTime`` and, for
    combinations that dateutil refuses, ``RecurrenceError``.
    """
    left = rule.count
    synchronised = False
    for start in _rrule(rule, first, after, watch):
        watch.check()
        if start > before or is_past(rule.until, start, zone):
            return
        if left is not None:
            if not synchronised and start != first:
                # "The DTSTART property value always counts as the first occurrence" (RFC 5545 §3.3.10).
                left -= 1
            synchronised = True
            left -= 1
            if left < 0:
                return
        if start >= after:
            yield start


def is_past(until: date | datetime | None, start: datetime, zone: tzinfo | None) -> bool:
    """Whether a local start lies after the (inclusive) UNTIL.

    The RFC wants UNTIL of the start's own kind. Others are met and read kindly: a date covers that whole local day,
    and of a time with an all-day series the date counts.
    """
    if until is None:
        return False
    if not isinstance(until, datetime):
        return start.date() > until
    if zone is None:
        return start.date() > until.date()
    if until.tzinfo is None:
        return start > until
    return start.replace(tzinfo=zone) > until


def _rrule(rule: Rule, first: datetime, after: datetime, watch: Watch) -> rrule:
    numbers = dict(rule.numbers)
    weekdays = rule.weekdays
    frequency = rule.frequency
    # What a rule leaves open comes from the first start (RFC 5545 §3.3.10): said here, since dateutil
    # is given another.
    if not weekdays and not {"BYMONTHDAY", "BYYEARDAY"} & numbers.keys():
        if frequency == WEEKLY or "BYWEEKNO" in numbers:
            weekdays = (weekday(first.weekday()),)
        elif frequency == MONTHLY:
            numbers["BYMONTHDAY"] = (first.day,)
        elif frequency == YEARLY:
            numbers.setdefault("BYMONTH", (first.month,))
            numbers["BYMONTHDAY"] = (first.day,)
    interval = _WatchedInterval(rule.interval)
    interval.watch = watch
    # RFC 5545 allows second 60, for leap seconds, which no clock of ours has.
    seconds = tuple(second for second in numbers.get("BYSECOND", ()) if second < 60)
    if "BYSECOND" in numbers and not seconds:
        raise RecurrenceError("BYSECOND names leap seconds only")
    named: dict[str, Any] = {
        "bysetpos": numbers.get("BYSETPOS"),
        "bymonth": numbers.get("BYMONTH"),
        "bymonthday": numbers.get("BYMONTHDAY"),
        "byyearday": numbers.get("BYYEARDAY"),
        "byweekno": numbers.get("BYWEEKNO"),
        "byhour": numbers.get("BYHOUR"),
        "byminute": numbers.get("BYMINUTE"),
        "bysecond": seconds or None,
    }
    start = first if rule.count is not None else _near(rule, first, after)
    try:
        return rrule(
            frequency,
            dtstart=start,
            interval=interval,
            wkst=rule.week_start,
            byweekday=weekdays or None,
            **named,
        )
    except ValueError as error:
        raise RecurrenceError(str(error)[:80]) from None


def _near(rule: Rule, first: datetime, after: datetime) -> datetime:
    """The begin of the last period of the rule that does not begin after ``after``; ``first`` if that is later."""
    if after <= first:
        return first
    step = rule.interval
    if rule.frequency == YEARLY:
        year = first.year + (after.year - first.year) // step * step
        near = first.replace(year=year, month=1, day=1)
    elif rule.frequency == MONTHLY:
        month = first.year * 12 + first.month - 1
        month += (after.year * 12 + after.month - 1 - month) // step * step
        near = first.replace(year=month // 12, month=month % 12 + 1, day=1)
    else:
        base = first
        if rule.frequency == WEEKLY:
            into_week = (first.weekday() - rule.week_start) % 7
            if first.toordinal() > into_week:
                base = first - timedelta(days=into_week)
        stride = _UNITS[rule.frequency] * step
        near = base + (after - base) // stride * stride
    return max(first, near)
