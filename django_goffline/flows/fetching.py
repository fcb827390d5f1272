"""Many calls at once: HTTP only, no database in these threads.

One pool of threads for each process, made after the fork, ``CONCURRENCY`` wide. Jobs are taken from their iterable
only when a slot is free, so that ten thousand jobs are not ten thousand requests in memory; answers come in the order
in which they arrive. Deadlines are the calls' own.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..conf import settings
from ..protocol.errors import GoogleError, RequestRejectedError

K = TypeVar("K")
T = TypeVar("T")

logger = logging.getLogger("django_goffline")


class BugError(RequestRejectedError):
    """A call ended in an exception that is none of Google's answers: an error of our own."""

    kind = "bug"
    sentence = "The call ended in an error of our own; its traceback is in the log."


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[K, T]):
    """One call: what it is known by, and the call itself."""

    key: K
    call: Callable[[], T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(Generic[K, T]):
    """What became of a job: a value, or an error."""

    key: K
    value: T | None = None
    error: GoogleError | None = None


def fetch(jobs: Iterable[Job[K, T]]) -> Iterator[Fetched[K, T]]:
    """Run the jobs, ``CONCURRENCY`` at once, and yield each result as it comes; never raises for a job.

    A caller that stops early leaves unstarted jobs undone.
    """
    width = max(1, int(settings.CONCURRENCY))
    pool = _pool(width)
    waiting = iter(jobs)
    running: set[Future[Fetched[K, T]]] = set()
    try:
        while True:
            while len(running) < width and (job := next(waiting, None)) is not None:
                running.add(pool.submit(_run, job))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in running:
            future.cancel()


def _run(job: Job[K, T]) -> Fetched[K, T]:
    try:
        return Fetched(key=job.key, value=job.call())
    except GoogleError as error:
        return Fetched(key=job.key, error=error)
    except Exception as error:
        # Frames without the message: a message may quote what was sent, such as a token.
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("a call to Google failed with %s\n%s", type(error).__name__, frames)
        return Fetched(key=job.key, error=BugError(code=type(error).__name__))


class _Pool:
    executor: ThreadPoolExecutor | None = None
    made_for: tuple[int, int] = (0, 0)


def _pool(width: int) -> ThreadPoolExecutor:
    wanted = (os.getpid(), width)
    if _Pool.executor is None or _Pool.made_for != wanted:
        _Pool.executor = ThreadPoolExecutor(width, thread_name_prefix="goffline-fetch")
        _Pool.made_for = wanted
    return _Pool.executor
