"""Rows for tests: each function makes one, valid and stored, with the fields that the caller names, else defaults.

With a ``FakeGoogle``, accounts, clients and tokens are known to it as well, so that everything works against it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from ..models import Calendar, Event, Grant, OAuthClient, ScheduledPull
from ..protocol.scopes import CALENDAR_READONLY, EMAIL, OPENID
from .fake_google import FakeGoogle

SCOPES = (OPENID, EMAIL, CALENDAR_READONLY)
REDIRECT_URI = "http://localhost:8000/goffline/callback/"

_numbers = itertools.count(1)


def make_user(name: str = "", **fields: Any) -> Any:
    """A user of the site, whatever its model; ``name`` is its natural key, unique by default."""
    model = get_user_model()
    name = name or f"user{next(_numbers)}@example.com"
    fields = {model.USERNAME_FIELD: name} | fields
    if any(f.name == "email" for f in model._meta.fields):
        fields.setdefault("email", name if "@" in name else f"{name}@example.com")
    return model._default_manager.create(**fields)


def make_client(fake: FakeGoogle | None = None, **fields: Any) -> OAuthClient:
    """An OAuth client; with ``fake``, registered there under the same id and secret."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "name": f"Client {number}",
        "project_id": f"project-{number}",
        "client_id": f"{number:012d}-test.apps.googleusercontent.com",
        "client_secret": f"GOCSPX-secret-of-client-{number}",
    }
    fields = defaults | fields
    if fake is not None:
        registered = fake.add_client(
            kind=fields.get("kind", "web"),
            redirect_uris=[fields.get("redirect_uri") or REDIRECT_URI],
            project_id=fields["project_id"],
            publishing_status=fields.get("publishing_status", "production"),
        )
        fields |= {
            "client_id": registered.client_id,
            "client_secret": registered.client_secret,
        }
    return OAuthClient.objects.create(**fields)


def make_grant(
    fake: FakeGoogle | None = None,
    *,
    email: str = "ada@example.com",
    client: OAuthClient | None = None,
    scopes: Iterable[str] = SCOPES,
    now: datetime | None = None,
    **fields: Any,
) -> Grant:
    """An active grant with a refresh token and an access token that ends in an hour, not due before thirty days.

    With ``fake``, account (made if it is new), client and tokens are known to it, and ``now`` is its clock.
    """
    now = now or (fake.clock.now() if fake else timezone.now())
    client = client or make_client(fake)
    scopes = list(scopes)
    number = next(_numbers)
    if fake is not None:
        account = fake.oauth.accounts.get(email) or fake.add_account(email)
        tokens = fake.issue_grant(email, client.client_id, scopes)
        sub = account.sub
    else:
        tokens = {
            "refresh_token": f"1//refresh-token-{number}",
            "access_token": f"ya29.access-token-{number}",
        }
        sub = f"{number:021d}"
    defaults: dict[str, Any] = {
        "sub": sub,
        "email": email,
        "owner_key": Grant.owner_key_of(fields.get("user")),
        "wanted_scopes": scopes,
        "granted_scopes": scopes,
        "refresh_token": tokens["refresh_token"],
        "access_token": tokens["access_token"],
        "access_expires_at": now + timedelta(hours=1),
        "authorized_at": now,
        "refreshed_at": now,
        "due_at": now + timedelta(days=30),
        "generation": 1,
    }
    return Grant.objects.create(client=client, **(defaults | fields))


def make_pull(grant: Grant | None = None, **fields: Any) -> ScheduledPull:
    """A pull of a grant's calendar list, due; name ``resource`` and ``key`` for another list."""
    grant = grant or make_grant()
    # A second ago: the database's clock, which decides what is due, may be coarser than Python's.
    due_at = timezone.now() - timedelta(seconds=1)
    defaults: dict[str, Any] = {"resource": "calendar_list", "key": "", "due_at": due_at}
    return ScheduledPull.objects.create(
        grant=grant, client_id=grant.client_id, **(defaults | fields)
    )


def make_calendar(grant: Grant | None = None, **fields: Any) -> Calendar:
    """A calendar on a grant's list."""
    grant = grant or make_grant()
    defaults: dict[str, Any] = {
        "google_id": f"calendar-{next(_numbers)}@group.calendar.google.com",
        "summary": "Team",
        "time_zone": "Europe/Zurich",
        "access_role": "owner",
    }
    return Calendar.objects.create(grant=grant, **(defaults | fields))


def make_event(calendar: Calendar | None = None, **fields: Any) -> Event:
    """An event of a calendar; times are the caller's to name."""
    calendar = calendar or make_calendar()
    defaults: dict[str, Any] = {"google_id": f"event{next(_numbers)}", "status": "confirmed"}
    return Event.objects.create(calendar=calendar, **(defaults | fields))
