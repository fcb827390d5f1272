"""Nudges: messages that carry no work, only "there is something due".

A nudge may be lost, doubled or late: the next tick repairs it. So it is sent on commit, by the task's name, without a
retry, and never at the cost of what it follows: a broken broker never breaks a consent. A broker that is dead or
frozen costs ``PATIENCE`` seconds once, and is then left alone for ``QUIET`` seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Literal

from celery import Celery, current_app
from django.db import transaction

from .conf import settings

TaskName = Literal["goffline.refresh", "goffline.pull", "goffline.tick"]

logger = logging.getLogger("django_goffline")

#: Seconds that a caller waits for the broker.
PATIENCE = 2.0
#: Seconds for which a broker that failed is left alone.
QUIET = 30.0


class _Broker:
    quiet_until = 0.0
    sender: threading.Thread | None = None


class _Eager(threading.local):
    running: frozenset[str] = frozenset()


_eager = _Eager()


def is_eager() -> bool:
    """Whether tasks run in the caller's process, at once (``task_always_eager``)."""
    return bool(current_app.conf.task_always_eager)


def nudge(task: TaskName, *, using: str, copies: int = 1) -> None:
    """Tell ``copies`` workers, once the transaction on ``using`` has committed, that there is something due.

    Never raises. In eager mode the task runs once, here, after the commit.
    """
    # The app is a thread's own affair, so it is looked up in the caller's thread.
    app: Celery = current_app._get_current_object()  # type: ignore[attr-defined]
    transaction.on_commit(lambda: _send(app, task, copies), using=using, robust=True)


def forget_broker_trouble() -> None:
    """Try the broker again at the next nudge, whatever happened before; for tests and operators."""
    _Broker.quiet_until = 0.0
    _Broker.sender = None


def _send(app: Celery, task: TaskName, copies: int) -> None:
    if copies < 1:
        return
    if app.conf.task_always_eager:
        _run_here(app, task)
        return
    busy = _Broker.sender is not None and _Broker.sender.is_alive()
    if busy or time.monotonic() < _Broker.quiet_until:
        return
    # A thread of its own, because no time-out of every transport covers a broker that accepts and then says nothing.
    outcome = _Outcome()
    sender = threading.Thread(
        target=_publish, args=(app, task, copies, outcome), name="goffline-nudge", daemon=True
    )
    _Broker.sender = sender
    sender.start()
    sender.join(PATIENCE)
    if sender.is_alive() or outcome.error:
        _Broker.quiet_until = time.monotonic() + QUIET
        logger.warning(
            "could not nudge %s (%s): the next tick does without; nudges pause for %d s",
            task,
            outcome.error or f"no answer from the broker within {PATIENCE:g} s",
            QUIET,
        )


class _Outcome:
    error = ""


def _publish(app: Celery, task: TaskName, copies: int, outcome: _Outcome) -> None:
    try:
        for _ in range(copies):
            app.send_task(
                task,
                expires=settings.TICK_EVERY,
                ignore_result=True,
                queue=settings.QUEUE or None,
                retry=False,
            )
    except Exception as error:
        # Any transport has its own exceptions; their text may hold the broker's URL and password.
        outcome.error = type(error).__name__


def _run_here(app: Celery, task: TaskName) -> None:
    registered = app.tasks.get(task)
    if registered is None:
        logger.warning("task %s is not registered: does the Celery app autodiscover tasks?", task)
        return
    # A task that nudges itself would never end.
    if task in _eager.running:
        return
    before, _eager.running = _eager.running, _eager.running | {task}
    try:
        registered.apply()
    except Exception as error:
        logger.error("eager %s failed with %s", task, type(error).__name__)
    finally:
        _eager.running = before
