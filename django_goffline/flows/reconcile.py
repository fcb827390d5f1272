"""Pulls follow grants and calendars: insert missing ones, park those not wanted, wake those that are again.

Consent and refresh know nothing of pulls; this is how a new grant comes to be pulled. Run at every tick, so it is
set-wise and finds nothing to write most of the time.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q

from .. import bulk, resources
from ..models import Grant, ScheduledPull
from ..resources import Resource
from .pull_outcomes import SCOPE_MISSING
from .transactions import atomically

#: Missing pulls inserted by one statement.
INSERTED_AT_ONCE = 1000
#: Statements of a tick: the next tick goes on.
MOST_STATEMENTS = 20


def reconcile(*, now: datetime, using: str) -> None:
    """Bring scheduled pulls in line with grants and calendars. Constant statements when nothing is missing."""
    for resource in resources.registry():
        _insert_missing(resource, now=now, using=using)
    _park(using=using)
    _wake(now=now, using=using)


def _insert_missing(resource: Resource, *, now: datetime, using: str) -> None:
    for _ in range(MOST_STATEMENTS):
        targets = resource.missing(limit=INSERTED_AT_ONCE, using=using)
        if not targets:
            return
        rows = []
        for target in targets:
            # A grant that does not cover the list gets its row too, parked: else it would be missing
            # at every tick.
            allowed = resources.scopes_allow(resource, target.granted_scopes)
            rows.append(
                {
                    "client_id": target.client_id,
                    "grant_id": target.grant_id,
                    "resource": resource.name,
                    "key": target.key,
                    "due_at": now if allowed else None,
                    "last_attempt_at": None if allowed else now,
                    "last_outcome": "" if allowed else SCOPE_MISSING,
                }
            )
        atomically(
            lambda rows=rows: bulk.upsert(  # type: ignore[misc]
                ScheduledPull, rows, unique=("grant", "resource", "key"), using=using
            ),
            using=using,
        )
        if len(targets) < INSERTED_AT_ONCE:
            return


def _park(*, using: str) -> None:
    """Pulls of grants that are not active rest; so do those whose list is not wanted any more."""
    due = ScheduledPull.objects.using(using).filter(due_at__isnull=False)
    idle = Grant.objects.using(using).exclude(state=Grant.State.ACTIVE)
    due.filter(grant__in=idle).update(due_at=None)
    for resource in resources.registry():
        wanted = resource.wanted()
        if wanted:
            due.filter(~Q(wanted), resource=resource.name).update(due_at=None)


def _wake(*, now: datetime, using: str) -> None:
    """Pulls that rest and are wanted (again) are due now. One that lacks a scope waits for a newer consent."""
    resting = (
        ScheduledPull.objects.using(using)
        .filter(
            Q(lease_until__isnull=True) | Q(lease_until__lte=now),
            due_at__isnull=True,
            paused_at__isnull=True,
            grant__state=Grant.State.ACTIVE,
        )
        .exclude(
            Q(last_outcome=SCOPE_MISSING)
            & (
                Q(grant__authorized_at__isnull=True)
                | Q(grant__authorized_at__lte=F("last_attempt_at"))
            )
        )
    )
    for resource in resources.registry():
        wanted = resource.wanted()
        mine = resting.filter(resource=resource.name)
        (mine.filter(wanted) if wanted else mine).update(due_at=now)
