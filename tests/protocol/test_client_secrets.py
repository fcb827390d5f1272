from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_goffline.protocol.client_secrets import ClientSecretsError, read_client_secrets
from django_goffline.protocol.endpoints import GOOGLE, Endpoints

CONFIG = {
    "client_id": "111122223333-q1w2.apps.googleusercontent.com",
    "project_id": "example-project",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "token_uri": "https://oauth2.googleapis.com/token",
    "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
    "client_secret": "GOCSPX-x",
    "redirect_uris": ["https://app.example.com/google/callback"],
    "javascript_origins": ["https://app.example.com"],
}


def file(kind="web", **changes):
    config = {name: value for name, value in (CONFIG | changes).items() if value is not None}
    return json.dumps({kind: config})


@pytest.mark.parametrize("kind", ["web", "installed"])
@pytest.mark.parametrize("encode", [str, str.encode, lambda text: b"\xef\xbb\xbf" + text.encode()])
def test_googles_file(kind, encode):
    secrets = read_client_secrets(encode(file(kind)), endpoints=GOOGLE)
    assert secrets.kind == kind
    assert secrets.client_id == CONFIG["client_id"]
    assert secrets.client_secret == "GOCSPX-x"
    assert secrets.project_id == "example-project"
    assert secrets.redirect_uris == ("https://app.example.com/google/callback",)


def test_what_may_be_absent():
    bare = file(auth_uri=None, token_uri=None, project_id=None, redirect_uris=None)
    secrets = read_client_secrets(bare)
    assert (secrets.project_id, secrets.redirect_uris) == ("", ())


def test_a_fakes_file_fits_the_fake_alone():
    fake = Endpoints.at("http://127.0.0.1:8800")
    theirs = file(auth_uri=fake.authorization_legacy, token_uri=fake.token)
    assert read_client_secrets(theirs, endpoints=fake).kind == "web"
    # The real one's file is good as well: a proxy may stand before Google.
    assert read_client_secrets(file(), endpoints=fake).kind == "web"
    with pytest.raises(ClientSecretsError, match="does not point to Google"):
        read_client_secrets(theirs, endpoints=GOOGLE)
    with pytest.raises(ClientSecretsError, match="does not point to Google"):
        read_client_secrets(theirs, endpoints=Endpoints.at("http://127.0.0.1:8801"))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (file()[:-20], "truncated"),
        ("", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        ("[]", "does not describe"),
        ("[" * 100_000, "not valid JSON"),
        ("AIzaSyExample", "API key"),
        ('{"type": "service_account", "private_key": "k"}', "service account"),
        ('{"type": "authorized_user", "refresh_token": "1//r"}', "one person's stored credentials"),
        ("{}", "neither"),
        (json.dumps({"web": CONFIG, "installed": CONFIG}), "both"),
        ('{"web": []}', "not an object"),
        (file(**{"3pi": "x"}), "workforce"),
        (file(client_id=None), "'client_id' is missing"),
        (file(client_secret=None), "'client_secret' is missing"),
        (file(client_secret=" "), "'client_secret' is missing"),
        (file(client_secret=7), "'client_secret' is missing"),
        (file(client_id="1\n2"), "'client_id' is missing or malformed"),
        (file(token_uri="https://evil.example/token"), "'token_uri' does not point to Google"),
        (file(token_uri="http://oauth2.googleapis.com/token"), "'token_uri' does not point"),
        (file(token_uri="https://oauth2.googleapis.com:99999/"), "'token_uri' does not point"),
        (file(token_uri="https://oauth2.googleapis.com@evil.example/"), "'token_uri' does not"),
        (file(auth_uri=7), "'auth_uri' does not point"),
    ],
)
def test_refusals(data, told):
    with pytest.raises(ClientSecretsError, match=told):
        read_client_secrets(data, endpoints=GOOGLE)


@given(
    st.dictionaries(
        st.sampled_from(sorted(CONFIG)), st.none() | st.integers() | st.text() | st.lists(st.text())
    )
)
def test_any_file_is_read_or_refused(changes):
    try:
        secrets = read_client_secrets(json.dumps({"web": CONFIG | changes}))
    except ClientSecretsError as error:
        assert str(error)
    else:
        assert secrets.client_id
