"""Ordered faults: which requests, how often, and whether the work is done all the same."""

from __future__ import annotations

import pytest

from django_goffline.testing.fake_google import Fault

from .application import ADA, READONLY


@pytest.fixture
def token(app):
    return app.fake.issue_grant(ADA, app.client.client_id, ["openid", READONLY])["refresh_token"]


def statuses(app, token, times):
    return [app.refresh(token).status for _ in range(times)]


def test_the_next_n_calls_fail_and_are_not_carried_out(app, token):
    app.fake.faults.add(Fault(path="/token$", times=2, status=503))
    assert statuses(app, token, 3) == [503, 503, 200]
    assert app.fake.oauth.refreshes[ADA] == 1
    assert app.fake.faults.pending == []


def test_they_are_used_in_order(app, token):
    app.fake.faults.add(Fault(path="/token$", status=500), Fault(status=429, times=None))
    assert statuses(app, token, 3) == [500, 429, 429]
    app.fake.faults.clear()
    assert statuses(app, token, 1) == [200]


def test_some_pass_first(app, token):
    app.fake.faults.add(Fault(path="/token$", skip=2, status=502))
    assert statuses(app, token, 4) == [200, 200, 502, 200]


def test_they_are_for_a_path_a_method_and_a_user(app, token):
    app.fake.add_account("eve@example.com")
    eve = app.fake.issue_grant("eve@example.com", app.client.client_id, ["openid"])
    app.fake.faults.add(Fault(path="/token$", method="POST", user="eve@example.com", status=500))
    assert statuses(app, token, 1) == [200]
    assert app.send("GET", "/v1/userinfo", bearer=eve["access_token"]).status == 200
    assert statuses(app, eve["refresh_token"], 2) == [500, 200]


def test_bodies_and_headers(app, token):
    app.fake.faults.add(
        Fault(status=502, body="<html>Bad gateway</html>", headers={"Retry-After": "7"}),
        Fault(status=500, body={"error": "server_error"}),
        Fault(status=503, body=b"\xff"),
        Fault(status=400, reason="invalid_grant"),
        Fault(status=500),
    )
    html, document, raw, reason, default = (app.refresh(token) for _ in range(5))
    assert (html.body, html.headers["Retry-After"]) == (b"<html>Bad gateway</html>", "7")
    assert html.headers["Content-Type"].startswith("text/html")
    assert document.json() == {"error": "server_error"}
    assert raw.body == b"\xff"
    assert reason.json() == {"error": "invalid_grant"}
    assert default.json() == {"error": "internal_failure"}


def test_reasons_of_the_calendar_api_have_its_shape(app):
    app.fake.faults.add(Fault(path="^/calendar/", status=403, reason="rateLimitExceeded"))
    answer = app.send("GET", "/calendar/v3/users/me/calendarList")
    error = answer.json()["error"]
    assert (answer.status, error["code"]) == (403, 403)
    assert error["errors"][0]["reason"] == "rateLimitExceeded"
    assert error["message"] == "Rate Limit Exceeded"


def test_without_a_status_the_work_is_done(app, token):
    app.fake.faults.add(Fault(delay=5, cut="middle", headers={"X-Odd": "1"}))
    answer = app.refresh(token)
    assert (answer.status, answer.delay, answer.cut) == (200, 5, "middle")
    assert answer.headers["X-Odd"] == "1"
    assert app.fake.oauth.refreshes[ADA] == 1


def test_cut_before_means_nothing_was_done(app, token):
    app.fake.faults.add(Fault(cut="before", delay=1))
    answer = app.refresh(token)
    assert (answer.cut, answer.delay) == ("before", 1)
    assert app.fake.oauth.refreshes[ADA] == 0


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="needs a status"):
        Fault(reason="backendError")
    with pytest.raises(ValueError, match="regular expression"):
        Fault(path="(", status=500)
