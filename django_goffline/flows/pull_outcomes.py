"""What follows for a pull from how it went: when next, and what is noted. Pure.

What an answer means is decided in ``protocol/verdicts.py``. Nothing is deleted because of an error, a run under way
keeps its checkpoint, and a list that is refused concerns that list only.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from ..conf import settings
from ..lifecycle import BACKOFF_BASE, BACKOFF_CAP, backoff, next_pull
from ..models import ScheduledPull
from ..protocol.errors import (
    CursorDeadError,
    GoogleError,
    ListUnavailableError,
    PolicyError,
    RequestRejectedError,
    ScopeMissingError,
    ThrottledError,
    TransientError,
)
from ..resources import Resource
from .pull_run import CHECKPOINT

logger = logging.getLogger("django_goffline")

#: Columns that the settle of a chunk writes.
SETTLED = (
    *CHECKPOINT,
    "due_at",
    "failure_streak",
    "last_attempt_at",
    "last_changes",
    "last_outcome",
    "last_rows",
    "last_success_at",
    "lease_id",
    "lease_until",
)

CHANGED = "changed"
UNCHANGED = "unchanged"
SCOPE_MISSING = ScopeMissingError.kind
#: A list that is not shown to the person is asked for again ever more slowly: access may come back.
SLOW = timedelta(minutes=30)
SLOWEST = timedelta(days=1)
POLICY = timedelta(hours=6)
LONGEST_THROTTLE = timedelta(hours=6)
BUSY = timedelta(seconds=5)
NO_TOKEN = timedelta(minutes=1)


def interval_of(pull: ScheduledPull, resource: Resource) -> timedelta:
    """The pull's own interval, else the resource's or the settings' one."""
    own = pull.interval
    return timedelta(
        seconds=own if own is not None else settings.pull_every(resource.name, resource.interval)
    )


def succeed(pull: ScheduledPull, resource: Resource, *, now: datetime, uniform: float) -> None:
    """A run is through."""
    pull.last_outcome = CHANGED if pull.run_changes else UNCHANGED
    pull.last_attempt_at = now
    # Fresh as of the run's begin: what changed later may not be in it.
    pull.last_success_at = pull.run_started_at
    pull.last_rows, pull.last_changes = pull.run_rows, pull.run_changes
    pull.failure_streak = 0
    pull.due_at = next_pull(interval_of(pull, resource), now=now, uniform=uniform)
    asked = pull.full_requested_at
    if pull.fingerprint != resource.fingerprint(pull) or (
        asked is not None and pull.last_full_at is not None and asked > pull.last_full_at
    ):
        # What is known now asks for a full run, or a person did in the meantime.
        pull.due_at = now


def fail(
    pull: ScheduledPull,
    resource: Resource,
    error: GoogleError,
    *,
    now: datetime,
    uniform: float,
) -> None:
    """A request failed: note why, and when to try again."""
    pull.last_outcome = error.kind[:64]
    pull.last_attempt_at = now
    pull.failure_streak += 1
    if isinstance(error, ScopeMissingError):
        # Only a new consent helps; reconciliation sees it.
        pull.due_at = None
        return
    base, cap = BACKOFF_BASE, BACKOFF_CAP
    if isinstance(error, ListUnavailableError):
        base, cap = max(SLOW, interval_of(pull, resource)), SLOWEST
    elif isinstance(error, PolicyError):
        base, cap = POLICY, SLOWEST
    elif isinstance(error, ThrottledError):
        cap = LONGEST_THROTTLE
    elif not isinstance(error, (TransientError, CursorDeadError)):
        base, cap = SLOW, SLOWEST
        if isinstance(error, RequestRejectedError):
            logger.error("pull %s (%s): %s", pull.pk, resource.name, error)
    pull.due_at = now + backoff(
        pull.failure_streak,
        uniform=uniform,
        retry_after=error.retry_after,
        base=base,
        cap=max(base, cap),
    )


def is_news(pull: ScheduledPull, error: GoogleError) -> bool:
    """Whether people should read of this failure: the first of its kind, and none that passes by itself."""
    return pull.failure_streak == 1 and not isinstance(error, (TransientError, ThrottledError))
