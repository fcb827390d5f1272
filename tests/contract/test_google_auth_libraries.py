"""Google's own google-auth-oauthlib and google-auth drive the fake over HTTP, from consent to revoke."""

from __future__ import annotations

import base64

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import id_token
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError

from django_goffline.testing import browser
from django_goffline.testing.fake_google import FakeGoogle, FakeGoogleServer, Fault

ADA = "ada@example.com"
CALLBACK = "http://localhost:1/callback"
READONLY = "https://www.googleapis.com/auth/calendar.readonly"
EVENTS = "https://www.googleapis.com/auth/calendar.events"
SCOPES = ["openid", "https://www.googleapis.com/auth/userinfo.email", READONLY]


@pytest.fixture
def server():
    fake = FakeGoogle()
    fake.add_account(ADA, name="Ada Lovelace", hosted_domain="example.com")
    fake.add_client(redirect_uris=[CALLBACK])
    with FakeGoogleServer(fake) as server:
        yield server


@pytest.fixture
def transport():
    with requests.Session() as session:
        yield Request(session=session)


@pytest.fixture
def build_flow(server, monkeypatch):
    # oauthlib refuses plain http otherwise.
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    (client_id,) = server.fake.oauth.clients
    config = server.fake.client_secret_json(client_id, server.url)
    flows = []

    def build(**options):
        flow = Flow.from_client_config(
            config, scopes=options.pop("scopes", SCOPES), redirect_uri=CALLBACK, **options
        )
        flows.append(flow)
        return flow

    yield build
    for flow in flows:
        flow.oauth2session.close()


def consented(flow, **parameters):
    """The credentials after the person agreed and the library exchanged the code."""
    url, _ = flow.authorization_url(access_type="offline", **parameters)
    flow.fetch_token(authorization_response=browser.agree(url, email=ADA))
    return flow.credentials


def test_from_consent_to_revoke(server, transport, build_flow):
    credentials = consented(build_flow(), prompt="consent")
    assert set(credentials.granted_scopes) == set(SCOPES)
    assert credentials.valid
    first = credentials.token
    credentials.refresh(transport)
    assert credentials.token != first
    assert credentials.valid
    with AuthorizedSession(credentials) as session:
        assert session.get(f"{server.url}/v1/userinfo").json()["email"] == ADA
    revoked = requests.post(
        f"{server.url}/revoke", data={"token": credentials.refresh_token}, timeout=10
    )
    assert revoked.status_code == 200
    with pytest.raises(RefreshError, match="invalid_grant: Token has been expired or revoked"):
        credentials.refresh(transport)


def test_id_tokens_verify_against_the_certificates(server, transport, build_flow):
    flow = build_flow()
    credentials = consented(flow, nonce="planted-nonce")
    client_id = flow.client_config["client_id"]
    certificates = f"{server.url}/oauth2/v1/certs"
    claims = id_token.verify_token(
        credentials.id_token, transport, audience=client_id, certs_url=certificates
    )
    assert claims["sub"] == server.fake.oauth.accounts[ADA].sub
    assert (claims["email"], claims["email_verified"]) == (ADA, True)
    assert (claims["hd"], claims["nonce"], claims["azp"]) == (
        "example.com",
        "planted-nonce",
        client_id,
    )
    with pytest.raises((GoogleAuthError, ValueError), match="audience"):
        id_token.verify_token(
            credentials.id_token, transport, audience="other", certs_url=certificates
        )


def test_id_tokens_verify_against_the_key_set(server, build_flow):
    credentials = consented(build_flow())
    discovery = requests.get(f"{server.url}/.well-known/openid-configuration", timeout=10).json()
    (key,) = requests.get(discovery["jwks_uri"], timeout=10).json()["keys"]
    modulus, exponent = (
        int.from_bytes(base64.urlsafe_b64decode(key[part] + "==="), "big") for part in ("n", "e")
    )
    pem = (
        rsa.RSAPublicNumbers(exponent, modulus)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    claims = jwt.decode(credentials.id_token, certs={key["kid"]: pem})
    assert (claims["email"], claims["iss"]) == (ADA, discovery["issuer"])


def test_a_new_signing_key_is_published(server, transport, build_flow):
    server.fake.oauth.keys.rotate()
    credentials = consented(build_flow())
    certificates = f"{server.url}/oauth2/v1/certs"
    assert id_token.verify_token(credentials.id_token, transport, certs_url=certificates)["email"]


def test_the_library_sends_a_verifier_that_a_second_flow_does_not_know(build_flow):
    url, _ = build_flow().authorization_url(access_type="offline")
    callback = browser.agree(url, email=ADA)
    with pytest.raises(InvalidGrantError, match="Missing code verifier"):
        build_flow(autogenerate_code_verifier=False).fetch_token(authorization_response=callback)


def test_a_subset_of_the_scopes_is_news_to_the_library(build_flow):
    flow = build_flow(scopes=[*SCOPES, EVENTS])
    url, _ = flow.authorization_url(access_type="offline")
    callback = browser.agree(url, email=ADA, scopes=[EVENTS])
    with pytest.raises(Warning, match="Scope has changed"):
        flow.fetch_token(authorization_response=callback)


def test_a_401_makes_the_library_refresh_and_try_again(server, build_flow):
    credentials = consented(build_flow())
    server.fake.oauth.expire_access_tokens(ADA)
    with AuthorizedSession(credentials) as session:
        answer = session.get(f"{server.url}/v1/userinfo")
    assert answer.status_code == 200
    assert server.fake.oauth.refreshes[ADA] == 1


def test_session_control_is_understood(server, transport, build_flow):
    credentials = consented(build_flow())
    server.fake.oauth.rapt_required(ADA)
    with pytest.raises(RefreshError, match="Reauthentication is needed"):
        credentials.refresh(transport)


def test_the_library_tries_again_after_a_503_but_not_after_a_502(
    server, transport, build_flow, monkeypatch
):
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda seconds: None)
    credentials = consented(build_flow())
    server.fake.faults.add(Fault(path="/token$", status=502, body="<html>", times=None))
    with pytest.raises(RefreshError) as caught:
        credentials.refresh(transport)
    assert caught.value.retryable is False
    server.fake.faults.clear()
    server.fake.faults.add(Fault(path="/token$", status=503))
    # google-auth tries again by itself.
    credentials.refresh(transport)
    assert credentials.valid
