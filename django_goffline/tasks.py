"""The Celery tasks: thin, without arguments, results or retries. Messages are nudges; the database knows what is due.

A task that is lost, doubled or late does no harm: the next tick repairs it (``docs/architecture``, "The row is the
queue").
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from celery import Task, shared_task
from django.db import router

from .conf import settings
from .flows.drains import drain
from .flows.prune import prune as prune_flow
from .flows.pull import pull_due
from .flows.refresh import refresh_due
from .flows.revoke import revoke_due
from .flows.tick import tick as tick_flow
from .models import Grant, database_now


class NudgeTask(Task):  # type: ignore[type-arg]
    """A task whose message is stale after a tick: a worker that was away must not find a pile of nudges.

    Properties, because beat with a schedule in the database drops the ``expires`` of a schedule's options, and
    because settings are read late.
    """

    abstract = True

    @property
    def queue(self) -> str | None:
        """The queue of ``GOFFLINE["QUEUE"]``; None is the project's default."""
        return settings.QUEUE or None

    @property
    def expires(self) -> float:  # type: ignore[override]
        """Seconds until the message is worthless."""
        return float(settings.TICK_EVERY)


def _using() -> str:
    return router.db_for_write(Grant)


@shared_task(name="goffline.tick", base=NudgeTask, ignore_result=True, acks_late=False)
def tick() -> None:
    """Nudge for whatever is due; run by beat."""
    using = _using()
    tick_flow(now=database_now(using), using=using)


@shared_task(name="goffline.refresh", base=NudgeTask, ignore_result=True, acks_late=False)
def refresh() -> None:
    """Refresh due grants, and revoke what is to be revoked."""
    drain("refresh", partial(_refresh_and_revoke, using=_using()), using=_using())


@shared_task(name="goffline.pull", base=NudgeTask, ignore_result=True, acks_late=False)
def pull() -> None:
    """Pull due lists."""
    using = _using()
    drain("pull", lambda now: pull_due(now=now, using=using), using=using)


@shared_task(name="goffline.prune", ignore_result=True, acks_late=False)
def prune() -> None:
    """Forget what is old; run by beat."""
    using = _using()
    prune_flow(now=database_now(using), using=using)


def _refresh_and_revoke(now: datetime, *, using: str) -> int:
    return refresh_due(now=now, using=using) + revoke_due(now=now, using=using)
