"""Asking: what is refused before a row is written, and the whole consent URL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings

from django_goffline.conf import settings
from django_goffline.exceptions import ConsentRequestError
from django_goffline.flows import consent
from django_goffline.flows.consent import attempts
from django_goffline.models import Activity, ConsentAttempt, ConsentRequest, OAuthClient, token_hash
from django_goffline.protocol.oauth import Pkce
from django_goffline.protocol.scopes import CALENDAR, CALENDAR_READONLY, EMAIL, OPENID
from django_goffline.testing.factories import make_client, make_grant, make_user
from tests.consenting import only_attempt, parameters

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ask(client: OAuthClient, **wish) -> consent.StartedConsent:
    return consent.start(**({"client": client, "now": NOW, "using": "default"} | wish))


@pytest.fixture
def settled(monkeypatch):
    """Every random part of a URL has a known value."""
    monkeypatch.setattr(attempts, "new_state", lambda: "the-state")
    monkeypatch.setattr(attempts, "new_nonce", lambda: "the-nonce")
    monkeypatch.setattr(
        attempts, "new_pkce", lambda: Pkce(verifier="the-verifier", challenge="the-challenge")
    )


def test_the_whole_consent_url(settled):
    client = make_client(client_id="1234-abc.apps.googleusercontent.com")
    assert ask(client, direct=True).url == (
        "https://accounts.google.com/o/oauth2/v2/auth"
        "?scope=openid+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar.readonly"
        "+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email"
        "&state=the-state"
        "&redirect_uri=http%3A%2F%2Flocalhost%3A8000%2Fgoffline%2Fcallback%2F"
        "&response_type=code"
        "&client_id=1234-abc.apps.googleusercontent.com"
        "&access_type=offline"
        "&prompt=consent"
        "&code_challenge=the-challenge"
        "&code_challenge_method=S256"
        "&nonce=the-nonce"
    )


def test_the_whole_consent_url_of_a_legacy_client_with_every_wish(settled):
    client = make_client(
        client_id="1234-abc.apps.googleusercontent.com",
        authorization_style="legacy",
        hosted_domain="example.com",
    )
    grant = make_grant(client=client, email="ada@example.com")
    assert ask(client, direct=True, repairs=grant, scopes=[CALENDAR]).url == (
        "https://accounts.google.com/o/oauth2/auth"
        "?scope=openid+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar"
        "+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar.readonly"
        "+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email"
        "&state=the-state"
        "&redirect_uri=http%3A%2F%2Flocalhost%3A8000%2Fgoffline%2Fcallback%2F"
        "&response_type=code"
        "&client_id=1234-abc.apps.googleusercontent.com"
        "&access_type=offline"
        "&approval_prompt=force"
        "&code_challenge=the-challenge"
        "&code_challenge_method=S256"
        "&nonce=the-nonce"
        "&login_hint=ada%40example.com"
        "&hd=example.com"
        "&include_granted_scopes=true"
    )


def test_two_attempts_share_no_random_part():
    client = make_client()
    first, second = (parameters(ask(client, direct=True).url) for _ in range(2))
    assert all(
        first[name] != second[name] and len(first[name]) >= 43
        for name in ("state", "nonce", "code_challenge")
    )


def test_the_link_is_stored_hashed_and_its_repr_says_nothing():
    started = ask(make_client())
    token = started.url.removeprefix("http://localhost:8000/goffline/connect/").rstrip("/")
    row = ConsentRequest.objects.get()
    assert row.link_hash == token_hash(token)
    assert row.expires_at == NOW + timedelta(seconds=settings.CONSENT_LIFETIME)
    assert token not in repr(started)
    assert not ConsentAttempt.objects.exists()


def test_a_direct_url_is_one_attempt_without_a_browser_for_an_hour():
    started = ask(make_client(), direct=True)
    attempt = only_attempt()
    assert (attempt.browser_hash, attempt.expires_at) == ("", NOW + timedelta(hours=1))
    assert started.request.link_hash is None
    assert attempt.state_hash == token_hash(parameters(started.url)["state"])
    assert attempt.code_verifier.stored().startswith("gof1.")


def test_identity_scopes_are_always_asked_for_and_scopes_are_normalised():
    request = ask(make_client(), scopes=["email", CALENDAR, CALENDAR]).request
    assert request.scopes == [CALENDAR, EMAIL, OPENID]


def test_scopes_come_from_the_wish_then_the_client_then_the_setting():
    client = make_client(default_scopes=[CALENDAR])
    assert CALENDAR in ask(client).request.scopes
    assert CALENDAR_READONLY in ask(make_client()).request.scopes


def test_a_repair_keeps_what_was_wanted_and_names_the_account():
    grant = make_grant(user=make_user(), wanted_scopes=[CALENDAR_READONLY])
    request = ask(grant.client, repairs=grant, scopes=[CALENDAR]).request
    assert set(request.scopes) == {CALENDAR, CALENDAR_READONLY, OPENID, EMAIL}
    assert (request.user, request.expected_sub) == (grant.user, grant.sub)
    assert request.include_granted_scopes


def test_an_installed_client_never_asks_for_scopes_granted_earlier():
    grant = make_grant(client=make_client(kind="installed"))
    assert not ask(grant.client, repairs=grant).request.include_granted_scopes


def test_who_asked_is_written_down():
    ask(make_client(), asked_by=make_user("boss@example.com"), expected_email="ada@example.com")
    line = Activity.objects.get()
    assert (line.kind, line.actor) == ("consent_asked", "boss@example.com")
    assert "ada@example.com" in line.text


REFUSALS = {
    "misspelt scope": ({"scopes": [f"{CALENDAR}.readnoly"]}, CALENDAR_READONLY),
    "no scope at all": ({"scopes": ["calendar"]}, "unknown scope"),
    "no address": ({"expected_email": "ada@"}, "e-mail address"),
    "long purpose": ({"purpose": "x" * 301}, "300"),
    "no life": ({"lifetime": timedelta(0)}, "longer"),
    "long direct life": ({"direct": True, "lifetime": timedelta(hours=25)}, "24 hours"),
    "next elsewhere": ({"next_url": "https://evil.example/"}, "path of this site"),
    "next elsewhere, relative": ({"next_url": "//evil.example/"}, "path of this site"),
    "next with a line break": ({"next_url": "/a\r\nSet-Cookie: x"}, "path of this site"),
    "next with a backslash": ({"next_url": "/\\evil.example"}, "path of this site"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_wrong_wish_is_refused_before_a_row_is_written(name):
    wish, words = REFUSALS[name]
    with pytest.raises(ConsentRequestError, match=words):
        ask(make_client(), **wish)
    assert not ConsentRequest.objects.exists()
    assert not Activity.objects.exists()


def test_a_paused_client_is_refused():
    with pytest.raises(ConsentRequestError, match="paused"):
        ask(make_client(paused_at=NOW, paused_reason="invalid_client"))
    assert not ConsentRequest.objects.exists()


def test_an_inactive_user_is_refused():
    with pytest.raises(ConsentRequestError, match="inactive"):
        ask(make_client(), user=make_user(is_active=False))
    assert not ConsentRequest.objects.exists()


@pytest.mark.parametrize("direct", [False, True])
def test_a_site_without_an_address_is_refused(direct):
    with (
        override_settings(GOFFLINE={"ENCRYPTION_KEYS": settings.ENCRYPTION_KEYS}),
        pytest.raises(ConsentRequestError, match="BASE_URL"),
    ):
        ask(make_client(), direct=direct)
    assert not ConsentRequest.objects.exists()


def test_a_redirect_uri_that_google_refuses_is_refused_here():
    with pytest.raises(ConsentRequestError, match="top-level domain"):
        ask(make_client(redirect_uri="https://intranet.local/callback/"))


def test_a_repair_of_another_clients_or_users_grant_is_refused():
    grant = make_grant(user=make_user())
    with pytest.raises(ConsentRequestError, match="another OAuth client"):
        ask(make_client(), repairs=grant)
    with pytest.raises(ConsentRequestError, match="another user"):
        ask(grant.client, repairs=grant, user=make_user())


def test_a_purpose_becomes_one_line():
    assert ask(make_client(), purpose=" for\nthe\x00 report ").request.purpose == "for the report"
