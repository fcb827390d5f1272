"""Forget what has had its time: removed mirror rows, old activity and counts, dead heartbeats, spent verifiers.

Everything goes in chunks, each a transaction of its own, so that no table is locked for long. Ages are settings
(``KEEP_…_DAYS``); nothing that is still in use has an age.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Model, QuerySet

from ..conf import settings
from ..models import Activity, Calendar, ConsentAttempt, Event, Heartbeat, Metric, PendingRevocation
from .transactions import atomically

CHUNK = 1000
#: A drain or tick that was not seen for so long is gone.
HEARTBEAT_AGE = timedelta(days=1)
#: Revocations are given up by the drain after seven days; this is for those that nobody could even open.
REVOCATION_AGE = timedelta(days=30)


def prune(*, now: datetime, using: str) -> int:
    """Delete what is old enough; the number of rows deleted."""
    spent = ConsentAttempt.objects.using(using).filter(expires_at__lt=now).exclude(code_verifier="")
    atomically(lambda: spent.update(code_verifier=""), using=using)
    return sum(_delete(rows, using) for rows in _outdated(now, using))


def _outdated(now: datetime, using: str) -> Iterator[QuerySet[Model]]:
    removed = now - timedelta(days=settings.KEEP_REMOVED_DAYS)
    yield Event.objects.using(using).filter(removed_at__lt=removed)
    # Its events first, in chunks: a cascade from a big calendar would be one big transaction.
    yield Event.objects.using(using).filter(calendar__removed_at__lt=removed)
    yield Calendar.objects.using(using).filter(removed_at__lt=removed)
    told = now - timedelta(days=settings.KEEP_ACTIVITY_DAYS)
    yield Activity.objects.using(using).filter(at__lt=told)
    counted = now - timedelta(days=settings.KEEP_METRICS_DAYS)
    yield Metric.objects.using(using).filter(hour__lt=counted)
    yield Heartbeat.objects.using(using).filter(last_seen_at__lt=now - HEARTBEAT_AGE)
    yield PendingRevocation.objects.using(using).filter(created_at__lt=now - REVOCATION_AGE)


def _delete(rows: QuerySet[Model], using: str) -> int:
    total = 0
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        chunk = rows.model._base_manager.using(using).filter(pk__in=pks)
        atomically(chunk.delete, using=using)
        total += len(pks)
    return total
