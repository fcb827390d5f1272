"""The endpoints of the `events` resource: one function each.

Job: from a `Call` and the ids in its path to a response (reference §5.2, §5.5, §5.6). Rule: no rules
here but the order of checks: access, role, preconditions, body, then the state.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta

from .access import at_least, require_writer, role_of
from .calendar_call import Call
from .calendar_model import Calendar, EventRecord
from .event_bodies import check_event, check_id
from .event_times import seconds, zone_named
from .events import FIXED, merged
from .parameters import boolean, check_range, event_query, integer, moment, zone_name
from .sealed import fingerprint
from .series import Instance, instances
from .views import EventView
from .wire import ApiError, Json, Response, json_response


def list_events(call: Call, calendar_id: str) -> Response:
    """events.list: a page of a full or incremental run."""
    calendar = call.calendar(calendar_id)
    viewer = call.viewer(calendar)
    request = call.request
    return json_response(
        call.state.event_lists.page(
            calendar,
            viewer,
            event_query(request, call.world.switches),
            changes=call.state.book.change,
            max_results=integer(request, "maxResults", low=1, high=2500) or 250,
            page_token=request.parameter("pageToken"),
            sync_token=request.parameter("syncToken"),
            reminders=call.default_reminders(calendar),
        )
    )


def get_event(call: Call, calendar_id: str, event_id: str) -> Response:
    """events.get: stored events, exceptions, generated instances; deleted ones say so."""
    calendar = call.calendar(calendar_id)
    return json_response(call.state.rendered(calendar, _view(call, calendar), event_id))


def list_instances(call: Call, calendar_id: str, event_id: str) -> Response:
    """events.instances: a page of one series' instances by original start."""
    calendar = call.calendar(calendar_id)
    view = _view(call, calendar)
    request = call.request
    master = call.state.stored(calendar, event_id)
    check_range(request)
    rows = sorted(_instances(call, calendar, master), key=lambda row: row.original.stamp)
    mark = fingerprint(
        {"i": event_id, "c": calendar.id, "q": sorted(
            pair for pair in request.query if pair[0] not in ("pageToken", "maxResults")
        )}
    )  # fmt: skip
    after, number = None, 0
    page_token = request.parameter("pageToken")
    if page_token is not None:
        resumed = call.state.pager.resume("instances", page_token, mark)
        after, number = resumed["key"], resumed["number"]
    first = bisect_right(rows, after[0], key=lambda row: row.original.stamp) if after else 0
    size = integer(request, "maxResults", low=1, high=2500) or 250
    page = rows[first : first + min(size, call.world.switches.largest_page)]
    answer: Json = {
        "kind": "calendar#events",
        "etag": f'"p{fingerprint({"m": mark, "v": calendar.version, "n": number})}"',
        "summary": calendar.summary,
        "updated": seconds(calendar.updated),
        "timeZone": request.parameter("timeZone") or calendar.time_zone,
        "accessRole": view.viewer.role,
        "defaultReminders": [dict(entry) for entry in call.default_reminders(calendar)],
        "items": [view.instance(row) for row in page],
    }
    if page and page[-1] is not rows[-1]:
        answer["nextPageToken"] = call.state.pager.page_token(
            "instances", mark, key=[page[-1].original.stamp], number=number + 1, started=0
        )
    return json_response(answer)


def insert_event(call: Call, calendar_id: str) -> Response:
    """events.insert."""
    calendar = _writable(call, calendar_id)
    body = call.request.json()
    if body.get("id"):
        check_id(str(body["id"]))
    check_event(body, calendar.zone)
    inserted = call.state.insert_event(calendar.id, body, call.email)
    return json_response(call.state.rendered(calendar, _view(call, calendar), inserted["id"]))


def update_event(call: Call, calendar_id: str, event_id: str) -> Response:
    """events.update: the body replaces the event."""
    return _written(call, calendar_id, event_id, replace=True)


def patch_event(call: Call, calendar_id: str, event_id: str) -> Response:
    """events.patch: the body changes the event."""
    return _written(call, calendar_id, event_id, replace=False)


def delete_event(call: Call, calendar_id: str, event_id: str) -> Response:
    """events.delete: 204; 410 for a second time."""
    calendar = _writable(call, calendar_id)
    _check_etag(call, calendar, event_id)
    call.state.book.delete(calendar, call.state.writable(calendar, event_id))
    return Response(status=204)


def move_event(call: Call, calendar_id: str, event_id: str) -> Response:
    """events.move: the event changes its calendar, and so its organizer."""
    source = _writable(call, calendar_id)
    wanted = call.request.parameter("destination")
    if wanted is None:
        raise ApiError(400, "required", "Required parameter: destination", location="destination")
    target = _writable(call, wanted)
    record = call.state.stored(source, event_id)
    if record.cancelled:
        raise ApiError(404, "notFound", "Not Found")
    if record.master_id is not None:
        message = "Cannot change the organizer of an instance."
        raise ApiError(400, "cannotChangeOrganizerOfInstance", message, "calendar")
    if record.body.get("eventType", "default") != "default":
        raise ApiError(400, "eventTypeRestriction", "This event cannot be moved.", "calendar")
    call.state.book.move(source, record, target)
    return json_response(call.state.rendered(target, _view(call, target), event_id))


def _view(call: Call, calendar: Calendar) -> EventView:
    request = call.request
    if call.method.startswith(("Events.Get", "Events.Instances")):
        viewer = call.viewer(calendar)
    else:
        # Who may write sees the answer of the write; the scope was checked before.
        viewer = call.state.viewer(calendar, call.email)
    return EventView(
        calendar,
        viewer,
        call.world.switches,
        zone=zone_named(zone_name(request)),
        max_attendees=integer(request, "maxAttendees", low=1),
    )


def _writable(call: Call, calendar_id: str) -> Calendar:
    calendar = call.calendar(calendar_id)
    require_writer(calendar, call.email, call.method, call.scopes)
    return calendar


def _visibility(call: Call, calendar: Calendar, event_id: str) -> str | None:
    record = calendar.events.get(event_id)
    if record is None or record.orphaned:
        record, _ = call.state.generated(calendar, event_id)
    visibility: str | None = record.body.get("visibility")
    return visibility


def _written(call: Call, calendar_id: str, event_id: str, *, replace: bool) -> Response:
    calendar = _writable(call, calendar_id)
    body = call.request.json()
    _check_etag(call, calendar, event_id)
    current = call.state.rendered(calendar, _view(call, calendar), event_id)
    private = _visibility(call, calendar, event_id) in ("private", "confidential")
    if private and not at_least(role_of(calendar, call.email), "writer"):
        raise ApiError(403, "forbidden", "Forbidden")
    whole = body if replace else merged(current, body)
    check_event(whole, calendar.zone)
    kind = current.get("eventType", "default")
    if body.get("eventType", kind) != kind:
        raise ApiError(400, "eventTypeRestriction", "The event type cannot be changed.", "calendar")
    changes = {name: value for name, value in body.items() if name not in FIXED}
    record = call.state.writable(calendar, event_id)
    call.state.book.write(calendar, record, changes, replace=replace)
    return json_response(call.state.rendered(calendar, _view(call, calendar), event_id))


def _check_etag(call: Call, calendar: Calendar, event_id: str) -> None:
    """412 `conditionNotMet` when If-Match names another version."""
    wanted = call.request.headers.get("If-Match")
    if wanted is None or wanted == "*":
        return
    record = calendar.events.get(event_id)
    if record is None:
        record, _ = call.state.generated(calendar, event_id)
    if wanted != record.etag:
        raise ApiError(
            412,
            "conditionNotMet",
            "Precondition Failed",
            location="If-Match",
            location_type="header",
        )


def _instances(call: Call, calendar: Calendar, master: EventRecord) -> list[Instance]:
    request = call.request
    show_deleted = boolean(request, "showDeleted") or False
    if calendar.gone(master) and not show_deleted:
        return []
    original = moment(request, "originalStart")
    switches = call.world.switches
    found = instances(
        calendar,
        master,
        after=moment(request, "timeMin"),
        before=moment(request, "timeMax"),
        horizon=call.world.clock.now() + timedelta(days=switches.endless_series_days),
        start_counts=switches.unsynchronised_start_counts,
    )
    return [
        row
        for row in found
        if (show_deleted or row.record is None or not row.record.cancelled)
        and (original is None or row.original.moment(calendar.zone) == original)
    ]
