"""Who may do what: roles on a calendar, and the scopes that open each method.

Job: reference §4.4 (scope table of the discovery document) and §5.1 (roles). Rule: the scope decides
first (403 `insufficientPermissions`), then the role; a calendar without a role looks like one that
does not exist.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .calendar_model import Calendar
from .switches import Switches
from .wire import ApiError, error_info

ROLES = ("none", "freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")

PREFIX = "https://www.googleapis.com/auth/calendar"

_LIST_READ = ("", ".readonly", ".calendarlist", ".calendarlist.readonly")
_EVENTS_READ = ("", ".readonly", ".events", ".events.readonly", ".events.owned",
                ".events.owned.readonly", ".events.freebusy", ".events.public.readonly",
                ".app.created")  # fmt: skip
_EVENTS_WRITE = ("", ".events", ".events.owned", ".app.created")

# Suffixes after `…/auth/calendar`, per method of the discovery document.
SCOPES: dict[str, tuple[str, ...]] = {
    "CalendarList.List": _LIST_READ,
    "CalendarList.Get": (*_LIST_READ, ".app.created"),
    "Calendars.Get": ("", ".readonly", ".calendars", ".calendars.readonly", ".app.created"),
    "Events.List": _EVENTS_READ,
    "Events.Get": _EVENTS_READ,
    "Events.Instances": _EVENTS_READ,
    "Events.Insert": _EVENTS_WRITE,
    "Events.Update": _EVENTS_WRITE,
    "Events.Patch": _EVENTS_WRITE,
    "Events.Delete": _EVENTS_WRITE,
    "Events.Move": ("", ".events", ".events.owned"),
    "Freebusy.Query": ("", ".readonly", ".freebusy", ".events.freebusy"),
    "Settings.List": ("", ".readonly", ".settings", ".settings.readonly"),
    "Settings.Get": ("", ".readonly", ".settings", ".settings.readonly"),
    "Colors.Get": ("", ".readonly", ".calendarlist", ".calendarlist.readonly", ".events.freebusy",
                   ".events.owned", ".events.owned.readonly", ".events.public.readonly",
                   ".app.created"),
}  # fmt: skip


def require_scope(method: str, granted: Collection[str]) -> None:
    """Raise 403 unless a granted scope opens the method (mixed body of reference §6.1)."""
    if not any(PREFIX + suffix in granted for suffix in SCOPES[method]):
        raise insufficient_scope(method)


def insufficient_scope(method: str) -> ApiError:
    """The refusal for a token whose scopes do not reach."""
    wanted = " ".join(PREFIX + suffix for suffix in SCOPES[method])
    return ApiError(
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        details=[
            error_info(
                "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                {
                    "service": "calendar-json.googleapis.com",
                    "method": f"calendar.v3.{method}",
                },
            )
        ],
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", '
            f'error="insufficient_scope", scope="{wanted}"'
        },
    )


def role_of(calendar: Calendar, email: str) -> str:
    """A person's access role on a calendar; `none` without one."""
    role = calendar.roles.get(email, "none")
    if role == "none" and calendar.public:
        return "reader"
    return role


def at_least(role: str, wanted: str) -> bool:
    """Whether a role includes another."""
    return ROLES.index(role) >= ROLES.index(wanted)


def no_access(switches: Switches) -> ApiError:
    """The answer for a calendar that is gone, or hidden from this person (§5.3, §6.2)."""
    if switches.lost_access_status == 403:
        return ApiError(403, "forbidden", "Forbidden")
    return ApiError(404, "notFound", "Not Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who reads a calendar's events, and how much of them: `role` is cut down by narrow scopes."""

    email: str
    role: str

    @property
    def sees_details(self) -> bool:
        """More than busy blocks."""
        return at_least(self.role, "reader")

    @property
    def sees_private_details(self) -> bool:
        """Details of private events."""
        return at_least(self.role, "writer")


def viewer_of(calendar: Calendar, email: str, method: str, granted: Collection[str]) -> Viewer:
    """The viewer behind a token on this calendar. Raises 403 when its scopes do not reach it.

    Role `none` is the caller's to refuse.
    """
    role = role_of(calendar, email)
    scopes = {scope.removeprefix(PREFIX) for scope in granted}
    full = scopes & {"", ".readonly", ".events", ".events.readonly"}
    owned = role == "owner" and scopes & {".events.owned", ".events.owned.readonly"}
    public = calendar.public and ".events.public.readonly" in scopes
    if full or owned or public:
        return Viewer(email=email, role=role)
    if ".events.freebusy" in scopes:
        return Viewer(email=email, role="freeBusyReader" if role != "none" else role)
    raise insufficient_scope(method)


def require_writer(calendar: Calendar, email: str, method: str, granted: Collection[str]) -> None:
    """Raise unless this token may write events here (403 `requiredAccessLevel` for a reader)."""
    scopes = {scope.removeprefix(PREFIX) for scope in granted}
    role = role_of(calendar, email)
    if not scopes & {"", ".events"} and not (role == "owner" and ".events.owned" in scopes):
        raise insufficient_scope(method)
    if not at_least(role, "writerWithoutPrivateAccess"):
        raise ApiError(
            403,
            "requiredAccessLevel",
            "You need to have writer access to this calendar.",
            "calendar",
        )
