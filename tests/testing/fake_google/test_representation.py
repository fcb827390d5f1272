"""What the front end does to requests and answers of the API."""

from __future__ import annotations

import gzip
import json

import pytest

from django_goffline.testing.fake_google import representation
from django_goffline.testing.fake_google.field_selection import selected
from django_goffline.testing.fake_google.wire import (
    ApiError,
    Headers,
    OAuthError,
    Request,
    error_info,
    json_response,
)

PAGE = {
    "kind": "calendar#events",
    "etag": '"p1"',
    "nextPageToken": "t",
    "items": [
        {"id": "a", "start": {"date": "2030-01-01"}, "end": {"date": "2030-01-02"}},
        {"id": "b", "start": {"dateTime": "x", "timeZone": "UTC"}},
    ],
}


def get(query=(), **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method="GET", path="/calendar/v3/x", query=list(query), headers=Headers(named))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("kind", {"kind": "calendar#events"}),
        ("nextPageToken,items/id", {"nextPageToken": "t", "items": [{"id": "a"}, {"id": "b"}]}),
        (
            "items(id,start/date)",
            {"items": [{"id": "a", "start": {"date": "2030-01-01"}}, {"id": "b", "start": {}}]},
        ),
        (
            "items(id),items(start/timeZone)",
            {"items": [{"id": "a", "start": {}}, {"id": "b", "start": {"timeZone": "UTC"}}]},
        ),
        ("items,items/id", {"items": PAGE["items"]}),
        ("*", PAGE),
        ("unknown", {}),
    ],
)
def test_fields_select(fields, expected):
    assert selected(PAGE, fields) == expected


def test_a_star_stands_for_every_name_at_its_place():
    document = {"a": {"x": 1, "y": 2}, "b": {"y": 3}, "c": 4}
    assert selected(document, "*/x") == {"a": {"x": 1}, "b": {}, "c": 4}


@pytest.mark.parametrize("fields", ["items(", "items(id", "a,,b", ",", "a)", "a/", "a b", "{}"])
def test_broken_fields_are_an_error(fields):
    with pytest.raises(ApiError) as caught:
        selected(PAGE, fields)
    assert (caught.value.status, caught.value.location) == (400, "fields")


def test_etags_and_not_modified():
    fresh = representation.presented(get(), json_response(PAGE))
    assert fresh.headers["ETag"] == '"p1"'
    same = representation.presented(get(If_None_Match='"p1"'), json_response(PAGE))
    assert (same.status, same.rendered()) == (304, b"")
    other = representation.presented(get(If_None_Match='"p0"'), json_response(PAGE))
    assert other.status == 200
    partial = representation.presented(get([("fields", "kind")]), json_response(PAGE))
    assert (partial.headers["ETag"], partial.json()) == ('"p1"', {"kind": "calendar#events"})


@pytest.mark.parametrize(
    ("headers", "zipped"),
    [
        ({"Accept_Encoding": "gzip", "User_Agent": "x (gzip)"}, True),
        ({"Accept_Encoding": "gzip", "User_Agent": "x"}, False),
        ({"User_Agent": "x (gzip)"}, False),
    ],
)
def test_gzip_needs_both_headers(headers, zipped):
    answer = representation.encoded(get(**headers), json_response({"long": "x" * 1000}))
    assert (answer.headers.get("Content-Encoding") == "gzip") is zipped
    body = gzip.decompress(answer.body) if zipped else answer.body
    assert json.loads(body) == answer.json() == {"long": "x" * 1000}


def test_pretty_printing_is_the_default_of_the_api():
    pretty = representation.encoded(get(), json_response(PAGE)).body
    compact = representation.encoded(get([("prettyPrint", "false")]), json_response(PAGE)).body
    assert json.loads(pretty) == json.loads(compact) == PAGE
    assert b"\n" in pretty
    assert b"\n" not in compact


def test_a_long_get_may_travel_as_a_post():
    posted = Request(
        method="POST",
        path="/x",
        query=[("alt", "json")],
        headers=Headers({"x-http-method-override": "GET"}),
        body=b"syncToken=a%3D%3D&maxResults=5",
    )
    actual = representation.overridden(posted)
    assert (actual.method, actual.body) == ("GET", b"")
    assert actual.query == [("alt", "json"), ("syncToken", "a=="), ("maxResults", "5")]
    assert representation.overridden(get()) == get()


def test_errors_of_the_api_in_both_shapes():
    classic = ApiError(410, "fullSyncRequired", "m", "calendar", location="syncToken").response()
    assert classic.json() == {
        "error": {
            "errors": [
                {
                    "domain": "calendar",
                    "reason": "fullSyncRequired",
                    "message": "m",
                    "locationType": "parameter",
                    "location": "syncToken",
                }
            ],
            "code": 410,
            "message": "m",
        }
    }
    details = [error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", {"service": "s"})]
    mixed = ApiError(403, "insufficientPermissions", "m", details=details).response().json()
    assert mixed["error"]["status"] == "PERMISSION_DENIED"
    assert mixed["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_errors_of_oauth_leave_out_what_is_absent():
    assert OAuthError(400, "invalid_grant").response().json() == {"error": "invalid_grant"}
    full = OAuthError(400, "invalid_grant", "d", "invalid_rapt").response()
    assert full.json()["error_subtype"] == "invalid_rapt"
    assert full.headers["Cache-Control"] == "no-store"


def test_bodies_that_are_no_json_object():
    for body in (b"{", b"[]", b"\xff"):
        with pytest.raises(ApiError) as caught:
            Request(method="POST", path="/", body=body).json()
        assert caught.value.reason == "parseError"
    assert Request(method="POST", path="/").json() == {}


def test_calls_without_a_good_token(app):
    missing = app.send("GET", "/calendar/v3/users/me/calendarList")
    dead = app.send("GET", "/calendar/v3/users/me/calendarList", bearer="ya29.dead")
    for answer, reason in ((missing, "required"), (dead, "authError")):
        assert answer.status == 401
        assert answer.json()["error"]["errors"][0]["reason"] == reason
        assert answer.json()["error"]["errors"][0]["location"] == "Authorization"
        assert answer.headers["WWW-Authenticate"].startswith(
            'Bearer realm="https://accounts.google.com/"'
        )
    assert 'error="invalid_token"' in dead.headers["WWW-Authenticate"]
