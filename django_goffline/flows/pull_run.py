"""A pull's run: how it begins, turns its pages, restarts and ends. Pure: it works on the row in memory and on ``now``.

A run is full or incremental. A full run over a list that has rows ends in a *catch up* (what changed while it ran)
and a *sweep* (what it did not meet). ``cursor`` changes when a run is through, never before. Rules: Calendar API,
"Synchronize resources efficiently".
"""

from __future__ import annotations

import logging
from datetime import datetime

from ..models import ScheduledPull
from ..protocol.calendar import ApiRequest, Page
from ..resources import Resource

logger = logging.getLogger("django_goffline")

Phase = ScheduledPull.Phase

#: Columns that a page writes along with its rows.
CHECKPOINT = (
    "cursor",
    "cursor_deaths",
    "fingerprint",
    "last_full_at",
    "next_cursor",
    "page_token",
    "phase",
    "restarts",
    "run",
    "run_changes",
    "run_rows",
    "run_started_at",
    "sweep_held_at",
)
#: Restarts of one run before it waits for better times.
MOST_RESTARTS = 2
#: Fresh sync tokens that may die before a list is only ever read as a whole.
MOST_CURSOR_DEATHS = 2

_FULL_PHASES = frozenset({Phase.FULL, Phase.CATCH_UP, Phase.SWEEP})


def is_full(pull: ScheduledPull) -> bool:
    """Whether a full run is under way."""
    return pull.phase in _FULL_PHASES


def has_no_cursors(pull: ScheduledPull) -> bool:
    """Whether this list's sync tokens never live: then each run is a full one."""
    return pull.cursor_deaths >= MOST_CURSOR_DEATHS


def needs_full(pull: ScheduledPull, resource: Resource, *, now: datetime) -> bool:
    """Whether the next run has to read the whole list."""
    if is_full(pull):
        return True
    last = pull.last_full_at
    if not pull.cursor or last is None or has_no_cursors(pull):
        return True
    if pull.fingerprint != resource.fingerprint(pull) or _newer(pull.full_requested_at, last):
        return True
    if sweep_is_approved(pull) and _newer(pull.sweep_approved_at, last):
        return True
    return resource.full_every is not None and now - last >= resource.full_every


def take_up(pull: ScheduledPull, resource: Resource, *, now: datetime) -> None:
    """Go on with the run under way, or begin the next one."""
    fingerprint = resource.fingerprint(pull)
    current = pull.phase != Phase.IDLE and pull.fingerprint == fingerprint
    if not current or (pull.phase == Phase.INCREMENTAL and needs_full(pull, resource, now=now)):
        if pull.phase == Phase.IDLE or not current:
            pull.restarts = 0
        if needs_full(pull, resource, now=now) or pull.fingerprint != fingerprint:
            if _newer(pull.full_requested_at, pull.last_full_at):
                # A person's word: let tokens prove themselves once more.
                pull.cursor_deaths = 0
            if pull.fingerprint != fingerprint:
                pull.cursor = ""
            begin(pull, Phase.FULL, now=now)
            pull.fingerprint = fingerprint
        else:
            begin(pull, Phase.INCREMENTAL, now=now)


def begin(pull: ScheduledPull, phase: str, *, now: datetime) -> None:
    """Begin a run under a new number."""
    pull.run += 1
    pull.phase = phase
    pull.page_token = pull.next_cursor = ""
    pull.run_started_at = now
    pull.run_rows = pull.run_changes = 0


def request_of(pull: ScheduledPull, resource: Resource) -> ApiRequest:
    """The request for the run's next page."""
    if pull.phase == Phase.FULL:
        return resource.first_request(pull, pull.page_token)
    cursor = pull.next_cursor if pull.phase == Phase.CATCH_UP else pull.cursor
    return resource.next_request(pull, cursor, pull.page_token)


def turn_page(pull: ScheduledPull, page: Page, *, had_rows: bool) -> None:
    """What follows from a page: the next one, the next phase, or the end of the run.

    ``had_rows``: whether the mirror had rows when a full run began; without, there is nothing to sweep.
    """
    pull.run_rows += len(page.items)
    pull.page_token = page.next_page_token
    if page.next_page_token:
        return
    token = page.next_sync_token
    if not token:
        _tell_of_missing_token(pull)
    if pull.phase == Phase.INCREMENTAL:
        pull.cursor = token
        pull.cursor_deaths = pull.restarts = 0
        pull.phase = Phase.IDLE
        return
    pull.next_cursor = token
    if pull.phase == Phase.FULL and not had_rows:
        finish_full(pull)
    elif pull.phase == Phase.FULL and token and not has_no_cursors(pull):
        pull.phase = Phase.CATCH_UP
    else:
        pull.phase = Phase.SWEEP


def finish_full(pull: ScheduledPull) -> None:
    """The end of a full run: from now on its cursor counts. ``last_full_at`` is the instant at which it began."""
    pull.cursor, pull.next_cursor = pull.next_cursor, ""
    pull.phase = Phase.IDLE
    pull.restarts = 0
    pull.last_full_at = pull.run_started_at


def after_dead_cursor(pull: ScheduledPull, *, now: datetime) -> bool:
    """What follows when Google refuses a token; False when the run was restarted often enough and has to wait.

    Nothing is deleted: a full run goes over the rows that are there.
    """
    if pull.page_token and pull.phase in (Phase.INCREMENTAL, Phase.CATCH_UP):
        # Perhaps the page token only: once more from the sync token.
        pull.page_token = ""
        return _restart(pull)
    if pull.phase == Phase.INCREMENTAL:
        if not _newer(pull.last_success_at, pull.last_full_at):
            pull.cursor_deaths += 1
        pull.cursor = ""
        pull.restarts = 0
        begin(pull, Phase.FULL, now=now)
        return True
    if pull.phase == Phase.CATCH_UP:
        pull.cursor_deaths += 1
    begin(pull, Phase.FULL, now=now)
    return _restart(pull)


def sweep_is_approved(pull: ScheduledPull) -> bool:
    """Whether a person let a held sweep through."""
    return pull.sweep_held_at is not None and _newer(pull.sweep_approved_at, pull.sweep_held_at)


def _restart(pull: ScheduledPull) -> bool:
    pull.restarts += 1
    if pull.restarts <= MOST_RESTARTS:
        return True
    pull.restarts = 0
    pull.phase = Phase.IDLE
    return False


def _newer(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and (other is None or one > other)


def _tell_of_missing_token(pull: ScheduledPull) -> None:
    if pull.cursor or pull.last_full_at is None:
        logger.warning(
            "pull %s (%s): the last page brought no sync token; it is read as a whole from now on",
            pull.pk,
            pull.resource,
        )
