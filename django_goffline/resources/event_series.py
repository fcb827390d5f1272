"""Series as a whole: what a change of some events means for their masters, exceptions and occurrences.

An exception lives and dies with its master: a deleted master hides it, an undeleted one shows it again. Occurrences
are made anew for every event that a change touches: an exception's master loses or regains the instance it replaces.
All of it is set-wise: a constant number of statements for a page, however many events.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

from django.db.models import Q, QuerySet

from .. import bulk
from ..conf import settings
from ..models import Calendar, Event, Occurrence
from ..protocol.payloads import Moment
from ..recurrence import Expansion, Instance, Item, Limits, Window, expand, series_zone, zone_named
from .base import Changes, Row

LIMITS = Limits()
#: Seconds of expansion in one transaction; series beyond it wait for the window's next roll.
TRANSACTION_SECONDS = 20.0
#: Values in one list of a statement.
MOST_PARAMETERS = 10_000
#: Opens the part of an event's ``problem`` that is about its recurrence.
PROBLEM = "recurrence: "

_COLUMNS = (
    "pk",
    "google_id",
    "status",
    "start_at",
    "start_date",
    "start_zone",
    "end_at",
    "end_date",
    "recurrence",
    "recurring_event_id",
    "original_start_at",
    "original_start_date",
    "removed_at",
    "removed_with_master",
    "problem",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """An event's row as far as series are concerned."""

    pk: int
    google_id: str
    item: Item
    zone: str
    master_id: str
    removed: bool
    removed_with_master: bool
    problem: str


def follow(
    changes: Changes, *, calendar: Calendar, rows: Sequence[Row], now: datetime, using: str
) -> None:
    """After events were written or removed: let exceptions follow their masters, and remake occurrences."""
    if not len(changes):
        return
    written = set(changes.written)
    listed = {row.google_id: row for row in rows if not row.removed}
    masters = {
        str(row.columns["recurring_event_id"])
        for google_id, row in listed.items()
        if google_id in written and row.columns["recurring_event_id"]
    }
    gone = {row.google_id for row in rows if row.removed} | (
        set() if changes.swept else set(changes.removed)
    )
    # A sweep tells us of each event by itself; its exceptions were seen or not seen on their own.
    touched = written | set(changes.removed) | masters | gone
    stored = _load(calendar, touched, using=using)
    if not changes.swept:
        stored = _follow_masters(changes, stored, gone, listed, now=now, using=using)
    _rewrite(stored, calendar=calendar, now=now, using=using, fresh=set(changes.created))


def remake(google_ids: Collection[str], *, calendar: Calendar, now: datetime, using: str) -> None:
    """Make the occurrences of these events, and of all that belongs to their series, anew."""
    stored = _load(calendar, set(google_ids), using=using)
    _rewrite(stored, calendar=calendar, now=now, using=using, fresh=())


def _load(calendar: Calendar, google_ids: set[str], *, using: str) -> dict[str, _Stored]:
    """These events and their whole series: one query, or two when an exception leads to its master."""
    stored = _select(calendar, google_ids, using=using)
    masters = {row.master_id for row in stored.values() if row.master_id} - google_ids
    return stored | (_select(calendar, masters, using=using) if masters else {})


def _select(calendar: Calendar, google_ids: set[str], *, using: str) -> dict[str, _Stored]:
    events: QuerySet[Event] = Event.objects.using(using).filter(
        Q(google_id__in=google_ids) | Q(recurring_event_id__in=google_ids), calendar=calendar
    )
    return {row.google_id: row for row in map(_stored, events.values(*_COLUMNS).iterator())}


def _stored(values: dict[str, Any]) -> _Stored:
    return _Stored(
        pk=values["pk"],
        google_id=values["google_id"],
        item=Item(
            key=values["pk"],
            start=Moment(at=values["start_at"], day=values["start_date"]),
            end=Moment(at=values["end_at"], day=values["end_date"]),
            original=Moment(at=values["original_start_at"], day=values["original_start_date"]),
            cancelled=values["status"] == "cancelled",
            recurrence=tuple(values["recurrence"]),
        ),
        zone=values["start_zone"],
        master_id=values["recurring_event_id"],
        removed=values["removed_at"] is not None,
        removed_with_master=values["removed_with_master"],
        problem=values["problem"],
    )


def _follow_masters(
    changes: Changes,
    stored: dict[str, _Stored],
    gone: set[str],
    listed: dict[str, Row],
    *,
    now: datetime,
    using: str,
) -> dict[str, _Stored]:
    returned = _returned(changes, stored, listed)
    arrived = returned.union(changes.created)
    taken: list[_Stored] = []
    back: list[_Stored] = []
    for row in stored.values():
        if not row.master_id:
            continue
        master = stored.get(row.master_id)
        alone = row.master_id in gone or (master is not None and master.removed)
        told = listed.get(row.google_id)
        spoken_for = told is not None and told.columns["status"] != "cancelled"
        if (
            not row.removed
            and alone
            and not spoken_for
            and (row.master_id in gone or row.item.cancelled)
        ):
            taken.append(row)
        elif row.removed_with_master and row.master_id in arrived:
            back.append(row)
        elif (
            changes.incremental
            and master is None
            and row.item.cancelled
            and row.google_id in listed
            and row.master_id not in gone
        ):
            # Of an unknown series: only a full list says whether the series is there.
            changes.doubtful = True
    # What became of the exceptions of a deleted series is not told when it returns.
    changes.doubtful = changes.doubtful or bool((returned or back) and changes.incremental)
    events = Event.objects.using(using)
    if taken:
        events.filter(pk__in=[row.pk for row in taken]).update(
            removed_at=now, removed_with_master=True, changed_at=now
        )
    if back:
        events.filter(pk__in=[row.pk for row in back]).update(
            removed_at=None, removed_with_master=False, changed_at=now
        )
    moved = {row.google_id: replace(row, removed=True) for row in taken}
    moved |= {row.google_id: replace(row, removed=False) for row in back}
    return stored | moved


def _returned(changes: Changes, stored: dict[str, _Stored], listed: dict[str, Row]) -> set[str]:
    """Masters that were somewhere before: removed here; or unknown, though older than our last look."""
    returned = set(changes.revived)
    if changes.since is not None:
        for google_id in changes.created:
            made_at = listed[google_id].columns["google_created_at"]
            if made_at is not None and made_at < changes.since:
                returned.add(google_id)
    return {key for key in returned if key in stored and stored[key].item.recurrence}


def _rewrite(
    stored: dict[str, _Stored],
    *,
    calendar: Calendar,
    now: datetime,
    using: str,
    fresh: Collection[str],
) -> None:
    """Delete and insert the occurrences of these events; note which series could not be expanded."""
    instances: list[Instance] = []
    problems: dict[int, str] = {}
    began = time.monotonic()
    window = window_of(calendar, now)
    for series in _series(stored.values()):
        left = began + TRANSACTION_SECONDS - time.monotonic()
        expansion = _expand(series, calendar, window, seconds=left, using=using)
        instances += expansion.instances
        if series.master is not None and not series.master.removed:
            problems[series.master.pk] = expansion.problem
    old = [row.pk for row in stored.values() if row.google_id not in fresh]
    occurrences = Occurrence.objects.using(using)
    for first in range(0, len(old), MOST_PARAMETERS):
        occurrences.filter(event__in=old[first : first + MOST_PARAMETERS]).delete()
    bulk.insert(
        Occurrence,
        [
            {
                "event_id": instance.key,
                "calendar_id": calendar.pk,
                "start_at": instance.start_at,
                "end_at": instance.end_at,
                "start_date": instance.start_date,
                "end_date": instance.end_date,
            }
            for instance in instances
        ],
        using=using,
    )
    _note_problems(stored.values(), problems, using=using)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """A master with its exceptions, a single event, or exceptions whose master we do not have."""

    master: _Stored | None
    exceptions: tuple[_Stored, ...]


def _series(rows: Iterable[_Stored]) -> list[_Series]:
    exceptions: dict[str, list[_Stored]] = {}
    masters: dict[str, _Stored] = {}
    for row in rows:
        if row.master_id:
            if not row.removed:
                exceptions.setdefault(row.master_id, []).append(row)
        elif not row.removed:
            masters[row.google_id] = row
    return [
        _Series(master=masters.get(google_id), exceptions=tuple(exceptions.get(google_id, ())))
        for google_id in {**masters, **exceptions}
    ]


def _expand(
    series: _Series, calendar: Calendar, window: Window, *, seconds: float, using: str
) -> Expansion:
    master = series.master
    sent = None
    named = master.zone if master is not None and master.item.recurrence else ""
    if master is not None and named and zone_named(named) is None:
        sent = _start_as_sent(master.pk, using=using)
    return expand(
        None if master is None else master.item,
        [row.item for row in series.exceptions],
        window=window,
        zone=series_zone(
            master.zone if master else "", calendar_zone=calendar.time_zone, sent=sent
        ),
        limits=replace(LIMITS, seconds=max(0.0, min(LIMITS.seconds, seconds))),
        ticks=time.monotonic,
    )


def _start_as_sent(pk: int, *, using: str) -> object:
    start = Event.objects.using(using).only("payload").get(pk=pk).data.get("start")
    return start.get("dateTime") if isinstance(start, dict) else None


def _note_problems(rows: Iterable[_Stored], problems: dict[int, str], *, using: str) -> None:
    updates = []
    for row in rows:
        if row.pk not in problems:
            continue
        own = row.problem.partition(PROBLEM)[0].removesuffix("; ")
        found = f"{PROBLEM}{problems[row.pk]}" if problems[row.pk] else ""
        told = "; ".join(part for part in (own, found) if part)[:300]
        if told != row.problem:
            updates.append(bulk.RowUpdate(pk=row.pk, values={"problem": told}))
    if updates:
        bulk.update_rows(Event, updates, using=using)


def window_of(calendar: Calendar, now: datetime) -> Window:
    """The window of a calendar's occurrences: from ``OCCURRENCE_WINDOW`` days back to ``occurrences_until``."""
    back, ahead = settings.OCCURRENCE_WINDOW
    until: date = calendar.occurrences_until or (now + timedelta(days=ahead)).date()
    return Window(
        start=now - timedelta(days=back),
        end=datetime.combine(until, clock_time.min, tzinfo=UTC),
    )
