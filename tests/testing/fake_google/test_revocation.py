"""Revocation ends person × project, through every client."""

from __future__ import annotations

import pytest

from django_goffline.testing.fake_google import FakeGoogle, Switches

from .application import ADA, CALLBACK, EVENTS, Application, refused


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_either_token_kills_every_token_of_the_project(app, kind):
    sibling = Application(fake=app.fake, client=app.fake.add_client(redirect_uris=[CALLBACK]))
    stranger = Application(
        fake=app.fake, client=app.fake.add_client(redirect_uris=[CALLBACK], project_id="other")
    )
    mine = app.connect()
    theirs, others = sibling.connect(scope=EVENTS), stranger.connect()
    assert app.revoke(mine[kind]).status == 200
    for application, tokens in ((app, mine), (sibling, theirs)):
        assert refused(application.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
        assert not application.works(tokens["access_token"])
    assert stranger.refresh(others["refresh_token"]).status == 200
    assert stranger.works(others["access_token"])


def test_other_people_are_left_alone(app):
    app.fake.add_account("eve@example.com")
    eve = app.exchange(app.callback(email="eve@example.com")["code"]).json()
    app.revoke(app.connect()["refresh_token"])
    assert app.refresh(eve["refresh_token"]).status == 200


def test_after_it_the_next_consent_is_a_first_one(app):
    app.revoke(app.connect()["refresh_token"])
    assert "refresh_token" in app.connect()


def test_a_dead_token_is_an_error(app):
    token = app.connect()["refresh_token"]
    app.revoke(token)
    for dead in (token, "1//unknown"):
        answer = app.revoke(dead)
        assert refused(answer) == (400, "invalid_token")


def test_or_it_is_not():
    fake = FakeGoogle(switches=Switches(revoke_twice_succeeds=True))
    fake.add_account(ADA)
    app = Application(fake=fake, client=fake.add_client(redirect_uris=[CALLBACK]))
    token = app.connect()["refresh_token"]
    assert app.revoke(token).status == app.revoke(token).status == 200


def test_the_token_may_be_in_the_query_but_not_missing(app):
    token = app.connect()["refresh_token"]
    assert app.send("GET", "/revoke", query={"token": token}).status == 404
    assert app.send("POST", "/revoke", query={"token": token}).status == 200
    assert refused(app.revoke("")) == (400, "invalid_request")


def test_the_person_removes_one_app_or_all(app):
    other = Application(
        fake=app.fake, client=app.fake.add_client(redirect_uris=[CALLBACK], project_id="other")
    )
    mine, theirs = app.connect()["refresh_token"], other.connect()["refresh_token"]
    app.fake.oauth.revoke_by_person(ADA, "other")
    assert refused(other.refresh(theirs)) == (400, "invalid_grant")
    assert app.refresh(mine).status == 200
    app.fake.oauth.revoke_by_person(ADA)
    assert refused(app.refresh(mine)) == (400, "invalid_grant")
