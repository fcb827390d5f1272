"""Calendars, who may see them, and in whose lists they stand: state and edits.

Job: the half of the calendar state that is not events (reference §4.4, §5.1). Rule: one truth per
calendar, one entry per person; an ACL change kills sync tokens (410, §5.3). Every method takes the
fake's lock itself, so tests and the control API may call it from any thread.
"""

from __future__ import annotations

from .access import ROLES, role_of
from .calendar_lists import CalendarLists, ListQuery
from .calendar_model import Calendar, ListEntry
from .event_lists import EventLists, Pager
from .events import EventBook
from .palette import DEFAULT_SETTINGS
from .quota import Quota
from .sealed import Seal
from .wire import ApiError, Json
from .world import World

GENERATED = {
    "holidays": ("en.ch#holiday@group.v.calendar.google.com", "Holidays in Switzerland"),
    "birthdays": ("addressbook#contacts@group.v.calendar.google.com", "Birthdays"),
    "weeknumbers": ("e_2_en#weeknum@group.v.calendar.google.com", "Week Numbers"),
}


class CalendarDirectory:
    """Calendars, roles and list entries, by calendar id and e-mail address."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.quota = Quota(world)
        self.book = EventBook(world)
        self.calendars: dict[str, Calendar] = {}
        pager = Pager(world, Seal(world.token_text(32)))
        self.pager = pager
        self.lists = CalendarLists(world, pager, self.calendars)
        self.event_lists = EventLists(world, pager)
        self.settings: dict[str, dict[str, str]] = {}

    def calendar(self, calendar_id: str) -> Calendar:
        """The calendar of that id. Raises ``ApiError`` 404 ``notFound``."""
        calendar = self.calendars.get(calendar_id)
        if calendar is None or calendar.deleted:
            raise ApiError(404, "notFound", "Not Found")
        return calendar

    # ── calendars ────────────────────────────────────────────────────────────────────────────

    def create_primary(self, email: str, time_zone: str = "Europe/Zurich") -> str:
        """An account's own calendar, whose id is the e-mail address."""
        with self.world.lock:
            self.settings[email] = {"timezone": time_zone, **DEFAULT_SETTINGS}
            self._created(email, email, time_zone, owner=email)
            entry = self._listed(email, email)
            entry.primary = True
            entry.default_reminders = [{"method": "popup", "minutes": 10}]
            entry.notifications = [{"type": "eventCreation", "method": "email"}]
            return email

    def create_calendar(
        self,
        owner_email: str,
        summary: str = "Calendar",
        time_zone: str = "Europe/Zurich",
        id: str | None = None,
    ) -> str:
        """A secondary calendar in its owner's list; returns its id."""
        with self.world.lock:
            calendar_id = id or f"c_{self.world.id_text(32)}@group.calendar.google.com"
            self._created(calendar_id, summary, time_zone, owner=owner_email)
            self._listed(owner_email, calendar_id)
            return calendar_id

    def add_generated_calendar(self, email: str, kind: str = "holidays") -> str:
        """Put a calendar that Google generates into a person's list (role reader); returns its id."""
        with self.world.lock:
            calendar_id, summary = GENERATED[kind]
            if calendar_id not in self.calendars:
                calendar = self._created(calendar_id, summary, "Europe/Zurich", owner=None)
                calendar.generated = calendar.public = True
            self._listed(email, calendar_id)
            return calendar_id

    def update_calendar(
        self,
        calendar_id: str,
        *,
        summary: str | None = None,
        description: str | None = None,
        time_zone: str | None = None,
    ) -> None:
        """Change properties; list deltas do not surface that (§5.1)."""
        with self.world.lock:
            calendar = self.calendar(calendar_id)
            calendar.summary = summary if summary is not None else calendar.summary
            calendar.description = description if description is not None else calendar.description
            calendar.time_zone = time_zone if time_zone is not None else calendar.time_zone
            calendar.change = self.book.next_change()
            calendar.listings.clear()

    def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar for everybody."""
        with self.world.lock:
            self.calendar(calendar_id).deleted = True
            for entries in self.lists.entries.values():
                if calendar_id in entries:
                    self._changed(entries[calendar_id]).deleted = True

    # ── sharing ──────────────────────────────────────────────────────────────────────────────

    def share(self, calendar_id: str, email: str, role: str = "reader") -> None:
        """Give a person a role; a person new to the calendar gets it into the list."""
        with self.world.lock:
            if role not in ROLES:
                raise ValueError(f"no such access role: {role!r}")
            calendar = self.calendar(calendar_id)
            had_access = role_of(calendar, email) != "none"
            calendar.roles[email] = role
            self._acl_changed(calendar, email)
            entry = self.lists.of(email).get(calendar_id)
            if not had_access or entry is None:
                self._listed(email, calendar_id)

    def unshare(self, calendar_id: str, email: str) -> None:
        """Take a person's role away; the entry leaves the list, with a tombstone or silently."""
        with self.world.lock:
            calendar = self.calendar(calendar_id)
            calendar.roles.pop(email, None)
            self._acl_changed(calendar, email)
            entry = self.lists.of(email).get(calendar_id)
            if entry is not None and self.world.switches.unshared_calendar_in_delta:
                self._changed(entry).deleted = True

    def _acl_changed(self, calendar: Calendar, email: str) -> None:
        change = calendar.role_changes[email] = self.book.next_change()
        switch = self.world.switches.acl_change_expires
        if switch == "calendar":
            calendar.token_floor = change
        elif switch == "user":
            calendar.user_floors[email] = change

    # ── list entries ─────────────────────────────────────────────────────────────────────────

    def hide(self, calendar_id: str, email: str) -> None:
        """Hide a calendar in a person's list."""
        with self.world.lock:
            self._changed(self.entry(email, calendar_id)).hidden = True

    def unhide(self, calendar_id: str, email: str) -> None:
        """Show a hidden calendar again."""
        with self.world.lock:
            self._changed(self.entry(email, calendar_id)).hidden = False

    def remove_from_list(self, calendar_id: str, email: str) -> None:
        """Unsubscribe: the entry is deleted, the calendar lives on."""
        with self.world.lock:
            self._changed(self.entry(email, calendar_id)).deleted = True

    def add_to_list(self, calendar_id: str, email: str) -> None:
        """Subscribe (again) to a calendar that one may see."""
        with self.world.lock:
            self._listed(email, self.calendar(calendar_id).id)

    def set_color(self, calendar_id: str, email: str, color_id: str) -> None:
        """Choose another colour."""
        with self.world.lock:
            self._changed(self.entry(email, calendar_id)).color_id = color_id

    def set_summary_override(self, calendar_id: str, email: str, summary: str | None) -> None:
        """Give a calendar another name in one person's list; None takes it back."""
        with self.world.lock:
            self._changed(self.entry(email, calendar_id)).summary_override = summary

    def entry(self, email: str, calendar_id: str) -> ListEntry:
        """A person's entry. Raises ``ApiError`` 404 when the list has none, or no access is left."""
        entry = self.lists.of(email).get(calendar_id)
        calendar = self.calendars.get(calendar_id)
        if entry is None or calendar is None or entry.deleted:
            raise ApiError(404, "notFound", "Not Found")
        if role_of(calendar, email) == "none":
            raise ApiError(404, "notFound", "Not Found")
        return entry

    def full_calendar_list(
        self, email: str, *, show_hidden: bool = True, show_deleted: bool = False
    ) -> list[Json]:
        """What a full calendarList.list would answer now, all pages together."""
        with self.world.lock:
            query = ListQuery(show_hidden=show_hidden, show_deleted=show_deleted)
            return self.lists.full(email, query)

    # ── tokens and quota ─────────────────────────────────────────────────────────────────────

    def expire_sync_tokens(self, calendar_id: str | None = None) -> None:
        """Kill all sync tokens of one calendar's events; without an id: all, of lists too."""
        with self.world.lock:
            change = self.book.next_change()
            if calendar_id is not None:
                self.calendar(calendar_id).token_floor = change
                return
            for calendar in self.calendars.values():
                calendar.token_floor = change
            for email in self.settings:
                self.lists.token_floors[email] = change

    def expire_page_tokens(self) -> None:
        """Kill all page tokens given so far (400 or 410 by switch, §5.3)."""
        with self.world.lock:
            self.pager.expire()

    def refuse_sync_tokens(self, calendar_id: str, refused: bool = True) -> None:
        """Answer 410 to every sync token of this calendar from now on (generated ones, §5.3)."""
        with self.world.lock:
            self.calendar(calendar_id).refuses_tokens = refused

    def limit_calls(self, per_minute: int | None = 600) -> None:
        """Enforce the per-user quota (§6.4); None: no limit, as at first."""
        with self.world.lock:
            self.quota.limit(per_minute)

    def settings_token(self, email: str) -> str:
        """The sync token of settings.list."""
        return self.pager.seal.close("settings sync", {"email": email})

    # ── inside ───────────────────────────────────────────────────────────────────────────────

    def _created(
        self, calendar_id: str, summary: str, time_zone: str, *, owner: str | None
    ) -> Calendar:
        if calendar_id in self.calendars:
            raise ValueError(f"calendar exists: {calendar_id!r}")
        calendar = self.calendars[calendar_id] = Calendar(
            id=calendar_id,
            summary=summary,
            time_zone=time_zone,
            change=self.book.next_change(),
            owner=owner,
            roles={owner: "owner"} if owner is not None else {},
            updated=self.world.clock.now(),
        )
        return calendar

    def _listed(self, email: str, calendar_id: str) -> ListEntry:
        entries = self.lists.of(email)
        if calendar_id not in entries:
            entries[calendar_id] = ListEntry(
                calendar_id=calendar_id, position=len(entries), change=0
            )
        entry = self._changed(entries[calendar_id])
        entry.deleted = False
        return entry

    def _changed(self, entry: ListEntry) -> ListEntry:
        entry.change = self.book.next_change()
        return entry
