"""The per-user quota: calls in a sliding minute (reference §6.4).

Job: count and refuse. Rule: off until `limit` is called; refusals are 403 and 429 in turn, as both
are seen; the newer body carries the limit's name and value (§6.1).
"""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import datetime, timedelta

from .wire import ApiError, error_info
from .world import World

WINDOW = timedelta(minutes=1)


class Quota:
    """Counts calls of each user."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._per_minute: int | None = None
        self._calls: dict[str, deque[datetime]] = defaultdict(deque)
        self._refusals = 0

    def limit(self, per_minute: int | None) -> None:
        """Allow that many calls a minute and user (Google: 600); None: any number."""
        self._per_minute = per_minute

    def charge(self, email: str, now: datetime) -> None:
        """Count one call. Raises ``ApiError`` 403 or 429 when the window is full."""
        if self._per_minute is None:
            return
        calls = self._calls[email]
        while calls and calls[0] <= now - WINDOW:
            calls.popleft()
        if len(calls) < self._per_minute:
            calls.append(now)
            return
        self._refusals += 1
        status = 403 if self._refusals % 2 else 429
        wait = max(1, int((calls[0] + WINDOW - now).total_seconds()) + 1)
        raise ApiError(
            status,
            "rateLimitExceeded" if status == 429 else "userRateLimitExceeded",
            "Rate Limit Exceeded" if status == 429 else "User Rate Limit Exceeded",
            "usageLimits",
            details=[
                error_info(
                    "RATE_LIMIT_EXCEEDED",
                    {
                        "service": "calendar-json.googleapis.com",
                        "quota_limit": "defaultPerMinutePerUser",
                        "quota_limit_value": str(self._per_minute),
                    },
                )
            ],
            headers={"Retry-After": str(wait)}
            if self._world.switches.quota_says_retry_after
            else None,
        )
