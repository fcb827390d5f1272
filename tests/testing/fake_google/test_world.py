"""Time, chance, switches, and the journal."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from django_goffline.testing.fake_google import Clock, FakeGoogle, Switches, switches
from django_goffline.testing.fake_google.journal import MASK

from .application import ADA, CALLBACK, NOON, READONLY, Application


class TestClock:
    def test_a_frozen_clock_moves_only_when_told(self):
        clock = Clock(frozen_at=NOON)
        assert clock.now() == clock.now() == NOON
        assert clock.advance(3600) == clock.now() == NOON + timedelta(hours=1)
        clock.set(NOON)
        assert clock.advance(timedelta(days=200)) == NOON + timedelta(days=200)

    def test_a_running_clock_follows_real_time_from_wherever_it_is(self):
        clock = Clock()
        before = datetime.now(UTC)
        assert before <= clock.now() <= datetime.now(UTC)
        clock.set(NOON)
        first = clock.now()
        assert NOON <= first <= clock.now()
        clock.advance(timedelta(days=1))
        assert clock.now() >= NOON + timedelta(days=1)

    def test_freezing_and_resuming_lose_no_time(self):
        clock = Clock()
        assert clock.freeze(NOON) == clock.now() == NOON
        clock.resume()
        assert NOON <= clock.now() < NOON + timedelta(hours=1)

    def test_naive_instants_are_refused(self):
        with pytest.raises(ValueError, match="aware"):
            Clock().set(datetime(2030, 1, 1))


class TestSwitches:
    def test_the_same_chance_draws_the_same(self):
        assert Switches.draw(Random(1)) == Switches.draw(Random(1))
        assert len({Switches.draw(Random(seed)) for seed in range(20)}) > 15

    def test_every_switch_takes_every_form(self):
        drawn = [Switches.draw(Random(seed)) for seed in range(200)]
        for field in fields(Switches):
            forms = set(switches.CHOICES.get(field.name, (False, True)))
            assert {getattr(each, field.name) for each in drawn} == forms, field.name
            assert getattr(Switches(), field.name) in forms, field.name

    def test_every_switch_is_in_the_table(self):
        table = switches.__doc__ or ""
        listed = {line.split()[0] for line in table.splitlines() if line.split()}
        assert {field.name for field in fields(Switches)} - listed == set()

    @pytest.mark.parametrize("seed", range(25))
    def test_consent_refresh_and_revoke_work_under_any_of_them(self, seed):
        fake = FakeGoogle(Clock(frozen_at=NOON), Switches.draw(Random(seed)), seed)
        fake.add_account(ADA)
        app = Application(fake=fake, client=fake.add_client(redirect_uris=[CALLBACK]))
        token = app.connect(login_hint=ADA)["refresh_token"]
        if fake.switches.first_refresh_refused:
            assert app.refresh(token).json()["error"] == "invalid_grant"
        answer = app.refresh(token)
        assert answer.status == 200
        token = answer.json().get("refresh_token", token)
        assert app.works(answer.json()["access_token"])
        assert app.revoke(token).status == 200
        assert app.refresh(token).json()["error"] == "invalid_grant"


class TestChance:
    @staticmethod
    def story(seed):
        fake = FakeGoogle(Clock(frozen_at=NOON), seed=seed)
        account, client = fake.add_account(ADA), fake.add_client()
        grant = fake.issue_grant(ADA, client.client_id, [READONLY])
        return account.sub, client.client_id, client.client_secret, *grant.values()

    def test_the_same_seed_gives_the_same_ids_and_tokens(self):
        assert self.story(1) == self.story(1)
        assert set(self.story(1)) & set(self.story(2)) == set()


class TestJournal:
    def test_it_says_who_did_what_when(self, app):
        tokens = app.connect()
        app.fake.clock.advance(60)
        app.works(tokens["access_token"])
        entries = app.fake.journal.entries
        assert [(entry.method, entry.path, entry.status) for entry in entries] == [
            ("GET", "/o/oauth2/v2/auth", 200),
            ("POST", "/signin/oauth/consent", 303),
            ("POST", "/token", 200),
            ("GET", "/v1/userinfo", 200),
        ]
        last = entries[-1]
        assert (last.user, last.client_id) == (ADA, app.client.client_id)
        assert last.at == NOON + timedelta(minutes=1)
        assert last.size > 0

    def test_it_counts(self, app):
        app.refresh(app.connect()["refresh_token"])
        app.refresh("1//unknown")
        journal = app.fake.journal
        assert (journal.count("/token$"), journal.count("/token$", 400)) == (3, 1)
        assert journal.count("/token$", user=ADA) == 2
        journal.clear()
        assert journal.count() == 0

    def test_it_holds_no_secret(self, app):
        verifier = "planted-verifier-" + "v" * 43
        code = app.callback(nonce="planted-nonce", code_challenge=verifier)["code"]
        tokens = app.exchange(code, code_verifier=verifier).json()
        app.refresh(tokens["refresh_token"])
        app.send("GET", "/tokeninfo", query={"access_token": tokens["access_token"]})
        app.send("GET", "/callback-like", query={"code": code, "state": "planted-state"})
        app.send("POST", "/revoke", query={"token": tokens["refresh_token"]})
        shown = repr(app.fake.journal.entries)
        shown += repr([entry.as_json() for entry in app.fake.journal.entries])
        secrets = [
            code,
            verifier,
            "planted-nonce",
            "planted-state",
            app.client.client_secret,
            *(tokens[name] for name in ("access_token", "refresh_token", "id_token")),
        ]
        assert [secret for secret in secrets if secret in shown] == []
        assert MASK in shown
