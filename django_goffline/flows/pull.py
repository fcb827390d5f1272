"""Pull what is due: one chunk of one OAuth client's lists. Plan, fetch, store, settle.

The chunk is claimed within the client's quota and shared out between grants. Pages are fetched many at once and
stored as they come, each in its own transaction; lists without changes cost no statement of their own, they settle
together with all the others in one. When the time is over, runs keep their checkpoint and are handed back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import OuterRef, Q, Subquery

from ..conf import settings
from ..models import Grant, OAuthClient, QuotaBudget, ScheduledPull
from ..models.pulls import ScheduledPullQuerySet
from .pull_chunk import Chunk
from .refresh_chunk import lease_length
from .transactions import atomically, refuse_open_transaction


def pull_due(*, now: datetime, using: str) -> int:
    """Pull one chunk of due lists; how many were claimed, 0 when nothing is due or no quota is left.

    ``now`` is the database's clock. Raises ``OpenTransactionError`` inside a transaction.
    """
    refuse_open_transaction(using)
    for client in _clients_in_waiting(now, using):
        budget = QuotaBudget.objects.using(using)
        reserved = budget.charge(client, settings.CHUNK_SIZE, now=now)
        if not reserved:
            continue
        pulls = _pullable(now, using).filter(client=client)
        claim = atomically(
            lambda pulls=pulls, reserved=reserved: pulls.claim(  # type: ignore[misc]
                now=now, limit=reserved, length=lease_length(), fair_by="grant_id"
            ),
            using=using,
        )
        if not claim.rows:
            budget.refund(client, reserved)
            continue
        calls = Chunk(client=client, claim=claim, now=now, using=using).work()
        if calls < reserved:
            budget.refund(client, reserved - calls)
        elif calls > reserved:
            # Already made: whatever is left of the minute pays for them.
            budget.charge(client, calls - reserved, now=now)
        return len(claim.rows)
    return 0


def due_pulls(*, now: datetime, using: str) -> ScheduledPullQuerySet:
    """Pulls that a drain would take at ``now``."""
    usable = OAuthClient.objects.using(using).usable(now)
    return _pullable(now, using).filter(client__in=usable).due(now)


def _pullable(now: datetime, using: str) -> ScheduledPullQuerySet:
    free = Q(grant__held_until__isnull=True) | Q(grant__held_until__lte=now)
    return ScheduledPull.objects.using(using).filter(
        free, grant__state=Grant.State.ACTIVE, paused_at__isnull=True
    )


def _clients_in_waiting(now: datetime, using: str) -> Iterator[OAuthClient]:
    """Usable clients with due pulls, the one that waits longest first."""
    oldest = (
        _pullable(now, using)
        .filter(client=OuterRef("pk"))
        .due(now)
        .order_by("due_at")
        .values("due_at")[:1]
    )
    yield from (
        OAuthClient.objects.using(using)
        .usable(now)
        .annotate(oldest=Subquery(oldest))
        .filter(oldest__isnull=False)
        .order_by("oldest")
    )
