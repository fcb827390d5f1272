"""The authorization endpoint: what is refused, what is shown, what comes back."""

from __future__ import annotations

import re

import pytest

from django_goffline.testing.fake_google import FakeGoogle, Switches

from .application import ADA, CALLBACK, EMAIL, EVENTS, READONLY, Application, arrived


def shown_error(answer):
    """Status and error name of an error page, from which nothing leads back."""
    assert "Location" not in answer.headers
    match = re.search(r"Error (\d+): (\w+)", answer.body.decode())
    assert match is not None, answer.body
    assert int(match[1]) == answer.status
    return answer.status, match[2]


def with_switches(**switches):
    fake = FakeGoogle(switches=Switches(**switches))
    fake.add_account(ADA)
    return Application(fake=fake, client=fake.add_client(redirect_uris=[CALLBACK]))


@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK + "/",
        CALLBACK.upper(),
        CALLBACK.replace("https", "http"),
        CALLBACK + "?x=1",
        "https://app.example.com:443/callback",
    ],
)
def test_redirect_uris_match_exactly_or_nothing_redirects(app, uri):
    assert shown_error(app.authorize(redirect_uri=uri)) == (400, "redirect_uri_mismatch")


def test_an_installed_client_listens_at_any_loopback_port(fake):
    app = Application(fake=fake, client=fake.add_client(kind="installed"))
    for uri in ("http://127.0.0.1:50123/", "http://[::1]:9", "http://localhost:1/x"):
        assert app.authorize(redirect_uri=uri).status == 200
    for uri in ("https://example.com/", "http://127.0.0.1.example.com/"):
        assert shown_error(app.authorize(redirect_uri=uri)) == (400, "redirect_uri_mismatch")
    oob = app.authorize(redirect_uri="urn:ietf:wg:oauth:2.0:oob")
    assert shown_error(oob) == (400, "invalid_request")


def test_unknown_and_deleted_clients_get_a_page(app):
    assert shown_error(app.authorize(client_id="nobody")) == (401, "invalid_client")
    app.fake.oauth.delete_client(app.client.client_id)
    assert shown_error(app.authorize()) == (401, "deleted_client")
    app.fake.oauth.restore_client(app.client.client_id)
    assert app.authorize().status == 200


def test_a_client_is_restored_within_thirty_days_only(app):
    app.fake.oauth.delete_client(app.client.client_id)
    app.fake.clock.advance(31 * 86400)
    with pytest.raises(ValueError, match="30 days"):
        app.fake.oauth.restore_client(app.client.client_id)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"prompt": "consent", "approval_prompt": "force"}, "Conflict params"),
        ({"prompt": "none consent"}, "Invalid parameter value for prompt"),
        ({"prompt": "login"}, "Invalid parameter value for prompt"),
        ({"access_type": "ofline"}, "Invalid parameter value for access_type"),
        ({"code_challenge_method": "S512"}, "Invalid parameter value for code_challenge_method"),
        ({"include_granted_scopes": "yes"}, "Invalid parameter value for include_granted_scopes"),
        ({"scope": None}, "Missing required parameter: scope"),
        ({"response_type": None}, "Missing required parameter: response_type"),
        ({"redirect_uri": None}, "Missing required parameter: redirect_uri"),
        ({"client_id": None}, "Missing required parameter: client_id"),
    ],
)
@pytest.mark.parametrize("path", ["/o/oauth2/v2/auth", "/o/oauth2/auth"])
def test_wrong_parameters_get_a_page(app, path, changes, text):
    answer = app.authorize(path=path, **changes)
    assert shown_error(answer) == (400, "invalid_request")
    assert text in answer.body.decode()


def test_wrong_scopes_and_response_types_return_to_the_client_or_not(app):
    assert arrived(app.authorize(scope="calender")) == {
        "error": "invalid_scope",
        "state": "planted-state",
        "iss": "https://accounts.google.com",
    }
    wrong_type = arrived(app.authorize(response_type="token"))
    assert wrong_type["error"] == "unsupported_response_type"
    other = with_switches(request_errors_redirect=False)
    assert shown_error(other.authorize(scope="calender")) == (400, "invalid_scope")


def test_v1_honours_approval_prompt_and_v2_ignores_it(app):
    app.connect()
    legacy = app.connect(path="/o/oauth2/auth", approval_prompt="force")
    assert "refresh_token" in legacy
    ignored = app.connect(approval_prompt="force")
    assert "refresh_token" not in ignored
    automatic = app.connect(path="/o/oauth2/auth", approval_prompt="auto")
    assert "refresh_token" not in automatic
    wrong = app.authorize(path="/o/oauth2/auth", approval_prompt="yes")
    assert "approval_prompt: &#x27;yes&#x27; is not valid" in wrong.body.decode()


def test_the_callback_has_its_parameters_in_order(app):
    app.fake.add_account("eve@example.org", hosted_domain="example.org")
    callback = app.callback(email="eve@example.org")
    assert list(callback) == ["state", "iss", "code", "scope", "authuser", "hd", "prompt"]
    assert callback["code"].startswith("4/")
    assert len(callback["code"]) <= 256
    assert (callback["state"], callback["hd"]) == ("planted-state", "example.org")
    assert list(app.callback(state=None)) == ["iss", "code", "scope", "authuser", "prompt"]


def test_the_callback_lists_aliases_and_shuffles(app):
    lists = [
        app.callback(scope=f"openid email profile {READONLY}", prompt="consent")["scope"]
        for _ in range(8)
    ]
    assert {frozenset(scopes.split()) for scopes in lists} == {
        frozenset(
            {
                "openid",
                "email",
                "profile",
                EMAIL,
                "https://www.googleapis.com/auth/userinfo.profile",
                READONLY,
            }
        )
    }
    assert len(set(lists)) > 1


def test_refusing_says_access_denied(app):
    page = app.authorize()
    assert arrived(app.press(page, "cancel", scopes=None)) == {
        "error": "access_denied",
        "state": "planted-state",
        "iss": "https://accounts.google.com",
    }
    assert app.press(page, "allow", scopes=None).status == 400


def test_ticking_nothing_leaves_the_identity_or_is_a_refusal(app):
    assert set(app.connect(scopes=[])["scope"].split()) == {"openid", EMAIL}
    assert app.callback(scope=EVENTS, scopes=[])["error"] == "access_denied"


def test_granular_consent_grants_a_subset(app):
    wanted = f"openid email {READONLY} {EVENTS}"
    assert set(app.connect(scope=wanted, scopes=[EVENTS])["scope"].split()) == {
        "openid",
        EMAIL,
        EVENTS,
    }


@pytest.mark.parametrize("by", ["switch", "account"])
def test_without_granular_consent_it_is_all_or_nothing(by):
    app = with_switches(granular_consent=by != "switch")
    app.fake.oauth.accounts[ADA].granular = by != "account"
    granted = app.connect(scope=f"{READONLY} {EVENTS}", scopes=[], login_hint=ADA)["scope"]
    assert set(granted.split()) == {READONLY, EVENTS}


def test_a_page_without_boxes_grants_all_to_whoever_is_chosen(app):
    app.fake.add_account("eve@example.com").granular = False
    callback = app.callback(login_hint="eve@example.com", email=ADA)
    assert READONLY in callback["scope"].split()


def test_a_second_consent_shows_no_screen_and_gives_no_refresh_token(app):
    first = app.callback(login_hint=ADA)
    again = app.authorize(login_hint=ADA.upper())
    assert (first["prompt"], arrived(again)["prompt"]) == ("consent", "none")
    assert "refresh_token" not in app.exchange(arrived(again)["code"]).json()
    assert app.authorize(login_hint=ADA, prompt="select_account").status == 200


def test_prompt_none_needs_a_consent_that_covers_all(app):
    refused = arrived(app.authorize(prompt="none", login_hint=ADA))
    assert (refused["error"], refused["error_subtype"]) == (
        "interaction_required",
        "access_denied",
    )
    app.callback()
    assert arrived(app.authorize(prompt="none", login_hint=ADA))["prompt"] == "none"
    more = arrived(app.authorize(prompt="none", login_hint=ADA, scope=EVENTS))
    assert more["error"] == "interaction_required"
    nobody = arrived(app.authorize(prompt="none", login_hint="eve@example.com"))
    assert nobody["error"] == "interaction_required"


def test_include_granted_scopes_merges_the_whole_project(app):
    sibling = Application(fake=app.fake, client=app.fake.add_client(redirect_uris=[CALLBACK]))
    stranger = Application(
        fake=app.fake, client=app.fake.add_client(redirect_uris=[CALLBACK], project_id="other")
    )
    app.connect()
    merged = sibling.connect(scope=EVENTS, include_granted_scopes="true")["scope"]
    assert set(merged.split()) == {"openid", EMAIL, READONLY, EVENTS}
    assert sibling.connect(scope=EVENTS, prompt="consent")["scope"] == EVENTS
    assert stranger.connect(scope=EVENTS, include_granted_scopes="true")["scope"] == EVENTS


def test_installed_clients_have_no_incremental_authorization(fake):
    app = Application(
        fake=fake, client=fake.add_client(kind="installed"), redirect_uri="http://127.0.0.1:1/"
    )
    app.connect()
    assert app.connect(scope=EVENTS, include_granted_scopes="true")["scope"] == EVENTS


def test_the_administrator_blocks_on_the_page_or_in_the_callback(app):
    app.fake.oauth.admin_policy(ADA, [READONLY])
    blocked = app.press(app.authorize(), scopes=None)
    assert shown_error(blocked) == (400, "admin_policy_enforced")
    assert app.callback(scope=EVENTS)["code"]
    app.fake.oauth.lift_admin_policy(ADA)
    assert app.callback()["code"]
    other = with_switches(admin_block_redirects=True)
    other.fake.oauth.admin_policy(ADA)
    assert other.callback()["error"] == "admin_policy_enforced"


def test_apps_in_testing_and_internal_apps_have_a_closed_door(fake):
    testing = fake.add_client(
        redirect_uris=[CALLBACK], publishing_status="testing", test_users=["eve@example.com"]
    )
    internal = fake.add_client(redirect_uris=[CALLBACK], internal_to="example.org")
    for client, error in ((testing, "access_denied"), (internal, "org_internal")):
        app = Application(fake=fake, client=client)
        assert shown_error(app.press(app.authorize(), scopes=None)) == (403, error)


def test_a_blocked_account_is_not_offered(app):
    page = app.authorize()
    app.fake.oauth.block(ADA)
    assert ADA not in app.authorize().body.decode()
    assert shown_error(app.press(page, scopes=None)) == (400, "invalid_request")


def test_a_consent_page_is_good_once_and_for_an_hour(app):
    page = app.authorize()
    assert arrived(app.press(page, scopes=None))["code"]
    assert shown_error(app.press(page, scopes=None)) == (400, "invalid_request")
    late = app.authorize(prompt="consent")
    app.fake.clock.advance(3601)
    assert shown_error(app.press(late, scopes=None)) == (400, "invalid_request")


def test_what_comes_from_a_client_is_escaped(app):
    answer = app.authorize(redirect_uri="https://x/<script>alert(1)</script>")
    assert b"<script>" not in answer.body


def test_unlisted_parameters_pass_or_not():
    assert with_switches().authorize(foo="1").status == 200
    strict = with_switches(unlisted_parameters_refused=True)
    assert shown_error(strict.authorize(foo="1")) == (400, "invalid_request")
    assert strict.authorize(login_hint=ADA).status == 200


def test_the_issuer_in_callbacks_is_a_switch():
    app = with_switches(iss_in_callback=False, iss_in_error_callback=False)
    assert "iss" not in app.callback()
    assert "iss" not in arrived(app.press(app.authorize(), "cancel", scopes=None))
