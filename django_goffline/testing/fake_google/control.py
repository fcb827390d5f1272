"""The fake's remote control: JSON over HTTP below ``/_fake/``, for other processes on loopback.

A demo process or a browser test arranges Google's side and judges a mirror from outside. Only the
levers listed here can be pulled; arguments are those of the Python methods, instants in ISO 8601.
Secrets leave through ``client_secret.json`` alone, as at Google's console.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from .calendars import CalendarState
from .faults import Fault
from .oauth import OAuthState
from .wire import ApiError, Json, Request, Response, json_response

CALENDAR_LEVERS = frozenset(
    {
        "add_generated_calendar",
        "add_to_list",
        "cancel_instance",
        "change_instance",
        "create_calendar",
        "delete_calendar",
        "delete_event",
        "expire_page_tokens",
        "expire_sync_tokens",
        "full_calendar_list",
        "full_list",
        "hide",
        "insert_event",
        "instances_between",
        "limit_calls",
        "move_event",
        "patch_event",
        "purge_cancelled",
        "refuse_sync_tokens",
        "remove_from_list",
        "set_color",
        "set_summary_override",
        "share",
        "split_series",
        "undelete_event",
        "unhide",
        "unshare",
        "update_calendar",
    }
)
OAUTH_LEVERS = frozenset(
    {
        "admin_policy",
        "block",
        "change_password",
        "delete_client",
        "disable_old_secret",
        "expire_access_tokens",
        "lift_admin_policy",
        "rapt_required",
        "restore_client",
        "revoke_by_person",
        "unblock",
    }
)
# Arguments that the Python methods take as aware datetimes.
INSTANTS = frozenset({"start", "end"})
FAULT_FIELDS = frozenset(field.name for field in fields(Fault))


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What the remote control may touch."""

    oauth: OAuthState
    calendar: CalendarState


def route(request: Request, controls: Controls) -> Response:
    """Answer a control request; ``path`` is what follows the prefix. Raises ``ApiError``."""
    endpoint = ROUTES.get((request.method, request.path))
    if endpoint is not None:
        return json_response(endpoint(controls, request))
    group, _, lever = request.path.partition("/")
    if request.method == "POST" and group == "calendar" and lever in CALENDAR_LEVERS:
        return _pulled(controls.calendar, lever, request)
    if request.method == "POST" and group == "oauth" and lever in OAUTH_LEVERS:
        return _pulled(controls.oauth, lever, request)
    raise ApiError(404, "notFound", "There is no such control")


def client_secret(controls: Controls, request: Request) -> Json:
    """The console's file of ``client_id``, or of the first client."""
    clients = controls.oauth.clients
    client_id = request.parameter("client_id") or next(iter(clients), "")
    if client_id not in clients:
        raise ApiError(404, "notFound", "There is no such client")
    host = request.headers.get("Host", "127.0.0.1")
    return controls.oauth.client_secret_json(client_id, f"http://{host}")


def add_client(controls: Controls, request: Request) -> Json:
    """Create an OAuth client; answers its client ID."""
    client = _called(controls.oauth.add_client, request.json())
    return {"client_id": client.client_id}


def add_account(controls: Controls, request: Request) -> Json:
    """Create an account; answers its subject and address."""
    account = _called(controls.oauth.add_account, request.json())
    return {"sub": account.sub, "email": account.email}


def move_clock(controls: Controls, request: Request) -> Json:
    """Advance the clock by ``advance`` seconds, or ``set`` it; answers the time."""
    clock = controls.oauth.world.clock
    wanted = request.json()
    if "set" in wanted:
        clock.set(_instant(wanted["set"]))
    seconds = wanted.get("advance", 0)
    if not isinstance(seconds, int | float):
        raise _refused("advance is a number of seconds")
    clock.advance(seconds)
    return {"now": clock.now().isoformat()}


def add_fault(controls: Controls, request: Request) -> Json:
    """Order a fault; answers how many wait."""
    wanted = request.json()
    if unknown := sorted(wanted.keys() - FAULT_FIELDS):
        raise _refused(f"a fault has no {', '.join(unknown)}")
    faults = controls.oauth.world.faults
    faults.add(_called(Fault, wanted))
    return {"pending": len(faults.pending)}


def clear_faults(controls: Controls, request: Request) -> Json:
    """Take every ordered fault back."""
    controls.oauth.world.faults.clear()
    return {"pending": 0}


def journal(controls: Controls, request: Request) -> Json:
    """What was asked of the fake, without secrets."""
    return {"entries": [entry.as_json() for entry in controls.oauth.world.journal.entries]}


def clear_journal(controls: Controls, request: Request) -> Json:
    """Forget what was asked."""
    controls.oauth.world.journal.clear()
    return {"entries": []}


def refreshes(controls: Controls, request: Request) -> Json:
    """Successful refreshes by e-mail address; each account is there from the start."""
    counts = controls.oauth.refreshes
    return {email: counts[email] for email in controls.oauth.accounts}


def state(controls: Controls, request: Request) -> Json:
    """What a mirror of ``email`` should hold: the calendar list, and each calendar's events."""
    email = request.parameter("email") or ""
    if email not in controls.oauth.accounts:
        raise ApiError(404, "notFound", "There is no such account")
    calendars = controls.calendar.full_calendar_list(email)
    events = {
        entry["id"]: controls.calendar.full_list(email, entry["id"])
        for entry in calendars
        if not entry.get("deleted")
    }
    return {"calendars": calendars, "events": events}


ROUTES: dict[tuple[str, str], Callable[[Controls, Request], Json]] = {
    ("GET", "client_secret.json"): client_secret,
    ("POST", "clients"): add_client,
    ("POST", "accounts"): add_account,
    ("POST", "clock"): move_clock,
    ("POST", "faults"): add_fault,
    ("POST", "faults/clear"): clear_faults,
    ("GET", "journal"): journal,
    ("POST", "journal/clear"): clear_journal,
    ("GET", "refreshes"): refreshes,
    ("GET", "state"): state,
}


def _pulled(owner: object, lever: str, request: Request) -> Response:
    arguments = {
        name: _instant(value) if name in INSTANTS else value
        for name, value in request.json().items()
    }
    result = _called(getattr(owner, lever), arguments)
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    return Response(headers=headers, body=json.dumps(result).encode())


def _called(function: Callable[..., Any], arguments: Json) -> Any:
    try:
        return function(**arguments)
    except (TypeError, ValueError, KeyError) as error:
        raise _refused(str(error)) from None


def _instant(text: object) -> datetime:
    try:
        instant = datetime.fromisoformat(str(text))
    except ValueError:
        raise _refused("an instant is written in ISO 8601") from None
    if instant.tzinfo is None:
        raise _refused("an instant needs its offset")
    return instant


def _refused(message: str) -> ApiError:
    return ApiError(400, "invalid", message)
