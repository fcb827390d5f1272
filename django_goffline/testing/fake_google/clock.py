"""The emulated clock: six months pass in one line of a test.

It follows real time plus an offset, or stands still when frozen. Every rule of the fake reads this
clock and no other.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """An aware UTC clock that can be moved and frozen. Safe to use from several threads."""

    def __init__(self, *, frozen_at: datetime | None = None) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._frozen = _utc(frozen_at) if frozen_at is not None else None

    def now(self) -> datetime:
        """The emulated time, aware, in UTC."""
        with self._lock:
            return self._frozen if self._frozen is not None else datetime.now(UTC) + self._offset

    def advance(self, step: timedelta | float) -> datetime:
        """Move by a duration, or by a number of seconds; return the new time."""
        delta = step if isinstance(step, timedelta) else timedelta(seconds=step)
        with self._lock:
            if self._frozen is not None:
                self._frozen += delta
                return self._frozen
            self._offset += delta
            return datetime.now(UTC) + self._offset

    def set(self, instant: datetime) -> None:
        """Jump to an aware instant; a running clock runs on from there.

        Raises ``ValueError`` for a naive datetime.
        """
        instant = _utc(instant)
        with self._lock:
            if self._frozen is not None:
                self._frozen = instant
            else:
                self._offset = instant - datetime.now(UTC)

    def freeze(self, at: datetime | None = None) -> datetime:
        """Stand still, here or at an aware instant; return the time."""
        instant = self.now() if at is None else _utc(at)
        with self._lock:
            self._frozen = instant
        return instant

    def resume(self) -> None:
        """Run on from the frozen time."""
        with self._lock:
            if self._frozen is not None:
                self._offset = self._frozen - datetime.now(UTC)
                self._frozen = None


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("the fake's clock takes aware datetimes only")
    return instant.astimezone(UTC)
