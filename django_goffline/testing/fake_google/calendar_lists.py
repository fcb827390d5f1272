"""calendarList: one person's list of calendars, with paging and sync tokens (reference §5.1).

Rule: a delta brings entries whose own row changed, deleted and hidden ones included; a calendar's
new name or a new role alone surfaces nothing, a periodic full list does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

from .access import at_least, role_of
from .calendar_model import Calendar, Key, ListEntry, etag_of
from .event_lists import Pager, full_sync_required
from .palette import FOREGROUND, background
from .parameters import invalid
from .sealed import fingerprint
from .wire import Json
from .world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What a calendarList.list asks for."""

    show_deleted: bool = False
    show_hidden: bool = False
    min_access_role: str | None = None
    max_results: int = 100
    page_token: str | None = None
    sync_token: str | None = None


class CalendarLists:
    """Answers calendarList.list and calendarList.get from entries kept elsewhere."""

    def __init__(self, world: World, pager: Pager, calendars: Mapping[str, Calendar]) -> None:
        self._world = world
        self._pager = pager
        self._calendars = calendars
        self.entries: dict[str, dict[str, ListEntry]] = {}
        self.token_floors: dict[str, int] = {}

    def of(self, email: str) -> dict[str, ListEntry]:
        """The entries of one person by calendar id."""
        return self.entries.setdefault(email, {})

    def page(self, email: str, query: ListQuery, *, changes: int) -> Json:
        """One page of calendarList.list. Raises 400 and 410 as events.list does."""
        since = None if query.sync_token is None else self._since(email, query.sync_token)
        mark = fingerprint(
            {
                "email": email,
                "deleted": query.show_deleted,
                "hidden": query.show_hidden,
                "role": query.min_access_role,
                "sync": query.sync_token,
            }
        )
        key: Key | None = None
        number, started = 0, changes
        if query.page_token is not None:
            resumed = self._pager.resume("calendars", query.page_token, mark)
            key, number, started = resumed["key"], resumed["number"], resumed["started"]
        rows = self._rows(email, query, since)
        empty = self._pager.empty_page_due(number)
        first = 0 if key is None else bisect_right(rows, key[0], key=lambda entry: entry.position)
        size = min(query.max_results, self._world.switches.largest_page)
        page = [] if empty else rows[first : first + size]
        key = [page[-1].position] if page else key
        etags = [self._etag(email, entry) for entry in rows]
        answer: Json = {
            "kind": "calendar#calendarList",
            "etag": f'"p{fingerprint({"query": mark, "key": key, "rows": etags})}"',
            "items": [self.render(email, entry) for entry in page],
        }
        if empty or (rows and (key is None or rows[-1].position > key[0])):
            answer["nextPageToken"] = self._pager.page_token(
                "calendars", mark, key=key, number=number + 1, started=started
            )
        elif since is not None and not rows and not self._world.switches.new_token_when_unchanged:
            answer["nextSyncToken"] = query.sync_token
        else:
            answer["nextSyncToken"] = self._sync_token(email, started)
        return answer

    def full(self, email: str, query: ListQuery) -> list[Json]:
        """Every entry of a full list, unpaged: the truth for judging a mirror."""
        return [self.render(email, entry) for entry in self._rows(email, query, None)]

    def render(self, email: str, entry: ListEntry) -> Json:
        """One entry as a resource; a deleted one keeps `id` and `deleted` alone."""
        calendar = self._calendars[entry.calendar_id]
        if entry.deleted:
            return {
                "kind": "calendar#calendarListEntry",
                "etag": etag_of(entry.change),
                "id": entry.calendar_id,
                "deleted": True,
            }
        rendered: Json = {
            "kind": "calendar#calendarListEntry",
            "etag": self._etag(email, entry),
            "id": calendar.id,
            "summary": calendar.summary,
            "timeZone": calendar.time_zone,
            "colorId": entry.color_id,
            "backgroundColor": background(entry.color_id),
            "foregroundColor": FOREGROUND,
            "accessRole": role_of(calendar, email),
            "defaultReminders": deepcopy(entry.default_reminders),
            "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        }
        optional = {
            "description": calendar.description,
            "location": calendar.location,
            "summaryOverride": entry.summary_override,
            "dataOwner": calendar.owner if calendar.owner != calendar.id else None,
        }
        rendered |= {name: value for name, value in optional.items() if value is not None}
        # Booleans are present only when true (reference §5.1).
        flags = {"hidden": entry.hidden, "selected": entry.selected, "primary": entry.primary}
        rendered |= {name: True for name, value in flags.items() if value}
        if entry.notifications:
            rendered["notificationSettings"] = {"notifications": deepcopy(entry.notifications)}
        return rendered

    def _etag(self, email: str, entry: ListEntry) -> str:
        calendar = self._calendars[entry.calendar_id]
        return etag_of(entry.change, calendar.change, calendar.role_changes.get(email, 0))

    def _rows(self, email: str, query: ListQuery, since: int | None) -> list[ListEntry]:
        rows = []
        for entry in sorted(self.of(email).values(), key=lambda entry: entry.position):
            role = role_of(self._calendars[entry.calendar_id], email)
            if role == "none" and not entry.deleted:
                continue
            if since is not None:
                if entry.change > since:
                    rows.append(entry)
                continue
            if entry.deleted and not query.show_deleted:
                continue
            if entry.hidden and not query.show_hidden:
                continue
            if query.min_access_role and not at_least(role, query.min_access_role):
                continue
            rows.append(entry)
        return rows

    def _sync_token(self, email: str, since: int) -> str:
        minted = int(self._world.clock.now().timestamp())
        content = {"email": email, "since": since, "minted": minted}
        return self._pager.seal.close("calendars sync", content)

    def _since(self, email: str, token: str) -> int:
        content = self._pager.seal.open("calendars sync", token)
        if content is None or content["email"] != email:
            raise invalid("syncToken", "Invalid sync token value.")
        days = self._world.switches.sync_token_days
        age = self._world.clock.now().timestamp() - content["minted"]
        since = int(content["since"])
        if since < self.token_floors.get(email, 0) or (days and age > days * 86400):
            raise full_sync_required()
        return since
