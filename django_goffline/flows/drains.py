"""Drains: a worker that was nudged works off chunk after chunk, while anything is due and its time lasts.

The budget is shorter than a tick, so that warm shutdowns are quick and other tasks of the same worker get their turn.
While at work, a drain has a heartbeat row: the tick sends no more nudges than there is work for.
"""

from __future__ import annotations

import math
import os
import socket
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import DatabaseError

from ..conf import settings
from ..models import Heartbeat, database_now
from ..nudges import is_eager


def drain(kind: str, work: Callable[[datetime], int], *, using: str) -> int:
    """Call ``work`` with the database's clock until it returns 0 or the budget is spent; the number of rows done.

    In eager mode it does one chunk: somebody is waiting for the request that it runs in.
    """
    worker = f"{socket.gethostname()[:120]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    ends = time.monotonic() + settings.DRAIN_SECONDS
    beats = Heartbeat.objects.using(using)
    total = 0
    now = database_now(using)
    beats.beat(kind=kind, worker=worker, now=now)
    try:
        while True:
            done = work(now)
            total += done
            if not done or is_eager() or time.monotonic() >= ends:
                return total
            now = database_now(using)
            beats.beat(kind=kind, worker=worker, now=now, rows=done)
    finally:
        # A lost connection must not hide the error that lost it; a row left behind goes out of date.
        with suppress(DatabaseError):
            beats.filter(kind=kind, worker=worker).delete()


def live_drains(kind: str, *, now: datetime, using: str) -> int:
    """Drains of a kind that were seen lately."""
    lately = now - timedelta(seconds=2 * settings.DRAIN_SECONDS)
    return Heartbeat.objects.using(using).filter(kind=kind, last_seen_at__gt=lately).count()


def nudges_needed(due: int, live_drains: int) -> int:
    """How many more drains ``due`` rows are worth."""
    wanted = min(settings.MAX_DRAINS, math.ceil(due / settings.CHUNK_SIZE))
    return max(0, wanted - live_drains)
