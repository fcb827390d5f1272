"""Planted secrets: in no log line, no repr, no error and nothing behind an error."""

from __future__ import annotations

import logging

import pytest
import requests

from django_goffline.protocol.client_secrets import ClientSecretsError, read_client_secrets
from django_goffline.protocol.errors import ConsentAnswerError, GoogleError
from django_goffline.protocol.id_token import read_id_token
from django_goffline.protocol.oauth import (
    ClientCredentials,
    Pkce,
    TokenReply,
    exchange_code,
    fetch_userinfo,
    refresh_token,
    revoke_token,
)
from django_goffline.protocol.transport import Transport

from .wire import SECRETS, everything_about, reply

CALLS = {
    "exchange": lambda transport, endpoints, credentials, now: exchange_code(
        transport,
        endpoints,
        credentials,
        code=SECRETS["code"],
        redirect_uri="http://localhost/",
        code_verifier=SECRETS["code_verifier"],
        now=now,
    ),
    "refresh": lambda transport, endpoints, credentials, now: refresh_token(
        transport, endpoints, credentials, refresh_token=SECRETS["refresh_token"], now=now
    ),
    "revoke": lambda transport, endpoints, credentials, now: revoke_token(
        transport, endpoints, SECRETS["refresh_token"]
    ),
    "userinfo": lambda transport, endpoints, credentials, now: fetch_userinfo(
        transport, endpoints, SECRETS["access_token"]
    ),
}


def parroting(status):
    """A server's answer that quotes all secrets where it can."""
    quoted = " ".join(SECRETS.values())
    body = {
        "error": quoted,
        "error_description": quoted,
        "error_subtype": quoted,
        "access_token": 7,
        "details": quoted,
    }
    return (status, body)


def leaked(text):
    return [name for name, secret in SECRETS.items() if secret in text]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 500, 302])
def test_parroting_answers(call, status, google, endpoints, credentials, now, caplog):
    caplog.set_level(logging.DEBUG)
    google.answer(*parroting(status))
    try:
        CALLS[call](Transport(adapter=google), endpoints, credentials, now)
    except GoogleError as error:
        assert leaked(everything_about(error)) == []
    else:
        assert call in ("revoke", "userinfo")
        assert status == 200
    assert leaked(caplog.text) == []
    assert leaked("".join(repr(vars(record)) for record in caplog.records)) == []


@pytest.mark.parametrize("call", CALLS)
def test_failures_that_quote_the_request(call, google, endpoints, credentials, now):
    google.answers.append(requests.ConnectionError(f"http://x/?{' '.join(SECRETS.values())}"))
    with pytest.raises(GoogleError) as caught:
        CALLS[call](Transport(adapter=google), endpoints, credentials, now)
    assert leaked(everything_about(caught.value)) == []
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("call", CALLS)
def test_urls_carry_no_secret(call, google, endpoints, credentials, now):
    google.answers.append(requests.ConnectionError())
    with pytest.raises(GoogleError):
        CALLS[call](Transport(adapter=google), endpoints, credentials, now)
    assert leaked(google.sent[0].url) == []


def test_logs_of_a_real_exchange(server, caplog):
    caplog.set_level(logging.DEBUG)
    server.script = lambda handler: reply(handler, " ".join(SECRETS.values()).encode(), status=400)
    transport = Transport()
    transport.send(
        "POST",
        f"{server.url}/token",
        query=[("syncToken", "planted-cursor")],
        form=SECRETS,
        bearer=SECRETS["access_token"],
    )
    transport.close()
    assert leaked(caplog.text) == []
    ours = [record for record in caplog.records if record.name == "django_goffline.protocol"]
    assert len(ours) == 1
    assert "/token 400 in " in ours[0].getMessage()
    assert "planted-cursor" not in ours[0].getMessage()


@pytest.mark.parametrize(
    "value",
    [
        ClientCredentials("client-1", SECRETS["client_secret"]),
        Pkce(verifier=SECRETS["code_verifier"], challenge="c"),
        TokenReply(
            access_token=SECRETS["access_token"],
            refresh_token=SECRETS["refresh_token"],
            id_token=SECRETS["id_token"],
        ),
    ],
)
def test_reprs(value):
    assert leaked(f"{value!r} {value!s} {value}") == []


def test_client_secrets(endpoints):
    broken = f'{{"web": {{"client_id": "1", "client_secret": "{SECRETS["client_secret"]}"'
    with pytest.raises(ClientSecretsError) as caught:
        read_client_secrets(broken, endpoints=endpoints)
    assert leaked(everything_about(caught.value)) == []
    assert leaked(repr(read_client_secrets(broken + "}}", endpoints=endpoints))) == []


def test_id_tokens(now):
    with pytest.raises(ConsentAnswerError) as caught:
        read_id_token(
            SECRETS["id_token"],
            client_id="1",
            issuers=["x"],
            nonce="n",
            now=now,
            channel_url="https://oauth2.googleapis.com/token",
        )
    assert leaked(everything_about(caught.value)) == []
