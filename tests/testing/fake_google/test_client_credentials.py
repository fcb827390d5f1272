"""Basic or body, never both; secrets that rotate; clients that are gone."""

from __future__ import annotations

import pytest

from .application import basic, refused

REFRESH = ("grant_type", "refresh_token")


def call(app, form, headers=None):
    token = app.fake.issue_grant("ada@example.com", app.client.client_id, ["openid"])
    form = [REFRESH, ("refresh_token", token["refresh_token"]), *form]
    return app.send("POST", "/token", form=form, headers=headers)


def body(client, secret=None):
    return [("client_id", client.client_id), ("client_secret", secret or client.client_secret)]


def test_either_place_will_do(app):
    header = basic(app.client.client_id, app.client.client_secret)
    assert call(app, body(app.client)).status == 200
    assert call(app, [], header).status == 200
    # An identification besides Basic is no second method.
    assert call(app, body(app.client)[:1], header).status == 200


def test_both_places_are_one_too_many(app):
    header = basic(app.client.client_id, app.client.client_secret)
    assert refused(call(app, body(app.client), header)) == (400, "invalid_request")
    assert refused(call(app, [("client_id", "other")], header)) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("form", "expected", "text"),
    [
        ([], (400, "invalid_request"), "Could not determine client ID from request."),
        (
            [("client_id", "x"), ("client_secret", "y")],
            (401, "invalid_client"),
            "The OAuth client was not found.",
        ),
    ],
)
def test_who_is_not_known(app, form, expected, text):
    answer = call(app, form)
    assert refused(answer) == expected
    assert answer.json()["error_description"] == text


def test_a_wrong_or_missing_secret(app):
    wrong = call(app, body(app.client, "GOCSPX-wrong"))
    assert refused(wrong) == (401, "invalid_client")
    assert wrong.json()["error_description"] == "Unauthorized"
    missing = call(app, body(app.client)[:1])
    assert refused(missing) == (400, "invalid_request")
    assert missing.json()["error_description"] == "client_secret is missing."


def test_broken_basic_is_no_identification(app):
    assert refused(call(app, [], {"Authorization": "Basic !"})) == (400, "invalid_request")


def test_two_secrets_while_one_is_rotated(app):
    oauth, client = app.fake.oauth, app.client
    old = client.client_secret
    new = oauth.rotate_secret(client.client_id)
    assert call(app, body(client, old)).status == call(app, body(client, new)).status == 200
    with pytest.raises(ValueError, match="two secrets"):
        oauth.rotate_secret(client.client_id)
    oauth.disable_old_secret(client.client_id)
    assert refused(call(app, body(client, old))) == (401, "invalid_client")
    assert call(app, body(client, new)).status == 200


def test_a_deleted_client(app):
    app.fake.oauth.delete_client(app.client.client_id)
    assert refused(call(app, body(app.client))) == (401, "deleted_client")
    app.fake.oauth.restore_client(app.client.client_id)
    assert call(app, body(app.client)).status == 200


def test_the_consoles_file(app):
    file = app.fake.client_secret_json(app.client.client_id, "http://127.0.0.1:9/")
    assert file["web"]["auth_uri"] == "http://127.0.0.1:9/o/oauth2/auth"
    assert file["web"]["token_uri"] == "http://127.0.0.1:9/token"
    assert file["web"]["javascript_origins"] == ["https://app.example.com"]
    installed = app.fake.add_client(kind="installed")
    section = app.fake.client_secret_json(installed.client_id, "http://x")["installed"]
    assert section["redirect_uris"] == ["http://localhost"]
    assert "javascript_origins" not in section


def test_no_secret_in_representations(app):
    tokens = app.connect()
    shown = repr([app.client, *app.fake.oauth.refresh_tokens.values()])
    shown += repr([*app.fake.oauth.codes.values(), *app.fake.oauth.access_tokens.values()])
    planted = [app.client.client_secret, tokens["refresh_token"], tokens["access_token"]]
    assert [
        secret for secret in [*planted, *app.fake.oauth.codes, "planted-state"] if secret in shown
    ] == []


def test_odd_clients_are_refused(fake):
    with pytest.raises(ValueError, match="kind"):
        fake.add_client(kind="desktop")
    with pytest.raises(ValueError, match="publishing_status"):
        fake.add_client(publishing_status="live")
    with pytest.raises(ValueError, match="already"):
        fake.add_account("ada@example.com")
