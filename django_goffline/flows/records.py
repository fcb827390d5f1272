"""What flows leave for people to read: activity, and hourly counts.

Activity belongs to what it tells of and is written with it. Counts are a statement of their own, after the settle:
losing one is harmless, so an error of theirs is logged and hurts nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import DatabaseError, transaction

from .. import bulk
from ..models import Activity, Metric

logger = logging.getLogger("django_goffline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What is added to the counts of one client, kind of work and outcome. ``bytes`` as received, lag in seconds."""

    client_id: int
    kind: str
    outcome: str
    count: int = 0
    calls: int = 0
    bytes: int = 0
    rows: int = 0
    lag_seconds: int = 0


def note(*activities: Activity, using: str) -> None:
    """Write lines of activity: one INSERT however many."""
    if activities:
        Activity.objects.using(using).bulk_create(activities)


def count(counts: Iterable[Count], *, now: datetime, using: str) -> None:
    """Add to this hour's counts: one upsert however many."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = [
        {
            "client_id": total.client_id,
            "kind": total.kind,
            "outcome": total.outcome,
            "hour": hour,
            "count": total.count,
            "calls": total.calls,
            "bytes": total.bytes,
            "rows": total.rows,
            "lag_seconds": total.lag_seconds,
        }
        for total in _totals(counts)
    ]
    if not rows:
        return
    try:
        with transaction.atomic(using=using):
            bulk.upsert(
                Metric,
                rows,
                unique=("client", "kind", "outcome", "hour"),
                add=("count", "calls", "bytes", "rows", "lag_seconds"),
                using=using,
            )
    except DatabaseError as error:
        logger.warning("counts of this chunk are lost: %s", type(error).__name__)


def _totals(counts: Iterable[Count]) -> Iterable[Count]:
    # One upsert must not meet the same row twice.
    totals: dict[tuple[int, str, str], Count] = {}
    for one in counts:
        key = (one.client_id, one.kind, one.outcome)
        sum_ = totals.get(key)
        totals[key] = one if sum_ is None else _added(sum_, one)
    return totals.values()


def _added(left: Count, right: Count) -> Count:
    return replace(
        left,
        count=left.count + right.count,
        calls=left.calls + right.calls,
        bytes=left.bytes + right.bytes,
        rows=left.rows + right.rows,
        lag_seconds=left.lag_seconds + right.lag_seconds,
    )
