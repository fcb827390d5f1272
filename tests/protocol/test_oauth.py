from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta

import pytest
import requests

from django_goffline.protocol.endpoints import GOOGLE
from django_goffline.protocol.errors import (
    AnswerError,
    ClientBrokenError,
    ExchangeRejectedError,
    GrantDeadError,
    TransientError,
)
from django_goffline.protocol.oauth import (
    authorization_url,
    exchange_code,
    fetch_userinfo,
    new_nonce,
    new_pkce,
    new_state,
    refresh_token,
    revoke_token,
)
from django_goffline.protocol.scopes import CALENDAR_READONLY, EMAIL, OPENID

from .wire import SECRETS

REDIRECT = "https://app.example.com/goffline/callback/"


def url(**more):
    return authorization_url(
        GOOGLE,
        client_id="1-a.apps.googleusercontent.com",
        redirect_uri=REDIRECT,
        scopes=["email", CALENDAR_READONLY, "openid"],
        state="the-state",
        nonce="the-nonce",
        code_challenge="the-challenge",
        **more,
    )


def test_the_whole_authorization_url():
    assert url() == (
        "https://accounts.google.com/o/oauth2/v2/auth"
        "?scope=openid+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar.readonly"
        "+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email"
        "&state=the-state"
        "&redirect_uri=https%3A%2F%2Fapp.example.com%2Fgoffline%2Fcallback%2F"
        "&response_type=code"
        "&client_id=1-a.apps.googleusercontent.com"
        "&access_type=offline"
        "&prompt=consent"
        "&code_challenge=the-challenge"
        "&code_challenge_method=S256"
        "&nonce=the-nonce"
    )


def test_the_whole_legacy_authorization_url():
    assert url(
        legacy=True,
        login_hint="ada+x@example.com",
        hosted_domain="example.com",
        include_granted_scopes=True,
    ) == (
        "https://accounts.google.com/o/oauth2/auth"
        "?scope=openid+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcalendar.readonly"
        "+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email"
        "&state=the-state"
        "&redirect_uri=https%3A%2F%2Fapp.example.com%2Fgoffline%2Fcallback%2F"
        "&response_type=code"
        "&client_id=1-a.apps.googleusercontent.com"
        "&access_type=offline"
        "&approval_prompt=force"
        "&code_challenge=the-challenge"
        "&code_challenge_method=S256"
        "&nonce=the-nonce"
        "&login_hint=ada%2Bx%40example.com"
        "&hd=example.com"
        "&include_granted_scopes=true"
    )


def test_pkce():
    pkce = new_pkce()
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", pkce.verifier)
    digest = hashlib.sha256(pkce.verifier.encode()).digest()
    assert base64.urlsafe_b64decode(pkce.challenge + "=") == digest


@pytest.mark.parametrize("make", [new_state, new_nonce, lambda: new_pkce().verifier])
def test_randomness(make):
    made = {make() for _ in range(50)}
    assert len(made) == 50
    assert min(map(len, made)) >= 43


def exchange(transport, endpoints, credentials, now):
    return exchange_code(
        transport,
        endpoints,
        credentials,
        code=SECRETS["code"],
        redirect_uri=REDIRECT,
        code_verifier=SECRETS["code_verifier"],
        now=now,
    )


def refresh(transport, endpoints, credentials, now):
    return refresh_token(
        transport, endpoints, credentials, refresh_token=SECRETS["refresh_token"], now=now
    )


def test_exchange(google, transport, endpoints, credentials, now):
    google.answer(
        200,
        {
            "access_token": "ya29.a",
            "expires_in": 3599,
            "refresh_token": "1//r",
            "refresh_token_expires_in": 604_799,
            "scope": f"email {CALENDAR_READONLY} openid",
            "token_type": "Bearer",
            "id_token": "e.y.j",
            "new": "ignored",
        },
    )
    reply = exchange(transport, endpoints, credentials, now)
    assert google.form == {
        "grant_type": "authorization_code",
        "code": SECRETS["code"],
        "redirect_uri": REDIRECT,
        "client_id": "client-1",
        "client_secret": SECRETS["client_secret"],
        "code_verifier": SECRETS["code_verifier"],
    }
    assert google.sent[0].url == endpoints.token
    assert "Authorization" not in google.sent[0].headers
    assert (reply.access_token, reply.refresh_token, reply.id_token) == ("ya29.a", "1//r", "e.y.j")
    assert reply.expires_at == now + timedelta(seconds=3599)
    assert reply.refresh_expires_at == now + timedelta(seconds=604_799)
    assert reply.scopes == (CALENDAR_READONLY, EMAIL, OPENID)


def test_refresh(google, transport, endpoints, credentials, now):
    google.answer(200, {"access_token": "ya29.b", "expires_in": "3599", "token_type": "bearer"})
    reply = refresh(transport, endpoints, credentials, now)
    # Never a scope: one that was not granted would be an error.
    assert google.form == {
        "grant_type": "refresh_token",
        "refresh_token": SECRETS["refresh_token"],
        "client_id": "client-1",
        "client_secret": SECRETS["client_secret"],
    }
    assert reply.expires_at == now + timedelta(seconds=3599)
    assert (reply.refresh_token, reply.refresh_expires_at) == (None, None)
    assert (reply.scopes, reply.id_token) == (None, None)


@pytest.mark.parametrize("seconds", [None, "soon", [], True, float("nan"), 10**30, "9" * 5000])
def test_an_expiry_that_is_none(google, transport, endpoints, credentials, now, seconds):
    google.answer(200, {"access_token": "ya29.b", "expires_in": seconds})
    assert refresh(transport, endpoints, credentials, now).expires_at is None


@pytest.mark.parametrize(
    "empty", [{"refresh_token": "", "scope": "", "id_token": ""}, {"scope": 7}]
)
def test_what_says_nothing_replaces_nothing(google, transport, endpoints, credentials, now, empty):
    google.answer(200, {"access_token": "ya29.b", **empty})
    reply = refresh(transport, endpoints, credentials, now)
    assert (reply.refresh_token, reply.scopes, reply.id_token) == (None, None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        [],
        {},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a", "token_type": "MAC"},
    ],
)
def test_an_answer_without_a_token(google, transport, endpoints, credentials, now, body):
    google.answer(200, body)
    with pytest.raises(AnswerError):
        refresh(transport, endpoints, credentials, now)


def test_dead_tokens_and_dead_codes_are_different(google, transport, endpoints, credentials, now):
    google.answer(400, {"error": "invalid_grant"})
    google.answer(400, {"error": "invalid_grant"})
    with pytest.raises(GrantDeadError):
        refresh(transport, endpoints, credentials, now)
    with pytest.raises(ExchangeRejectedError):
        exchange(transport, endpoints, credentials, now)


def test_network_failure(google, transport, endpoints, credentials, now):
    google.answers.append(requests.ConnectionError("gone"))
    with pytest.raises(TransientError):
        exchange(transport, endpoints, credentials, now)
    assert len(google.sent) == 1


@pytest.mark.parametrize(("status", "body"), [(200, {}), (400, {"error": "invalid_token"})])
def test_revoke(google, transport, endpoints, status, body):
    google.answer(status, body)
    revoke_token(transport, endpoints, SECRETS["refresh_token"])
    assert google.sent[0].url == endpoints.revocation
    assert google.form == {"token": SECRETS["refresh_token"]}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [(503, {}, TransientError), (401, {"error": "invalid_client"}, ClientBrokenError)],
)
def test_revoke_fails(google, transport, endpoints, status, body, expected):
    google.answer(status, body)
    with pytest.raises(expected):
        revoke_token(transport, endpoints, SECRETS["refresh_token"])


def test_userinfo(google, transport, endpoints):
    google.answer(200, {"sub": "1"})
    assert fetch_userinfo(transport, endpoints, "ya29.a") == {"sub": "1"}
    assert google.sent[0].headers["Authorization"] == "Bearer ya29.a"
    google.answer(200, ["sub"])
    with pytest.raises(AnswerError):
        fetch_userinfo(transport, endpoints, "ya29.a")
