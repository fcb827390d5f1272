"""Plays an application that calls the Calendar API of the fake, in-process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django_goffline.testing.fake_google import FakeGoogle
from django_goffline.testing.fake_google.accounts import FakeClient
from django_goffline.testing.fake_google.wire import Headers, Request, Response

from .application import CALENDAR

BOB = "bob@example.com"
LISTS = "users/me/calendarList"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarCaller:
    """One person's access token at work."""

    fake: FakeGoogle
    access_token: str

    @classmethod
    def of(
        cls, fake: FakeGoogle, client: FakeClient, email: str, scopes: tuple[str, ...] = (CALENDAR,)
    ) -> CalendarCaller:
        """A caller with these scopes granted."""
        grant = fake.issue_grant(email, client.client_id, scopes)
        return cls(fake=fake, access_token=grant["access_token"])

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> Response:
        """Call `path` below /calendar/v3/; a list in the query repeats its name."""
        pairs = [
            (name, str(each))
            for name, value in query.items()
            for each in (value if isinstance(value, list) else [value])
        ]
        sent = {"Authorization": f"Bearer {self.access_token}", **(headers or {})}
        return self.fake.handle(
            Request(
                method=method,
                path=f"/calendar/v3/{path}",
                query=pairs,
                headers=Headers(sent),
                body=json.dumps(body).encode() if body is not None else b"",
            )
        )

    def get(self, path: str, **query: Any) -> Any:
        """The document of a GET that must succeed."""
        answer = self.send("GET", path, **query)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def refusal(self, path: str, method: str = "GET", body: Any = None, **query: Any) -> Any:
        """(status, reason) of a call that must fail."""
        answer = self.send(method, path, body, **query)
        assert answer.status >= 400, answer.body
        return answer.status, json.loads(answer.body)["error"]["errors"][0]["reason"]

    def events(self, calendar_id: str = "primary", **query: Any) -> Any:
        """One page of events.list."""
        return self.get(events_path(calendar_id), **query)

    def run(self, path: str, **query: Any) -> tuple[list[Any], str | None]:
        """All pages of a list: its items and its next sync token."""
        items: list[Any] = []
        page: dict[str, Any] = {}
        for _ in range(1000):
            page = self.get(path, **query)
            assert ("nextPageToken" in page) + ("nextSyncToken" in page) <= 1
            items += page["items"]
            if "nextPageToken" not in page:
                return items, page.get("nextSyncToken")
            query["pageToken"] = page["nextPageToken"]
        raise AssertionError("the list does not end")


def events_path(calendar_id: str = "primary", event_id: str | None = None) -> str:
    """The path of a calendar's events, or of one."""
    path = f"calendars/{quote(calendar_id, safe='')}/events"
    return path if event_id is None else f"{path}/{quote(event_id, safe='')}"


def day(event_id: str, date: str = "2030-01-10", **more: Any) -> dict[str, Any]:
    """An all-day event of one day."""
    end = f"{date[:8]}{int(date[8:]) + 1:02}"
    return {
        "id": event_id,
        "summary": event_id,
        "start": {"date": date},
        "end": {"date": end},
        **more,
    }


def timed(
    event_id: str, start: str = "2030-01-07T09:00:00+01:00", hours: int = 1, **more: Any
) -> dict[str, Any]:
    """An event of some hours in Zurich."""
    end = f"{start[:11]}{int(start[11:13]) + hours:02}{start[13:]}"
    return {
        "id": event_id,
        "summary": event_id,
        "start": {"dateTime": start, "timeZone": "Europe/Zurich"},
        "end": {"dateTime": end, "timeZone": "Europe/Zurich"},
        **more,
    }


def ids(items: list[Any]) -> list[str]:
    """The ids of listed resources."""
    return [item["id"] for item in items]
