"""The token endpoint: exchange, refresh, and all the ways a token dies."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

import pytest

from django_goffline.testing.fake_google import FakeGoogle, Switches

from .application import ADA, CALLBACK, EMAIL, EVENTS, READONLY, Application, refused

HOUR = 3600
DAY = 24 * HOUR
FRESHLY_DEAD = "Token has been expired or revoked."


def description(answer):
    assert answer.status in (400, 401, 403), answer.status
    return answer.json()["error"], answer.json().get("error_description")


def with_switches(**switches):
    fake = FakeGoogle(switches=Switches(**switches))
    fake.add_account(ADA)
    return Application(fake=fake, client=fake.add_client(redirect_uris=[CALLBACK]))


class TestExchange:
    def test_the_answer(self, app):
        answer = app.exchange(app.callback()["code"])
        tokens = answer.json()
        assert answer.headers["Cache-Control"].startswith("no-cache, no-store")
        assert set(tokens) == {
            "access_token",
            "expires_in",
            "scope",
            "token_type",
            "refresh_token",
            "id_token",
        }
        assert (tokens["expires_in"], tokens["token_type"]) == (3599, "Bearer")
        assert tokens["refresh_token"].startswith("1//")
        assert set(tokens["scope"].split()) == {"openid", EMAIL, READONLY}
        assert app.works(tokens["access_token"])

    def test_scopes_come_in_any_order(self, app):
        wanted = f"openid email profile {READONLY} {EVENTS}"
        orders = {app.connect(scope=wanted, prompt="consent")["scope"] for _ in range(8)}
        assert len(orders) > 1
        assert len({frozenset(order.split()) for order in orders}) == 1

    def test_openid_comes_along_with_email_or_not(self):
        assert "openid" in with_switches().connect(scope="email")["scope"].split()
        without = with_switches(openid_added=False).connect(scope="email")
        assert (without["scope"], "id_token" in without) == (EMAIL, False)

    def test_a_refresh_token_is_for_offline_access_only(self, app):
        assert "refresh_token" not in app.connect(access_type=None)
        assert "refresh_token" in app.connect()
        assert "refresh_token" not in app.connect()
        assert "refresh_token" in app.connect(prompt="consent")

    def test_a_code_works_once_and_takes_its_tokens_along(self, app):
        code = app.callback()["code"]
        tokens = app.exchange(code).json()
        assert refused(app.exchange(code)) == (400, "invalid_grant")
        assert refused(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
        assert not app.works(tokens["access_token"])

    def test_a_reused_code_may_leave_its_tokens_alive(self):
        app = with_switches(reused_code_revokes=False)
        code = app.callback()["code"]
        tokens = app.exchange(code).json()
        assert refused(app.exchange(code)) == (400, "invalid_grant")
        assert app.refresh(tokens["refresh_token"]).status == 200

    def test_a_code_lives_ten_minutes(self, app):
        code, later = app.callback()["code"], app.callback(prompt="consent")["code"]
        app.fake.clock.advance(600)
        assert app.exchange(code).status == 200
        app.fake.clock.advance(1)
        assert refused(app.exchange(later)) == (400, "invalid_grant")

    def test_a_code_is_bound_to_client_and_redirect_uri(self, app):
        other = Application(fake=app.fake, client=app.fake.add_client(redirect_uris=[CALLBACK]))
        code = app.callback()["code"]
        assert description(other.exchange(code)) == ("invalid_grant", "Bad Request")
        wrong = app.exchange(code, redirect_uri=CALLBACK + "/")
        assert description(wrong) == ("redirect_uri_mismatch", "Bad Request")
        assert app.exchange(code).status == 200

    @pytest.mark.parametrize("method", ["S256", "plain", None])
    def test_a_code_is_bound_to_its_verifier(self, app, method):
        verifier = "v" * 43
        digest = hashlib.sha256(verifier.encode()).digest()
        hashed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        code = app.callback(
            code_challenge=hashed if method == "S256" else verifier, code_challenge_method=method
        )["code"]
        assert description(app.exchange(code)) == ("invalid_grant", "Missing code verifier.")
        wrong = app.exchange(code, code_verifier="w" * 43)
        assert description(wrong) == ("invalid_grant", "Invalid code verifier.")
        assert app.exchange(code, code_verifier=verifier).status == 200

    def test_a_verifier_that_nobody_asked_for(self, app):
        answer = app.exchange(app.callback()["code"], code_verifier="v" * 43)
        assert description(answer) == (
            "invalid_grant",
            "code_verifier or verifier is not needed.",
        )

    @pytest.mark.parametrize(
        ("form", "expected"),
        [
            ({}, ("invalid_request", "Missing required parameter: grant_type")),
            ({"grant_type": "x"}, ("unsupported_grant_type", "Invalid grant_type: x")),
            (
                {"grant_type": "authorization_code"},
                ("invalid_request", "Missing required parameter: code"),
            ),
            (
                {"grant_type": "authorization_code", "code": "4/x"},
                ("invalid_request", "Missing parameter: redirect_uri"),
            ),
            (
                {"grant_type": "authorization_code", "code": "4/x", "redirect_uri": CALLBACK},
                ("invalid_grant", "Bad Request"),
            ),
            (
                {"grant_type": "authorization_code", "code": "4%2Fx", "redirect_uri": CALLBACK},
                ("invalid_grant", "Malformed auth code."),
            ),
            (
                {"grant_type": "refresh_token"},
                ("invalid_request", "Missing required parameter: refresh_token"),
            ),
        ],
    )
    def test_malformed_requests(self, app, form, expected):
        assert description(app.token(form)) == expected


class TestRefresh:
    def test_the_answer_has_no_refresh_token(self, app):
        first = app.connect()
        answer = app.refresh(first["refresh_token"]).json()
        assert set(answer) == {"access_token", "expires_in", "scope", "token_type", "id_token"}
        assert answer["access_token"] != first["access_token"]
        assert app.works(first["access_token"])
        assert app.fake.oauth.refreshes == {ADA: 1}

    def test_what_it_leaves_out_or_writes_otherwise_is_a_switch(self):
        app = with_switches(
            refresh_returns_id_token=False, refresh_returns_scope=False, expires_in_is_string=True
        )
        answer = app.refresh(app.connect()["refresh_token"]).json()
        assert set(answer) == {"access_token", "expires_in", "token_type"}
        assert answer["expires_in"] == "3599"

    def test_scopes_may_only_narrow(self, app):
        token = app.connect()["refresh_token"]
        assert app.refresh(token, scope=READONLY).json()["scope"] == READONLY
        assert description(app.refresh(token, scope=EVENTS)) == ("invalid_scope", "Bad Request")

    def test_another_clients_token(self, app):
        token = app.connect()["refresh_token"]
        other = Application(fake=app.fake, client=app.fake.add_client())
        assert refused(other.refresh(token)) == (401, "unauthorized_client")

    def test_a_living_token_may_be_refused_once(self):
        app = with_switches(first_refresh_refused=True, rotate_refresh_tokens=True)
        token = app.connect()["refresh_token"]
        assert description(app.refresh(token)) == ("invalid_grant", "Bad Request")
        token = app.refresh(token).json()["refresh_token"]
        assert app.refresh(token).status == 200

    def test_an_unknown_token(self, app):
        assert description(app.refresh("1//unknown")) == ("invalid_grant", "Bad Request")

    def test_rotation_leaves_the_old_token_a_grace(self):
        app = with_switches(rotate_refresh_tokens=True, rotation_grace=60)
        old = app.connect()["refresh_token"]
        new = app.refresh(old).json()["refresh_token"]
        assert new != old
        app.fake.clock.advance(50)
        assert app.refresh(old).status == 200
        app.fake.clock.advance(20)
        assert refused(app.refresh(old)) == (400, "invalid_grant")
        assert app.refresh(new).status == 200


class TestDeath:
    def test_the_text_turns_generic_after_twelve_hours(self, app):
        token = app.connect()["refresh_token"]
        app.fake.oauth.revoke_by_person(ADA)
        assert description(app.refresh(token)) == ("invalid_grant", FRESHLY_DEAD)
        app.fake.clock.advance(12 * HOUR - 1)
        assert description(app.refresh(token)) == ("invalid_grant", FRESHLY_DEAD)
        app.fake.clock.advance(1)
        assert description(app.refresh(token)) == ("invalid_grant", "Bad Request")

    def test_six_months_without_use(self, app):
        token = app.connect()["refresh_token"]
        for _ in range(3):
            app.fake.clock.advance(180 * DAY)
            assert app.refresh(token).status == 200
        app.fake.clock.advance(182 * DAY)
        assert description(app.refresh(token)) == ("invalid_grant", FRESHLY_DEAD)

    def test_seven_days_in_testing(self, fake):
        client = fake.add_client(redirect_uris=[CALLBACK], publishing_status="testing")
        app = Application(fake=fake, client=client)
        tokens = app.connect()
        identity = app.connect(scope="openid email", prompt="consent")
        assert tokens["refresh_token_expires_in"] == 7 * DAY
        assert "refresh_token_expires_in" not in identity
        fake.clock.advance(6 * DAY)
        # Counted from consent: using it doesn't help.
        assert app.refresh(tokens["refresh_token"]).json()["refresh_token_expires_in"] == DAY
        fake.clock.advance(DAY)
        assert refused(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
        assert app.refresh(identity["refresh_token"]).status == 200

    def test_time_based_access(self, app):
        app.fake.oauth.limit_access(ADA, timedelta(days=30))
        tokens = app.connect()
        assert tokens["refresh_token_expires_in"] == 30 * DAY
        app.fake.clock.advance(30 * DAY)
        assert description(app.refresh(tokens["refresh_token"])) == ("invalid_grant", FRESHLY_DEAD)

    def test_the_hundred_and_first_kills_the_oldest(self, app):
        client_id = app.client.client_id
        tokens = [
            app.fake.issue_grant(ADA, client_id, [READONLY])["refresh_token"] for _ in range(100)
        ]
        assert app.refresh(tokens[0]).status == 200
        app.fake.issue_grant(ADA, client_id, [READONLY])
        assert refused(app.refresh(tokens[0])) == (400, "invalid_grant")
        assert app.refresh(tokens[1]).status == 200

    def test_a_password_change_kills_gmail_tokens_only(self, app):
        calendar = app.connect()["refresh_token"]
        mail = app.connect(scope="https://mail.google.com/", prompt="consent")["refresh_token"]
        app.fake.oauth.change_password(ADA)
        assert app.refresh(calendar).status == 200
        assert refused(app.refresh(mail)) == (400, "invalid_grant")

    def test_an_administrators_block_can_be_lifted(self, app):
        app.fake.add_account("eve@example.org", hosted_domain="example.org")
        token = app.exchange(app.callback(email="eve@example.org")["code"]).json()["refresh_token"]
        app.fake.oauth.admin_policy("example.org", [READONLY])
        assert refused(app.refresh(token)) == (400, "admin_policy_enforced")
        app.fake.oauth.lift_admin_policy("example.org")
        assert app.refresh(token).status == 200

    def test_session_control_asks_for_a_new_consent(self, app):
        token = app.connect()["refresh_token"]
        app.fake.oauth.rapt_required(ADA)
        answer = app.refresh(token)
        assert refused(answer) == (400, "invalid_grant")
        assert answer.json()["error_subtype"] == "invalid_rapt"
        app.connect(prompt="consent")
        assert app.refresh(token).status == 200

    def test_a_blocked_account_and_its_return(self, app):
        tokens = app.connect()
        app.fake.oauth.block(ADA)
        assert refused(app.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
        assert not app.works(tokens["access_token"])
        app.fake.oauth.unblock(ADA)
        assert app.refresh(tokens["refresh_token"]).status == 200

    def test_access_tokens_live_an_hour_or_until_told(self, app):
        tokens = app.connect()
        app.fake.clock.advance(3598)
        assert app.works(tokens["access_token"])
        app.fake.clock.advance(1)
        assert not app.works(tokens["access_token"])
        fresh = app.refresh(tokens["refresh_token"]).json()["access_token"]
        app.fake.oauth.expire_access_tokens(ADA)
        assert not app.works(fresh)
        assert app.refresh(tokens["refresh_token"]).status == 200
