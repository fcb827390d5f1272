"""A series inside a calendar: its instances between two instants, exceptions included.

Job: join the recurrence set of a master with the exception records of its calendar (reference
§5.5). Rule: an exception stands in for the start it replaces and is placed by its own times; the
length of an instance is exactly that of the master. Nothing is stored: instances are made on demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from .calendar_model import Calendar, EventRecord
from .event_times import EventTime, between, shifted
from .recurrence import Series, instant, is_endless, local_starts, read_series
from .recurrence_rules import RecurrenceError

# A guard against FREQ=SECONDLY: what one call expands of one series at most.
MOST_INSTANCES = 50_000

_DAY = timedelta(days=1)
_EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
_LATEST = datetime(9998, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One instance of a series: generated, or (with `record`) an exception."""

    master: EventRecord
    original: EventTime
    start: EventTime
    end: EventTime
    record: EventRecord | None = None

    @property
    def id(self) -> str:
        """`<master id>_<original start>` (reference §5.5)."""
        return f"{self.master.id}_{self.original.stamp}"


def series_of(
    calendar: Calendar, master: EventRecord, *, start_counts: bool = True
) -> Series | None:
    """The recurrence set of a master; None when its times or rules cannot be read."""
    start = master.start
    if start is None or not master.recurring:
        return None
    zone = series_zone(calendar, start)
    try:
        return read_series(
            master.body["recurrence"],
            start.day or local_of(start, zone),
            None if start.day is not None else zone,
            start_counts=start_counts,
        )
    except (RecurrenceError, TypeError):
        return None


def series_zone(calendar: Calendar, start: EventTime) -> tzinfo:
    """The zone in which a series repeats its wall clock time."""
    return start.own_zone(calendar.zone)


def local_of(value: EventTime, zone: tzinfo) -> datetime:
    """A time as naive local time; a date is its midnight."""
    if value.day is not None:
        return datetime(value.day.year, value.day.month, value.day.day)  # noqa: DTZ001
    assert value.at is not None
    return value.at.astimezone(zone).replace(tzinfo=None)


def instances(
    calendar: Calendar,
    master: EventRecord,
    *,
    after: datetime | None,
    before: datetime | None,
    horizon: datetime,
    start_counts: bool = True,
) -> Iterator[Instance]:
    """Yield the instances that end after `after` and start before `before` (aware; None: no bound).

    An endless series without `before` ends at `horizon`. Generated instances come in order, then
    the exceptions; cancelled exceptions are yielded too, placed at their original start.
    """
    series = series_of(calendar, master, start_counts=start_counts)
    start, end = master.start, master.end
    exceptions = calendar.exceptions_of(master.id)
    taken = {exception.original.stamp for exception in exceptions if exception.original}
    if series is not None and start is not None and end is not None:
        if before is None and is_endless(series):
            before = horizon
        length = between(start, end)
        for original in _generated(series, start, length, after=after, before=before):
            instance = Instance(
                master=master, original=original, start=original, end=shifted(original, length)
            )
            if original.stamp not in taken and overlaps(
                instance.start, instance.end, calendar.zone, after=after, before=before
            ):
                yield instance
    for record in exceptions:
        shown = _exception(master, record)
        if shown is not None and overlaps(
            shown.start, shown.end, calendar.zone, after=after, before=before
        ):
            yield shown


def _generated(
    series: Series,
    start: EventTime,
    length: timedelta,
    *,
    after: datetime | None,
    before: datetime | None,
) -> Iterator[EventTime]:
    # Naive bounds with a day to spare on both sides, since zones differ; overlaps() decides.
    margin = length + 2 * _DAY
    first = _EARLIEST if after is None or after - _EARLIEST < margin else after - margin
    last = _LATEST if before is None or _LATEST - before < margin else before + margin
    first, last = first.replace(tzinfo=None), last.replace(tzinfo=None)
    for count, local in enumerate(local_starts(series, after=first, before=last)):
        if count >= MOST_INSTANCES:
            return
        yield time_at(series, start, local)


def time_at(series: Series, start: EventTime, local: datetime) -> EventTime:
    """A naive local start as a time of the same kind as the series' first start."""
    if series.zone is None:
        return EventTime(day=local.date())
    return EventTime(at=instant(local, series.zone), zone_name=start.zone_name, offset=start.offset)


def _exception(master: EventRecord, record: EventRecord) -> Instance | None:
    if record.orphaned or record.original is None:
        return None
    moved = not record.cancelled and record.start is not None and record.end is not None
    return Instance(
        master=master,
        original=record.original,
        start=record.start if moved and record.start else record.original,
        end=record.end if moved and record.end else record.original,
        record=record,
    )


def overlaps(
    start: EventTime,
    end: EventTime,
    zone: tzinfo,
    *,
    after: datetime | None,
    before: datetime | None,
) -> bool:
    """`timeMin` bounds the end, `timeMax` the start, both exclusive (reference §5.2)."""
    return (after is None or end.moment(zone) > after) and (
        before is None or start.moment(zone) < before
    )


def generated_at(
    calendar: Calendar, master: EventRecord, stamp: str, *, start_counts: bool = True
) -> EventTime | None:
    """The start that the series generates under an instance id's stamp; None if it does not."""
    series = series_of(calendar, master, start_counts=start_counts)
    if series is None or master.start is None or len(stamp) not in (8, 16):
        return None
    form = "%Y%m%d" if len(stamp) == 8 else "%Y%m%dT%H%M%SZ"
    try:
        near = datetime.strptime(stamp, form).replace(tzinfo=UTC)
    except ValueError:
        return None
    for original in _generated(
        series, master.start, timedelta(), after=near, before=near + timedelta(seconds=1)
    ):
        if original.stamp == stamp:
            return original
    return None
