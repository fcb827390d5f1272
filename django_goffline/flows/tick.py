"""The tick: look at the database, nudge as many drains as the due rows are worth, and keep derived rows in step.

It does no work of its own that could take long, and nothing is lost if it is late, doubled or killed.
"""

from __future__ import annotations

import socket
from datetime import datetime

from ..conf import settings
from ..models import Heartbeat, OAuthClient, PendingRevocation, ScheduledPull
from ..nudges import TaskName, nudge
from .drains import live_drains, nudges_needed
from .occurrences import roll_window
from .reconcile import reconcile
from .refresh import due_grants


def tick(*, now: datetime, using: str) -> None:
    """Nudge for due grants, revocations and pulls; make pulls follow grants; roll the window of occurrences on."""
    Heartbeat.objects.using(using).beat(
        kind=Heartbeat.TICK, worker=socket.gethostname()[:255], now=now
    )
    # Tokens first: no trouble with calendars may keep grants from being refreshed.
    tokens = due_grants(now=now, using=using)[: _enough()].count()
    revocations = (
        PendingRevocation.objects.using(using).filter(due_at__lte=now)[: _enough()].count()
    )
    _nudge("goffline.refresh", tokens + revocations, now=now, using=using)
    reconcile(now=now, using=using)
    usable = OAuthClient.objects.using(using).usable(now)
    pulls = ScheduledPull.objects.using(using).due(now).filter(client__in=usable)
    _nudge("goffline.pull", pulls[: _enough()].count(), now=now, using=using)
    roll_window(now=now, using=using)


def _enough() -> int:
    # More than this many due rows make no difference, and counting a million takes a while.
    return int(settings.MAX_DRAINS * settings.CHUNK_SIZE)


def _nudge(task: TaskName, due: int, *, now: datetime, using: str) -> None:
    kind = task.rpartition(".")[2]
    nudge(task, using=using, copies=nudges_needed(due, live_drains(kind, now=now, using=using)))
