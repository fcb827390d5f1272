"""Runs of events.list and events.instances: pages, page tokens, sync tokens, 410.

Job: the sync protocol of reference §5.3. Rule: a run's sync token is the number of changes at its
first page, so whatever changes while a client is paging comes again in the next delta; a page token
is the key of the last row and is bound to the query.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from datetime import timedelta

from .access import Viewer
from .calendar_model import Calendar, Key
from .event_times import milliseconds, parse_rfc3339, zone_named
from .listing import EventListing, Row
from .parameters import EventQuery, invalid, query_of
from .sealed import Seal, fingerprint
from .views import EventView
from .wire import ApiError, Json
from .world import World

FULL_SYNC_REQUIRED = "Sync token is no longer valid, a full sync is required."


def full_sync_required() -> ApiError:
    """410: the client drops its token and starts again."""
    return ApiError(410, "fullSyncRequired", FULL_SYNC_REQUIRED, "calendar", location="syncToken")


class Pager:
    """Cuts rows into pages, with tokens bound to a query. One for all lists of a fake."""

    def __init__(self, world: World, seal: Seal) -> None:
        self._world = world
        self.seal = seal
        self._generation = 0

    def resume(self, kind: str, token: str, query_mark: str) -> Json:
        """Open a page token. Raises 400 or 410 when it is altered, foreign or too old (§5.3)."""
        switches = self._world.switches
        content = self.seal.open(f"{kind} page", token)
        if content is None or content["query"] != query_mark:
            raise invalid("pageToken", "Invalid page token value.")
        age = self._world.clock.now().timestamp() - content["minted"]
        lifetime = switches.page_token_seconds
        dead = content["generation"] != self._generation
        if dead or (lifetime and age > lifetime):
            if switches.dead_page_token_status == 410:
                raise full_sync_required()
            raise invalid("pageToken", "Invalid page token value.")
        return content

    def page_token(
        self, kind: str, query_mark: str, *, key: Key | None, number: int, started: int
    ) -> str:
        """A token for the page after `key` (None: from the start)."""
        content = {
            "query": query_mark,
            "key": key,
            "number": number,
            "started": started,
            "generation": self._generation,
            "minted": self._world.clock.now().timestamp(),
        }
        return self.seal.close(f"{kind} page", content)

    def expire(self) -> None:
        """Kill every page token given so far."""
        self._generation += 1

    def empty_page_due(self, number: int) -> bool:
        """Whether this page of a run comes without items (legal, §5.2)."""
        every = self._world.switches.empty_page_every
        return every > 1 and number % every == every - 1

    def cut(self, rows: list[Row], key: Key | None, size: int) -> list[Row]:
        """The rows after `key`, at most `size` of them, or fewer where pages are kept short."""
        first = 0 if key is None else bisect_right(rows, key, key=lambda row: row[0])
        return rows[first : first + min(size, self._world.switches.largest_page)]


class EventLists:
    """Answers events.list and events.instances."""

    def __init__(self, world: World, pager: Pager) -> None:
        self._world = world
        self._pager = pager

    def page(
        self,
        calendar: Calendar,
        viewer: Viewer,
        query: EventQuery,
        *,
        changes: int,
        max_results: int,
        page_token: str | None,
        sync_token: str | None,
        reminders: list[Json],
    ) -> Json:
        """One page of events.list. `changes`: the counter now. Raises 400 and 410 (§5.3)."""
        since = None
        if sync_token is not None:
            remembered = self._opened(calendar, viewer, sync_token)
            since = int(remembered["since"])
            query = self._reconciled(query, query_of(remembered["query"]))
        elif query.updated_min is not None:
            self._refuse_long_ago(query)
        mark = fingerprint({"q": query.as_document(), "c": calendar.id, "s": sync_token})
        key, number, started = None, 0, changes
        if page_token is not None:
            resumed = self._pager.resume("events", page_token, mark)
            key, number, started = resumed["key"], resumed["number"], resumed["started"]
        view = EventView(
            calendar, viewer, self._world.switches,
            zone=zone_named(query.time_zone), max_attendees=query.max_attendees,
        )  # fmt: skip
        listing = EventListing(self._world, view, query, since=since, started=started)
        rows = listing.rows()
        page: list[Row] = []
        if not self._pager.empty_page_due(number):
            page = self._pager.cut(rows, key, max_results)
        key = page[-1][0] if page else key
        answer = self._wrapper(calendar, viewer, query, reminders)
        version = [calendar.version, calendar.change, viewer.role, number, key]
        answer["etag"] = f'"p{fingerprint({"query": mark, "version": version})}"'
        answer["items"] = [listing.render(content) for _, content in page]
        more = bool(rows) and (key is None or rows[-1][0] > key)
        if more or self._pager.empty_page_due(number):
            answer["nextPageToken"] = self._pager.page_token(
                "events", mark, key=key, number=number + 1, started=started
            )
        elif self._gives_sync_token(query):
            quiet = since is not None and not rows and number == 0
            if quiet and not self._world.switches.new_token_when_unchanged:
                answer["nextSyncToken"] = sync_token
            else:
                answer["nextSyncToken"] = self.sync_token(calendar, query, started)
        return answer

    def sync_token(self, calendar: Calendar, query: EventQuery, since: int) -> str:
        """A token for what changes after `since`, remembering the query's restrictions."""
        content = {
            "calendar": calendar.id,
            "since": since,
            "query": query.as_document(),
            "minted": int(self._world.clock.now().timestamp()),
        }
        return self._pager.seal.close("events sync", content)

    def _opened(self, calendar: Calendar, viewer: Viewer, token: str) -> Json:
        content = self._pager.seal.open("events sync", token)
        if content is None or content["calendar"] != calendar.id:
            raise invalid("syncToken", "Invalid sync token value.")
        switches = self._world.switches
        refused = calendar.refuses_tokens or (
            calendar.generated and switches.generated_calendars_refuse_tokens
        )
        floor = max(calendar.token_floor, calendar.user_floors.get(viewer.email, 0))
        age = self._world.clock.now().timestamp() - content["minted"]
        old = switches.sync_token_days and age > switches.sync_token_days * 86400
        if refused or content["since"] < floor or old:
            raise full_sync_required()
        return content

    def _reconciled(self, asked: EventQuery, remembered: EventQuery) -> EventQuery:
        """The query of an incremental run: the token's window, and by switch its parameters."""
        switch = self._world.switches.changed_query
        asked = replace(asked, time_min=remembered.time_min, time_max=remembered.time_max)
        if asked == replace(remembered, show_deleted=asked.show_deleted):
            return asked
        if switch == "refused":
            raise invalid("syncToken", "Parameters differ from those of the initial request.")
        return asked if switch == "request_wins" else remembered

    def _refuse_long_ago(self, query: EventQuery) -> None:
        """`updatedMin` must lie within the life of tombstones: 410 `updatedMinTooLongAgo`."""
        limit = self._world.clock.now() - timedelta(days=self._world.switches.updated_min_days)
        assert query.updated_min is not None
        if parse_rfc3339(query.updated_min) < limit:
            message = "The requested minimum modification time lies too far in the past."
            raise ApiError(410, "updatedMinTooLongAgo", message, "calendar", location="updatedMin")

    def _gives_sync_token(self, query: EventQuery) -> bool:
        switches = self._world.switches
        filters = (query.q, query.ical_uid, query.updated_min, query.private_properties,
                   query.shared_properties)  # fmt: skip
        return not (
            query.order_by
            or (any(filters) and switches.filters_suppress_sync_token)
            or (query.time_max and switches.time_max_suppresses_sync_token)
            or (query.single_events and switches.single_events_suppress_sync_token)
        )

    def _wrapper(
        self, calendar: Calendar, viewer: Viewer, query: EventQuery, reminders: list[Json]
    ) -> Json:
        answer: Json = {
            "kind": "calendar#events",
            "etag": "",
            "summary": calendar.summary,
            "updated": milliseconds(calendar.updated),
            "timeZone": query.time_zone or calendar.time_zone,
            "accessRole": viewer.role,
            "defaultReminders": [dict(reminder) for reminder in reminders],
        }
        if calendar.description is not None:
            answer["description"] = calendar.description
        return answer
