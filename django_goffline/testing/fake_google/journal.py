"""What was asked of the fake, in order, without a single secret.

Tests count requests here; the control API shows it to other processes. Codes, tokens, states and
verifiers never enter an entry: their values are masked when the entry is made. Bounded, so that a
long soak does not grow.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from .wire import Json, Request

LIMIT = 10_000
MASK = "***"
SECRET_PARAMETERS = frozenset(
    {
        "access_token",
        "assertion",
        "client_secret",
        "code",
        "code_challenge",
        "code_verifier",
        "id_token",
        "key",
        "nonce",
        "oauth_token",
        "refresh_token",
        "request",
        "state",
        "token",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One answered request. ``at`` is emulated time, ``size`` the bytes of the body as sent."""

    at: datetime
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    user: str | None
    client_id: str | None
    status: int
    size: int

    def as_json(self) -> Json:
        """The entry for the control API."""
        return {
            "at": self.at.isoformat(),
            "method": self.method,
            "path": self.path,
            "query": [list(pair) for pair in self.query],
            "user": self.user,
            "client_id": self.client_id,
            "status": self.status,
            "size": self.size,
        }


class Journal:
    """The last entries, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=LIMIT)

    @property
    def entries(self) -> list[Entry]:
        """A copy of what is kept, oldest first."""
        return list(self._entries)

    def add(
        self,
        request: Request,
        *,
        at: datetime,
        user: str | None,
        client_id: str | None,
        status: int,
        size: int,
    ) -> None:
        """Write one request down, its secrets masked."""
        self._entries.append(
            Entry(
                at=at,
                method=request.method,
                path=request.path,
                query=tuple(_masked(name, value) for name, value in request.query),
                user=user,
                client_id=client_id,
                status=status,
                size=size,
            )
        )

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def count(self, path: str = "", status: int | None = None, *, user: str | None = None) -> int:
        """How many entries have ``path`` (a regular expression, searched), status and user."""
        pattern = re.compile(path)
        return sum(
            1
            for entry in self.entries
            if pattern.search(entry.path)
            and status in (None, entry.status)
            and user in (None, entry.user)
        )


def _masked(name: str, value: str) -> tuple[str, str]:
    return (name, MASK) if name in SECRET_PARAMETERS else (name, value)
