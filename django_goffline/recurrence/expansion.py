"""A master and its exceptions → instances inside a window (RFC 5545 §3.8.5; Calendar API, "Recurring events")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from ..protocol.payloads import Moment
from .lines import Lines, ListedDate, RecurrenceError, read_lines
from .rules import OutOfTime, Watch, local_starts
from .zones import zone_named

_DAY = timedelta(days=1)
#: Zones differ by a day at most; windows in local time are widened by this.
_MARGIN = 2 * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A stored event as far as time is concerned. ``key`` is the caller's own name for it."""

    key: int
    start: Moment
    end: Moment
    original: Moment = field(default_factory=Moment)
    """Of an exception: the start that it replaces."""
    cancelled: bool = False
    recurrence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One instance: of which item, and its instants or dates (end exclusive)."""

    key: int
    start_at: datetime | None = None
    end_at: datetime | None = None
    start_date: date | None = None
    end_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From ``start`` to ``end``, aware UTC. An instance belongs to it when it touches it."""

    start: datetime
    end: datetime

    def touches(self, instance: Instance) -> bool:
        """Whether the instance overlaps the window; days count by their UTC date, a day too many does no harm."""
        if instance.start_date is not None and instance.end_date is not None:
            return instance.start_date <= self.end.date() and instance.end_date >= self.start.date()
        assert instance.start_at is not None and instance.end_at is not None
        return instance.start_at < self.end and instance.end_at >= self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one series may cost: generated instances inside the window, and seconds."""

    rows: int = 5000
    seconds: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """What came out, soonest generated first, and what was wrong (for the operator; empty if nothing)."""

    instances: tuple[Instance, ...]
    problem: str = ""


def expand(
    master: Item | None,
    exceptions: Sequence[Item],
    *,
    window: Window,
    zone: tzinfo,
    limits: Limits,
    ticks: Callable[[], float],
) -> Expansion:
    """The instances of a series inside ``window``. Raises nothing for what an event says.

    ``master`` may be missing (a person invited to single instances has the exceptions only) or a single event.
    ``zone`` is where the series repeats. Beyond ``limits.seconds`` no generated instance is given, beyond
    ``limits.rows`` none further.
    """
    shown = [
        instance
        for item in exceptions
        if not item.cancelled and (instance := _placed(item)) is not None
    ]
    problem = ""
    if master is not None and not master.cancelled:
        if master.recurrence:
            replaced = {_key(item.original) for item in exceptions}
            try:
                generated = _generate(
                    master, replaced, window, zone, limits, Watch(limits.seconds, ticks)
                )
            except RecurrenceError as error:
                generated, problem = [], str(error)
            except OutOfTime:
                generated = []
                problem = f"not expanded within {limits.seconds:g} seconds"
            except (OverflowError, ValueError):
                generated, problem = [], "beyond the calendar's years"
            if len(generated) > limits.rows:
                generated = generated[: limits.rows]
                problem = f"more than {limits.rows} instances in the window"
            shown = [*generated, *shown]
        elif (single := _placed(master)) is not None:
            shown.insert(0, single)
    return Expansion(
        instances=tuple(instance for instance in shown if window.touches(instance)),
        problem=problem,
    )


def _placed(item: Item) -> Instance | None:
    """An item at its own times; None if it has no start."""
    start, end = item.start, item.end
    if start.day is not None:
        last = end.day if end.day is not None and end.day > start.day else None
        if last is None:
            last = start.day if start.day == date.max else start.day + _DAY
        return Instance(key=item.key, start_date=start.day, end_date=last)
    if start.at is not None:
        # No end, or one before the start: an instant without length.
        end_at = start.at if end.at is None or end.at < start.at else end.at
        return Instance(key=item.key, start_at=start.at, end_at=end_at)
    return None


def _generate(
    master: Item,
    replaced: set[object],
    window: Window,
    zone: tzinfo,
    limits: Limits,
    watch: Watch,
) -> list[Instance]:
    whole = _placed(master)
    if whole is None:
        raise RecurrenceError("a series without a start")
    lines = read_lines(master.recurrence)
    if whole.start_date is not None and whole.end_date is not None:
        days = whole.end_date - whole.start_date
        first = datetime.combine(whole.start_date, time.min)
        starts = _set_of(lines, first, None, _bounds(window, days), limits, watch)
        return [
            Instance(key=master.key, start_date=day, end_date=day + days)
            for day in (start.date() for start in starts)
            if day not in replaced
        ]
    assert whole.start_at is not None and whole.end_at is not None
    length = whole.end_at - whole.start_at
    first = whole.start_at.astimezone(zone).replace(tzinfo=None)
    starts = _set_of(lines, first, zone, _bounds(window, length), limits, watch)
    generated = []
    for start in starts:
        at = _instant(start, zone)
        instance = Instance(key=master.key, start_at=at, end_at=at + length)
        if at not in replaced and window.touches(instance):
            generated.append(instance)
    return generated


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    after: datetime
    before: datetime
    surely_inside: datetime
    """From here on a start lies inside the window in whatever zone."""


def _bounds(window: Window, length: timedelta) -> _Bounds:
    start, end = window.start.replace(tzinfo=None), window.end.replace(tzinfo=None)
    margin = min(length + _MARGIN, start - datetime.min)  # noqa: DTZ901 - naive, as all of this
    return _Bounds(
        after=start - margin,
        before=min(end, datetime.max - _MARGIN) + _MARGIN,  # noqa: DTZ901
        surely_inside=start + _DAY,
    )


def _set_of(
    lines: Lines,
    first: datetime,
    zone: tzinfo | None,
    bounds: _Bounds,
    limits: Limits,
    watch: Watch,
) -> list[datetime]:
    """The recurrence set in naive local time: (first ∪ RRULE ∪ RDATE) − (EXRULE ∪ EXDATE), cut above the limit."""
    within = {"after": bounds.after, "before": bounds.before}
    excluded: set[datetime] = set()
    for rule in lines.excluded_rules:
        excluded.update(local_starts(rule, first, zone=zone, watch=watch, **within))
    excluded_days: set[date] = set()
    for listed in lines.excluded_dates:
        watch.check()
        if zone is not None and not isinstance(listed.value, datetime):
            # RFC 5545 wants times here; a date is met, and can only mean that day.
            excluded_days.add(listed.value)
        else:
            excluded.add(_local(listed, zone))

    def wanted(start: datetime) -> bool:
        return start not in excluded and start.date() not in excluded_days

    found = {start for start in _listed(lines, first, zone, watch) if wanted(start)}
    found = {start for start in found if bounds.after <= start <= bounds.before}
    for rule in lines.rules:
        counted = 0
        for start in local_starts(rule, first, zone=zone, watch=watch, **within):
            if wanted(start) and start not in found:
                found.add(start)
                counted += start >= bounds.surely_inside
                if counted > limits.rows:
                    break
    return sorted(found)


def _listed(lines: Lines, first: datetime, zone: tzinfo | None, watch: Watch) -> Iterable[datetime]:
    yield first
    for listed in lines.dates:
        watch.check()
        yield _local(listed, zone)


def _local(listed: ListedDate, zone: tzinfo | None) -> datetime:
    """A listed date as naive local time of the series; of an all-day series (no zone) its midnight."""
    value = listed.value
    if not isinstance(value, datetime):
        return datetime.combine(value, time.min)
    if zone is None:
        return datetime.combine(value.date(), time.min)
    if value.tzinfo is None:
        own = zone_named(listed.zone)
        if own is None or own is zone:
            return value
        value = value.replace(tzinfo=own)
    return value.astimezone(zone).replace(tzinfo=None)


def _instant(local: datetime, zone: tzinfo) -> datetime:
    # fold=0 is the rule of RFC 5545 §3.3.5: the offset before a gap, the first of two.
    return local.replace(tzinfo=zone).astimezone(UTC)


def _key(moment: Moment) -> object:
    return moment.day if moment.day is not None else moment.at
