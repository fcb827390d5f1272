"""One call of the Calendar API, as its endpoints see it: who calls, with which scopes, on what.

Rule: `primary` means the caller's own calendar; a calendar without a role does not exist for the
caller.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from .access import Viewer, at_least, no_access, role_of, viewer_of
from .calendar_model import Calendar
from .calendars import CalendarState
from .clock import Clock
from .switches import Switches
from .wire import ApiError, Json, Request


class CalendarWorld(Protocol):
    """What the endpoints need of the fake."""

    calendar: CalendarState
    clock: Clock
    switches: Switches


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An authenticated request; `method` is the discovery document's, as in `Events.List`."""

    world: CalendarWorld
    request: Request
    email: str
    scopes: Collection[str]
    method: str

    @property
    def state(self) -> CalendarState:
        """The calendar state."""
        return self.world.calendar

    def calendar(self, calendar_id: str) -> Calendar:
        """The calendar meant, if the caller has any role on it. Raises 404 or 403 (§5.3)."""
        real_id = self.email if calendar_id == "primary" else calendar_id
        calendar = self.state.calendars.get(real_id)
        if calendar is None:
            raise ApiError(404, "notFound", "Not Found")
        if calendar.deleted or not at_least(role_of(calendar, self.email), "freeBusyReader"):
            raise no_access(self.world.switches)
        return calendar

    def viewer(self, calendar: Calendar) -> Viewer:
        """The caller as a reader of that calendar. Raises 403 when the scopes do not reach it."""
        return viewer_of(calendar, self.email, self.method, self.scopes)

    def default_reminders(self, calendar: Calendar) -> list[Json]:
        """The caller's default reminders there."""
        entry = self.state.lists.of(self.email).get(calendar.id)
        return entry.default_reminders if entry is not None else []
