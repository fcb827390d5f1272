"""The person's browser, with and without a socket."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from django_goffline.testing.adapter import InProcessAdapter
from django_goffline.testing.browser import BrowserStopped, agree, refuse
from django_goffline.testing.fake_google import FakeGoogle, FakeGoogleServer

CALLBACK = "http://localhost:1/callback"
READONLY = "https://www.googleapis.com/auth/calendar.readonly"
EVENTS = "https://www.googleapis.com/auth/calendar.events"
ADA = "ada@example.com"


@pytest.fixture
def fake():
    fake = FakeGoogle()
    fake.add_account(ADA)
    fake.add_account("eve@example.com")
    return fake


@pytest.fixture
def session(fake):
    with requests.Session() as session:
        yield InProcessAdapter(fake).mount_on(session)


@pytest.fixture
def url(fake):
    client = fake.add_client(redirect_uris=[CALLBACK])

    def build(base="https://accounts.google.com", **changes):
        parameters = {
            "client_id": client.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": f"openid email {READONLY} {EVENTS}",
            "state": "s",
            **changes,
        }
        return f"{base}/o/oauth2/v2/auth?{urlencode(parameters)}"

    return build


def answer_of(location):
    assert location.startswith(f"{CALLBACK}?")
    return dict(parse_qsl(urlsplit(location).query))


def test_agreeing_over_http(fake, url):
    with FakeGoogleServer(fake) as server:
        answer = answer_of(agree(url(server.url), email=ADA))
    assert {READONLY, EVENTS} <= set(answer["scope"].split())


def test_agreeing_in_process_to_some(session, url):
    answer = answer_of(agree(url(), email=ADA, scopes=["openid", EVENTS], session=session))
    assert EVENTS in answer["scope"].split()
    assert READONLY not in answer["scope"].split()


def test_the_chosen_account_is_the_one(fake, session, url):
    location = agree(url(login_hint=ADA), email="eve@example.com", session=session)
    (code,) = fake.oauth.codes.values()
    assert answer_of(location)["code"] == code.value
    assert code.sub == fake.oauth.accounts["eve@example.com"].sub


def test_no_screen_no_form(session, url):
    agree(url(), email=ADA, session=session)
    again = agree(url(login_hint=ADA), email=ADA, session=session)
    assert answer_of(again)["prompt"] == "none"


def test_refusing(session, url):
    assert answer_of(refuse(url(), email=ADA, session=session))["error"] == "access_denied"


def test_google_shows_an_error_instead(fake, session, url):
    with pytest.raises(BrowserStopped, match="redirect_uri_mismatch") as caught:
        agree(url(redirect_uri="http://localhost:2/"), email=ADA, session=session)
    assert caught.value.status == 400
    fake.oauth.admin_policy(ADA)
    with pytest.raises(BrowserStopped, match="admin_policy_enforced"):
        agree(url(), email=ADA, session=session)


def test_wanting_what_is_not_offered(session, url):
    with pytest.raises(ValueError, match=r"drive\.readonly"):
        agree(url(), email=ADA, scopes=["drive.readonly"], session=session)
