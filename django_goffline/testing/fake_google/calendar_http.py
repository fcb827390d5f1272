"""The Calendar API's front door: from a raw path to an endpoint, and the small endpoints.

Job: routing below `/calendar/v3/` on the percent-encoded path (ids hold `#`, `@` and `/`), the scope
table, the quota. Rule: order of refusals as at Google: unknown path 404, scope 403, quota, then the
endpoint's own. Source: discovery document of Calendar v3; reference §4.4, §5.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from urllib.parse import unquote

from . import events_http
from .access import ROLES, at_least, require_scope, role_of
from .calendar_call import CalendarWorld, Call
from .calendar_lists import ListQuery
from .calendar_model import etag_of
from .event_times import parse_rfc3339, seconds
from .freebusy import busy_blocks
from .palette import colors, setting
from .parameters import boolean, integer, invalid, one_of
from .wire import ApiError, Json, Request, Response, json_response

PREFIX = "/calendar/v3/"
MOST_FREE_BUSY_CALENDARS = 50


def route(
    fake: CalendarWorld, request: Request, account: str, granted_scopes: Collection[str]
) -> Response:
    """Answer one Calendar call of that account (its e-mail). Raises ``ApiError``."""
    segments = [unquote(part) for part in request.path.removeprefix(PREFIX).split("/")]
    known_path = False
    for verb, pattern, method, endpoint in ROUTES:
        wanted = pattern.split("/")
        if len(wanted) != len(segments):
            continue
        if any(want not in ("*", got) for want, got in zip(wanted, segments, strict=True)):
            continue
        known_path = True
        if verb != request.method:
            continue
        require_scope(method, granted_scopes)
        fake.calendar.quota.charge(account, fake.clock.now())
        call = Call(
            world=fake, request=request, email=account, scopes=granted_scopes, method=method
        )
        ids = [got for want, got in zip(wanted, segments, strict=True) if want == "*"]
        return endpoint(call, *ids)
    if known_path:
        raise ApiError(405, "httpMethodNotAllowed", "Method Not Allowed")
    raise ApiError(404, "notFound", "Not Found")


def list_calendars(call: Call) -> Response:
    """calendarList.list: a page of a full or incremental run."""
    request = call.request
    sync_token = request.parameter("syncToken")
    hidden, deleted = boolean(request, "showHidden"), boolean(request, "showDeleted")
    role = one_of(request, "minAccessRole", ROLES[1:])
    if sync_token is not None:
        refused = {
            "minAccessRole": role is not None,
            "showOwnOrganizationOnly": boolean(request, "showOwnOrganizationOnly") is True,
            "showDeleted": deleted is False,
            "showHidden": hidden is False,
        }
        for name, wrong in refused.items():
            if wrong:
                message = f"Sync token cannot be used with {name} parameter."
                raise invalid(name, message, reason=call.world.switches.sync_conflict_reason)
    query = ListQuery(
        show_deleted=deleted or False,
        show_hidden=hidden or False,
        min_access_role=role,
        max_results=integer(request, "maxResults", low=1, high=250) or 100,
        page_token=request.parameter("pageToken"),
        sync_token=sync_token,
    )
    return json_response(call.state.lists.page(call.email, query, changes=call.state.book.change))


def get_list_entry(call: Call, calendar_id: str) -> Response:
    """calendarList.get."""
    real_id = call.email if calendar_id == "primary" else calendar_id
    return json_response(call.state.lists.render(call.email, call.state.entry(call.email, real_id)))


def get_calendar(call: Call, calendar_id: str) -> Response:
    """calendars.get: properties without anybody's own view."""
    calendar = call.calendar(calendar_id)
    document: Json = {
        "kind": "calendar#calendar",
        "etag": etag_of(calendar.change),
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
    }
    optional = {"description": calendar.description, "location": calendar.location}
    document |= {name: value for name, value in optional.items() if value is not None}
    return json_response(document)


def get_colors(call: Call) -> Response:
    """colors.get."""
    return json_response(colors())


def list_settings(call: Call) -> Response:
    """settings.list: all on one page; a sync token brings nothing, settings stand still here."""
    values = call.state.settings[call.email]
    synced = call.request.parameter("syncToken") is not None
    items = [] if synced else [setting(name, value) for name, value in sorted(values.items())]
    return json_response(
        {
            "kind": "calendar#settings",
            "etag": '"s0"',
            "items": items,
            "nextSyncToken": call.state.settings_token(call.email),
        }
    )


def get_setting(call: Call, name: str) -> Response:
    """settings.get."""
    values = call.state.settings[call.email]
    if name not in values:
        raise ApiError(404, "notFound", "Not Found")
    return json_response(setting(name, values[name]))


def query_free_busy(call: Call) -> Response:
    """freeBusy.query: always 200, with an error beside each calendar that fails."""
    body = call.request.json()
    after, before = _instant(body, "timeMin"), _instant(body, "timeMax")
    if after >= before:
        message = "The specified time range is empty."
        raise ApiError(400, "timeRangeEmpty", message, "calendar", location="timeMax")
    wanted = [str(item.get("id", "")) for item in body.get("items", [])]
    calendars: Json = {}
    for number, calendar_id in enumerate(wanted):
        real_id = call.email if calendar_id == "primary" else calendar_id
        calendar = call.state.calendars.get(real_id)
        reason = None
        if number >= MOST_FREE_BUSY_CALENDARS:
            reason = "tooManyCalendarsRequested"
        elif calendar is None or not at_least(role_of(calendar, call.email), "freeBusyReader"):
            reason = "notFound"
        if calendar is None or reason is not None:
            error = {"domain": "global", "reason": reason}
            calendars[calendar_id] = {"errors": [error], "busy": []}
        else:
            blocks = busy_blocks(call.state.world, calendar, call.email, after=after, before=before)
            calendars[calendar_id] = {"busy": blocks}
    return json_response(
        {
            "kind": "calendar#freeBusy",
            "timeMin": seconds(after),
            "timeMax": seconds(before),
            "calendars": calendars,
        }
    )


def _instant(body: Json, name: str) -> datetime:
    try:
        return parse_rfc3339(str(body[name]))
    except KeyError:
        raise ApiError(400, "required", f"Missing {name}.") from None
    except ValueError:
        raise ApiError(400, "badRequest", "Bad Request") from None


_EVENTS = "calendars/*/events"
ROUTES: tuple[tuple[str, str, str, Callable[..., Response]], ...] = (
    ("GET", "users/me/calendarList", "CalendarList.List", list_calendars),
    ("GET", "users/me/calendarList/*", "CalendarList.Get", get_list_entry),
    ("GET", "users/me/settings", "Settings.List", list_settings),
    ("GET", "users/me/settings/*", "Settings.Get", get_setting),
    ("GET", "colors", "Colors.Get", get_colors),
    ("POST", "freeBusy", "Freebusy.Query", query_free_busy),
    ("GET", "calendars/*", "Calendars.Get", get_calendar),
    ("GET", _EVENTS, "Events.List", events_http.list_events),
    ("POST", _EVENTS, "Events.Insert", events_http.insert_event),
    ("GET", f"{_EVENTS}/*", "Events.Get", events_http.get_event),
    ("PUT", f"{_EVENTS}/*", "Events.Update", events_http.update_event),
    ("PATCH", f"{_EVENTS}/*", "Events.Patch", events_http.patch_event),
    ("DELETE", f"{_EVENTS}/*", "Events.Delete", events_http.delete_event),
    ("GET", f"{_EVENTS}/*/instances", "Events.Instances", events_http.list_instances),
    ("POST", f"{_EVENTS}/*/move", "Events.Move", events_http.move_event),
)
