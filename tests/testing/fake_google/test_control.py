"""The remote control, as another process uses it."""

from __future__ import annotations

import json

import pytest

from django_goffline.testing.fake_google import Fault, control
from django_goffline.testing.fake_google.wire import Headers, Request

from .application import ADA, CALLBACK, NOON


@pytest.fixture
def call(fake):
    def call(method, path, document=None, **query):
        answer = fake.handle(
            Request(
                method=method,
                path=f"/_fake/{path}",
                query=list(query.items()),
                headers=Headers({"Host": "127.0.0.1:9"}),
                body=json.dumps(document).encode() if document is not None else b"",
            )
        )
        return answer.status, json.loads(answer.body)

    return call


def test_clients_and_their_files(call, fake):
    assert call("GET", "client_secret.json")[0] == 404
    status, made = call("POST", "clients", {"redirect_uris": [CALLBACK]})
    assert status == 200
    for query in ({}, made):
        file = call("GET", "client_secret.json", **query)[1]
        assert file == fake.client_secret_json(made["client_id"], "http://127.0.0.1:9")
    assert call("POST", "clients", {"kind": "odd"})[0] == 400
    assert call("POST", "clients", {"odd": 1})[0] == 400


def test_accounts(call, fake):
    status, made = call("POST", "accounts", {"email": "eve@example.com", "name": "Eve"})
    assert (status, made["sub"]) == (200, fake.oauth.accounts["eve@example.com"].sub)
    assert call("POST", "accounts", {"email": "eve@example.com"})[0] == 400


def test_the_clock(call, fake):
    assert call("POST", "clock", {"advance": 60})[1] == {"now": "2030-01-01T12:01:00+00:00"}
    call("POST", "clock", {"set": NOON.isoformat()})
    assert fake.clock.now() == NOON
    for wrong in ({"advance": "x"}, {"set": "x"}, {"set": "2030-01-01T00:00:00"}):
        assert call("POST", "clock", wrong)[0] == 400


def test_faults(call, fake):
    assert call("POST", "faults", {"path": "/token$", "status": 503})[1] == {"pending": 1}
    assert fake.faults.pending == [Fault(path="/token$", status=503)]
    assert call("POST", "faults", {"odd": 1})[0] == 400
    assert call("POST", "faults", {"reason": "x"})[0] == 400
    assert call("POST", "faults/clear")[1] == {"pending": 0}


def test_faults_and_the_journal_leave_the_control_alone(call, fake):
    fake.faults.add(Fault(status=500))
    assert call("GET", "journal") == (200, {"entries": []})
    assert len(fake.faults.pending) == 1


def test_the_journal(call, app):
    app.refresh("1//planted-token")
    (entry,) = call("GET", "journal")[1]["entries"]
    assert (entry["path"], entry["status"]) == ("/token", 400)
    assert "planted-token" not in json.dumps(entry)
    call("POST", "journal/clear")
    assert call("GET", "journal")[1] == {"entries": []}


def test_refreshes(call, app):
    assert call("GET", "refreshes")[1] == {ADA: 0}
    app.refresh(app.connect()["refresh_token"])
    assert call("GET", "refreshes")[1] == {ADA: 1}


def test_levers_of_the_oauth_side(call, app):
    token = app.connect()["refresh_token"]
    assert call("POST", "oauth/revoke_by_person", {"email": ADA}) == (200, None)
    assert app.refresh(token).status == 400
    assert call("POST", "oauth/revoke_by_person", {"email": "nobody"})[0] == 400


def test_levers_of_the_calendar_side(call, fake):
    body = {
        "summary": "Lunch",
        "start": {"dateTime": "2030-01-02T12:00:00Z"},
        "end": {"dateTime": "2030-01-02T13:00:00Z"},
    }
    status, event = call("POST", "calendar/insert_event", {"calendar_id": ADA, "body": body})
    assert (status, event["summary"]) == (200, "Lunch")
    state = call("GET", "state", email=ADA)[1]
    assert [entry["id"] for entry in state["calendars"]] == [ADA]
    assert state["events"] == {ADA: fake.calendar.full_list(ADA, ADA)}
    assert [item["id"] for item in state["events"][ADA]] == [event["id"]]
    between = {"start": "2030-01-02T00:00:00Z", "end": "2030-01-03T00:00:00+00:00"}
    instances = call(
        "POST", "calendar/instances_between", {"email": ADA, "calendar_id": ADA, **between}
    )[1]
    assert [instance["id"] for instance in instances] == [event["id"]]
    assert call("GET", "state", email="nobody")[0] == 404


@pytest.mark.parametrize("path", ["calendar/book", "oauth/keep", "oauth/__init__", "odd/block", ""])
def test_nothing_else_can_be_called(call, path):
    assert call("POST", path, {})[0] == 404


def test_every_listed_lever_exists(fake):
    missing = [name for name in control.CALENDAR_LEVERS if not hasattr(fake.calendar, name)]
    missing += [name for name in control.OAUTH_LEVERS if not hasattr(fake.oauth, name)]
    assert missing == []
