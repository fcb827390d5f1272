"""One claimed chunk of pulls on its way from plan to settle: fetch many at once, store in the claiming thread."""

from __future__ import annotations

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from .. import bulk, gateway
from ..conf import settings
from ..models import Claim, Grant, OAuthClient, ScheduledPull
from ..protocol.calendar import Page, fetch_page
from ..protocol.errors import (
    AnswerError,
    ClientBrokenError,
    CursorDeadError,
    DeadlineExceeded,
    GoogleError,
    RequestRejectedError,
    ThrottledError,
    TokenRejectedError,
)
from . import pull_outcomes as outcomes
from .access import tokens_for
from .clients import hold, pause_broken
from .fetching import BugError, Fetched, Job, fetch
from .mirror import Overtaken
from .pull_plan import plan
from .pull_run import Phase, after_dead_cursor, request_of, turn_page
from .pull_settle import Settlement, Work
from .transactions import atomically

logger = logging.getLogger("django_goffline")


class Chunk:
    """Claimed pulls of one client. ``work`` does them all; a chunk is used once."""

    def __init__(
        self, *, client: OAuthClient, claim: Claim[ScheduledPull], now: datetime, using: str
    ) -> None:
        self._client = client
        self._claim = claim
        self._now = now
        self._using = using
        self._settlement = Settlement(lease=claim.lease, now=now, using=using)
        self._queue: deque[Work] = deque()
        self._rejected: list[Work] = []
        self._stopped_until: datetime | None = None
        self._calls = 0
        self._began = self._lease_began = time.monotonic()

    def work(self) -> int:
        """Pull them all; the number of calls that were made."""
        for work in plan(self._claim.rows, self._settlement, now=self._now, using=self._using):
            if work.pull.phase == Phase.SWEEP:
                self._guarded(work, partial(self._sweep, work))
            else:
                self._queue.append(work)
        self._fetch()
        if self._rejected:
            self._renew_tokens()
            self._fetch()
        self._settlement.write(self._claim.rows)
        return self._calls

    # ── fetch ────────────────────────────────────────────────────────────────────────────────

    def _fetch(self) -> None:
        for fetched in fetch(_Jobs(self.next_job)):
            self._keep_lease()
            self._guarded(fetched.key, partial(self._take, fetched.key, fetched))

    def next_job(self) -> Job[Work, Page] | None:
        """The next call to make, or None when there is none just now."""
        while self._queue:
            work = self._queue.popleft()
            held_until = work.grant.held_until
            if self._stopped_until is not None:
                self._settlement.hand_back(work, due_at=self._stopped_until)
            elif held_until is not None and held_until > self._now:
                self._settlement.hand_back(work, due_at=held_until)
            elif self._is_over():
                self._settlement.hand_back(work, due_at=self._now)
            else:
                return self._job(work)
        return None

    def _job(self, work: Work) -> Job[Work, Page]:
        self._keep_lease()
        deadline = time.monotonic() + settings.HTTP_TIMEOUT
        if deadline > self._lease_began + settings.LEASE_SECONDS:
            return Job(key=work, call=_too_late)
        self._calls += 1
        work.calls += 1
        return Job(
            key=work,
            call=partial(
                fetch_page,
                gateway.transport(),
                gateway.endpoints(),
                request_of(work.pull, work.resource),
                access_token=work.token,
                deadline=deadline,
            ),
        )

    # ── store ────────────────────────────────────────────────────────────────────────────────

    def _guarded(self, work: Work, step: Callable[[], None]) -> None:
        """One list's trouble must not end the chunk."""
        try:
            step()
        except Overtaken:
            # Neither stored nor settled: whoever wrote in between knows better.
            return
        except Exception as error:
            # Frames only: a database's message may quote what people wrote.
            frames = "".join(traceback.format_tb(error.__traceback__))
            name = type(error).__name__
            logger.error("pull %s: storing failed with %s\n%s", work.pull.pk, name, frames)
            self._settlement.fail(work, BugError(code=name))

    def _take(self, work: Work, fetched: Fetched[Work, Page]) -> None:
        pull, page = work.pull, fetched.value
        if page is None:
            self._failed(work, fetched.error or BugError())
            return
        work.bytes += page.bytes
        work.rows += len(page.items)
        if page.next_page_token and page.next_page_token == pull.page_token:
            self._failed(work, AnswerError("the next page is the same page"))
            return
        if pull.phase == Phase.INCREMENTAL and not page.items and not page.next_page_token:
            # Nothing to store: the settle writes the cursor.
            turn_page(pull, page, had_rows=True)
        else:
            work.mirror.apply_page(page, now=self._now)
        if pull.phase == Phase.IDLE:
            self._settlement.succeed(work)
        elif pull.phase == Phase.SWEEP:
            self._sweep(work)
        else:
            self._queue.append(work)

    def _sweep(self, work: Work) -> None:
        if work.mirror.sweep_is_unusual():
            work.mirror.hold_sweep(now=self._now)
        while work.pull.phase == Phase.SWEEP and not self._is_over():
            work.mirror.sweep(now=self._now)
            self._keep_lease()
        if work.pull.phase == Phase.IDLE:
            self._settlement.succeed(work)
        else:
            self._settlement.hand_back(work, due_at=self._now)

    def _failed(self, work: Work, error: GoogleError) -> None:
        if isinstance(error, TokenRejectedError) and not work.renewed:
            work.renewed = True
            self._rejected.append(work)
            return
        if _blames_cursor(work, error) and after_dead_cursor(work.pull, now=self._now):
            work.mirror.had_rows = None
            self._queue.append(work)
            return
        self._settlement.fail(work, error)
        due_at = work.pull.due_at or self._now
        if isinstance(error, ThrottledError) and error.scope == "client":
            self._stopped_until = due_at
            hold(self._client, until=due_at, using=self._using)
        elif isinstance(error, ThrottledError):
            work.grant.held_until = due_at
            Grant.objects.using(self._using).filter(pk=work.grant.pk).update(held_until=due_at)
        elif isinstance(error, ClientBrokenError):
            self._stopped_until = due_at
            pause_broken(self._client, error, now=self._now, using=self._using)

    def _renew_tokens(self) -> None:
        """Google refused tokens that looked fresh: refresh once, repeat once."""
        rejected = {work.grant.pk: work.token for work in self._rejected}
        grants = Grant.objects.using(self._using).filter(pk__in=rejected)
        stale = [
            bulk.RowUpdate(
                pk=grant.pk,
                values={"access_expires_at": self._now},
                expected={"generation": grant.generation},
            )
            for grant in grants.all()
            if grant.access_token.reveal() == rejected[grant.pk]
        ]
        atomically(lambda: bulk.update_rows(Grant, stale, using=self._using), using=self._using)
        tokens = tokens_for(grants.all(), now=self._now, using=self._using)
        for work in self._rejected:
            token = tokens.by_grant.get(work.grant.pk)
            if token is None:
                self._settlement.hand_back(work, due_at=self._now + outcomes.NO_TOKEN)
            else:
                work.token = token
                self._queue.append(work)
        self._rejected = []

    # ── time ─────────────────────────────────────────────────────────────────────────────────

    def _is_over(self) -> bool:
        return time.monotonic() - self._began >= settings.DRAIN_SECONDS

    def _keep_lease(self) -> None:
        """At half-time, renew the whole chunk's lease by one statement."""
        instant = time.monotonic()
        if instant - self._lease_began < settings.LEASE_SECONDS / 2:
            return
        until = self._now + timedelta(seconds=instant - self._began + settings.LEASE_SECONDS)
        ScheduledPull.objects.using(self._using).renew(self._claim.lease, until=until)
        self._lease_began = instant


class _Jobs(Iterator[Job[Work, Page]]):
    """The calls of a chunk. It runs dry and fills again: a page that is stored may ask for the next one."""

    def __init__(self, source: Callable[[], Job[Work, Page] | None]) -> None:
        self._source = source

    def __next__(self) -> Job[Work, Page]:
        job = self._source()
        if job is None:
            raise StopIteration
        return job


def _blames_cursor(work: Work, error: GoogleError) -> bool:
    """Whether the error may be about the sync or page token that was sent."""
    if isinstance(error, CursorDeadError):
        return True
    refused = isinstance(error, RequestRejectedError) and not isinstance(error, BugError)
    return refused and request_of(work.pull, work.resource).carries_cursor


def _too_late() -> Page:
    raise DeadlineExceeded
