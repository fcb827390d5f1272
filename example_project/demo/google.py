"""What the demonstration does at the fake Google, over its control API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Google:
    """The fake's control API at its base URL."""

    url: str

    def client_secret(self) -> dict[str, Any]:
        """The file that Google's console would offer for the demo's client."""
        return self._json(requests.get(f"{self.url}/_fake/client_secret.json", timeout=TIMEOUT))

    def state(self, email: str) -> dict[str, Any]:
        """Google's truth about an account: its "calendars", and its "events" by calendar id."""
        return self._json(
            requests.get(f"{self.url}/_fake/state", params={"email": email}, timeout=TIMEOUT)
        )

    def refreshes(self, email: str) -> int:
        """How many access tokens were handed out for refresh tokens of this account."""
        counts = self._json(requests.get(f"{self.url}/_fake/refreshes", timeout=TIMEOUT))
        return int(counts.get(email, 0))

    def let_pass(self, seconds: float) -> None:
        """Move Google's clock."""
        self._json(
            requests.post(f"{self.url}/_fake/clock", json={"advance": seconds}, timeout=TIMEOUT)
        )

    def calendar(self, method: str, arguments: dict[str, Any]) -> Any:
        """Call a method of the fake's calendar state: what an owner would do by hand."""
        answer = requests.post(
            f"{self.url}/_fake/calendar/{method}", json=arguments, timeout=TIMEOUT
        )
        return self._json(answer)

    @staticmethod
    def _json(answer: requests.Response) -> Any:
        if not answer.ok:
            raise RuntimeError(
                f"the fake Google refused {answer.request.path_url}: {answer.text[:500]}"
            )
        return answer.json() if answer.content else None
