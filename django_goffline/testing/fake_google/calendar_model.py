"""What a calendar consists of: properties, roles, list entries, events, and the order of changes.

Job: plain state, no rules. Rule: every change of anything takes the next number of one counter; a
sync token is a number, an etag is a number, "changed since" is a bisection. Payloads are never
copied here; who answers copies.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from .event_times import EventTime, zone_named
from .wire import Json

# Sorts and identifies one row of a listing; JSON-able, so that a page token can carry it.
Key = list[Any]


@dataclass(slots=True, kw_only=True)
class EventRecord:
    """One event, series master, or exception in one calendar. `change` numbers its last change.

    `body` is the resource without `kind`, `etag`, `id`. Exceptions know their master and original
    start. `orphaned`: the series no longer generates this exception, it is deleted for good.
    `vanished`: instances that the master generated once and does no more, with the change that
    removed each (only clients with singleEvents=true learn of them).
    """

    id: str
    position: int
    change: int
    body: Json
    start: EventTime | None = None
    end: EventTime | None = None
    master_id: str | None = None
    original: EventTime | None = None
    orphaned: bool = False
    vanished: dict[str, VanishedInstance] = field(default_factory=dict)

    @property
    def cancelled(self) -> bool:
        """Deleted, or (an exception) cancelled."""
        return bool(self.body.get("status") == "cancelled")

    @property
    def recurring(self) -> bool:
        """A series master."""
        return bool(self.body.get("recurrence")) and self.master_id is None

    @property
    def etag(self) -> str:
        """The quoted etag; another one after every change."""
        return etag_of(self.change)


@dataclass(frozen=True, slots=True, kw_only=True)
class VanishedInstance:
    """An instance that is generated no more."""

    original: EventTime
    change: int


def etag_of(*changes: int) -> str:
    """The quoted etag of something whose latest change is the greatest of these numbers."""
    return f'"{3_400_000_000_000 + 2 * max(changes)}"'


class ChangeLog:
    """Which event changed when: append-only, searched by bisection, compacted when mostly stale."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._ids: list[str] = []

    def append(self, number: int, event_id: str) -> None:
        """Note a change; numbers must rise."""
        self._numbers.append(number)
        self._ids.append(event_id)

    def since(self, number: int, events: dict[str, EventRecord]) -> Iterator[EventRecord]:
        """The events changed after that number, each once, in the order of their last change."""
        if len(self._ids) > 2 * len(events) + 1000:
            self._compact(events)
        for index in range(bisect_right(self._numbers, number), len(self._ids)):
            record = events.get(self._ids[index])
            if record is not None and record.change == self._numbers[index]:
                yield record

    def _compact(self, events: dict[str, EventRecord]) -> None:
        latest = sorted((record.change, record.id) for record in events.values())
        self._numbers = [number for number, _ in latest]
        self._ids = [event_id for _, event_id in latest]


@dataclass(slots=True, kw_only=True)
class Calendar:
    """One calendar, the one truth that all its readers share.

    `roles` maps e-mail addresses to access roles; `public` gives everybody `reader`. `generated`
    calendars (holidays, birthdays, week numbers) belong to nobody. Sync tokens minted before
    `token_floor` (or, of one user, before their floor) are dead.
    """

    id: str
    summary: str
    time_zone: str
    change: int
    owner: str | None = None
    description: str | None = None
    location: str | None = None
    public: bool = False
    generated: bool = False
    deleted: bool = False
    refuses_tokens: bool = False
    roles: dict[str, str] = field(default_factory=dict)
    role_changes: dict[str, int] = field(default_factory=dict)
    token_floor: int = 0
    user_floors: dict[str, int] = field(default_factory=dict)
    events: dict[str, EventRecord] = field(default_factory=dict)
    exceptions: dict[str, dict[str, str]] = field(default_factory=dict)
    log: ChangeLog = field(default_factory=ChangeLog)
    positions: int = 0
    version: int = 0
    updated: datetime
    listings: dict[str, list[tuple[Key, Any]]] = field(default_factory=dict)

    @property
    def zone(self) -> tzinfo:
        """The calendar's zone; UTC where tzdata does not know its name."""
        zone = zone_named(self.time_zone) or zone_named("UTC")
        assert zone is not None
        return zone

    def exceptions_of(self, master_id: str) -> list[EventRecord]:
        """The changed and cancelled instances of a series, by original start."""
        stamps = self.exceptions.get(master_id, {})
        return [self.events[stamps[stamp]] for stamp in sorted(stamps)]

    def master_of(self, record: EventRecord) -> EventRecord | None:
        """The series of an exception, alive or deleted."""
        return self.events.get(record.master_id) if record.master_id is not None else None

    def gone(self, record: EventRecord) -> bool:
        """Deleted for a reader: itself, or as an exception through its master.

        A cancelled exception of a live series is not gone: it stands for an exclusion.
        """
        if record.master_id is None:
            return record.cancelled
        master = self.master_of(record)
        return record.orphaned or master is None or master.cancelled


@dataclass(slots=True, kw_only=True)
class ListEntry:
    """One calendar in one person's list, with what is theirs alone."""

    calendar_id: str
    position: int
    change: int
    color_id: str = "14"
    hidden: bool = False
    selected: bool = True
    deleted: bool = False
    primary: bool = False
    summary_override: str | None = None
    default_reminders: list[Json] = field(default_factory=list)
    notifications: list[Json] = field(default_factory=list)
