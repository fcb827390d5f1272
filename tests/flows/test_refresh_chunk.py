from __future__ import annotations

import logging
from datetime import timedelta
from unittest import mock

import pytest

from django_goffline import lifecycle
from django_goffline.flows import refresh, refresh_chunk
from django_goffline.models import Activity, Grant, Metric, OAuthClient
from django_goffline.signals import grant_activated
from django_goffline.testing.factories import make_client
from django_goffline.testing.fake_google import Fault

pytestmark = pytest.mark.django_db

DEFAULT = "default"


def meanwhile(monkeypatch, act):
    """Let ``act`` happen after the requests were made and before their results are written."""
    real = refresh_chunk.settle

    def settle(*args, **kwargs):
        act()
        monkeypatch.setattr(refresh_chunk, "settle", real)
        return real(*args, **kwargs)

    monkeypatch.setattr(refresh_chunk, "settle", settle)


def test_invalid_grant_for_an_old_generation_is_nothing(due, now, fake_google, monkeypatch, told):
    fake_google.oauth.rapt_required("ada@example.com")
    meanwhile(
        monkeypatch,
        lambda: Grant.objects.update(generation=7, lease_id="", lease_until=None, due_at=now),
    )
    refresh.refresh_due(now=now, using=DEFAULT)
    row = Grant.objects.get()
    assert (row.state, row.failure_streak, row.generation) == ("active", 0, 7)
    assert told == []


def test_a_late_success_counts_while_nobody_wrote(due, now, monkeypatch):
    other = {"lease_id": "other", "lease_until": now + timedelta(hours=1)}
    meanwhile(monkeypatch, lambda: Grant.objects.update(**other))
    refresh.refresh_due(now=now, using=DEFAULT)
    row = Grant.objects.get()
    assert (row.generation, row.refreshed_at, row.lease_id) == (2, now, "")


def test_a_late_success_of_a_grant_that_was_given_up_tells_of_its_return(
    due, now, monkeypatch, django_capture_on_commit_callbacks
):
    returned = []

    def activated(sender, grant, **kwargs):
        returned.append((grant.pk, grant.state))

    grant_activated.connect(activated)
    lost = {"state": "needs_consent", "reason": "revoked_by_person", "due_at": None}
    meanwhile(monkeypatch, lambda: Grant.objects.update(lease_id="", lease_until=None, **lost))
    try:
        with django_capture_on_commit_callbacks(execute=True):
            refresh.refresh_due(now=now, using=DEFAULT)
            Grant.objects.update(due_at=now)
            refresh.refresh_due(now=now, using=DEFAULT)
    finally:
        grant_activated.disconnect(activated)
    row = Grant.objects.get()
    assert (row.state, row.reason, row.generation) == ("active", "", 3)
    assert returned == [(row.pk, "active")]


def test_a_death_by_a_new_password_is_told_from_the_scopes(due, now, fake_google):
    Grant.objects.update(reason="confirming", granted_scopes=["openid", "https://mail.google.com/"])
    seen = []
    real = lifecycle.diagnose

    def diagnose(facts, error, *, now):
        seen.append(real(facts, error, now=now))
        return seen[-1]

    fake_google.oauth.revoke_by_person("ada@example.com")
    with mock.patch.object(lifecycle, "diagnose", diagnose):
        refresh.refresh_due(now=now, using=DEFAULT)
    assert "password_changed" in seen[0].causes


def test_a_late_failure_leaves_the_new_holder_alone(due, now, fake_google, monkeypatch):
    fake_google.faults.add(Fault(path=r"/token$", status=503))
    until = now + timedelta(hours=1)
    meanwhile(monkeypatch, lambda: Grant.objects.update(lease_id="other", lease_until=until))
    refresh.refresh_due(now=now, using=DEFAULT)
    row = Grant.objects.get()
    assert (row.failure_streak, row.lease_id, row.lease_until) == (0, "other", until)


def test_a_consent_meanwhile_wins(due, now, monkeypatch):
    def consent():
        grant = Grant.objects.get()
        grant.refresh_token, grant.generation = "1//of-the-new-consent", grant.generation + 1
        grant.lease_id, grant.lease_until = "", None
        grant.save()

    meanwhile(monkeypatch, consent)
    refresh.refresh_due(now=now, using=DEFAULT)
    row = Grant.objects.get()
    assert row.refresh_token.reveal() == "1//of-the-new-consent"
    assert (row.generation, row.refreshed_at) == (2, due.refreshed_at)


def test_a_wish_meanwhile_makes_it_due_again(due, now, monkeypatch):
    later = now + timedelta(seconds=1)
    meanwhile(monkeypatch, lambda: Grant.objects.all().wake(later))
    refresh.refresh_due(now=now, using=DEFAULT)
    assert Grant.objects.get().due_at == now


def test_a_broken_client_is_paused_once_and_no_person_blamed(
    fake_google, now, make_due, told, caplog, django_capture_on_commit_callbacks
):
    client = make_client(fake_google)
    make_due(5, client)
    fake_google.oauth.delete_client(client.client_id)
    with caplog.at_level(logging.ERROR), django_capture_on_commit_callbacks(execute=True):
        refresh.refresh_due(now=now, using=DEFAULT)
    client.refresh_from_db()
    assert (client.paused_at, client.paused_reason) == (now, "deleted_client")
    untouched = Grant.objects.filter(
        state="active", reason="", failure_streak=0, error_kind="", generation=1, lease_id=""
    )
    assert untouched.filter(due_at__gt=now).count() == 5
    assert told == [("paused", client.pk, "deleted_client")]
    assert Activity.objects.filter(kind="client_paused").count() == 1
    assert [r for r in caplog.messages if "resume the client" in r]
    assert len([r for r in caplog.records if r.levelno >= logging.ERROR]) == 1


def test_a_client_that_works_for_others_is_not_paused(fake_google, now, make_due, caplog):
    client = make_client(fake_google)
    make_due(3, client)
    odd = Grant.objects.order_by("pk")[0]
    fake_google.faults.add(
        Fault(path=r"/token$", user=odd.email, status=401, reason="unauthorized_client")
    )
    refresh.refresh_due(now=now, using=DEFAULT)
    client.refresh_from_db()
    assert client.paused_at is None
    odd.refresh_from_db()
    assert (odd.state, odd.generation, odd.lease_id) == ("active", 1, "")
    assert odd.due_at > now
    assert any("another OAuth client" in message for message in caplog.messages)


def test_an_unreadable_secret_fails_alone_and_is_kept(fake_google, now, make_due, caplog):
    client = make_client(fake_google)
    make_due(2, client)
    broken = Grant.objects.order_by("pk")[0]
    ciphertext = "gof1.gone." + "A" * 60
    Grant.objects.filter(pk=broken.pk).update(refresh_token=ciphertext)
    assert refresh.refresh_due(now=now, using=DEFAULT) == 2
    broken.refresh_from_db()
    assert (broken.reason, broken.error_kind) == ("secret_unreadable", "secret_unreadable")
    assert "ENCRYPTION_KEYS" in broken.diagnosis
    assert broken.refresh_token.stored() == ciphertext
    assert broken.due_at > now
    assert Grant.objects.filter(refreshed_at=now, generation=2).count() == 1
    assert ciphertext not in caplog.text


def test_an_unreadable_client_secret_is_a_failure_of_its_grants(due, now, fake_google):
    OAuthClient.objects.update(client_secret="gof1.gone." + "A" * 60)
    refresh.refresh_due(now=now, using=DEFAULT)
    row = Grant.objects.get()
    assert (row.state, row.reason) == ("active", "secret_unreadable")
    assert fake_google.journal.count(r"^/token$") == 0


def test_without_any_key_the_chunk_is_settled_not_left_leased(due, now, settings):
    settings.GOFFLINE = {**settings.GOFFLINE, "ENCRYPTION_KEYS": []}
    assert refresh.refresh_due(now=now, using=DEFAULT) == 1
    row = Grant.objects.get()
    assert (row.state, row.reason, row.lease_id) == ("active", "secret_unreadable", "")
    assert row.due_at > now


def test_nothing_is_sent_that_could_not_end_within_the_lease(due, now, fake_google, monkeypatch):
    # The first look at the clock is the chunk's start, all later ones are long after.
    instants = iter([0.0])
    monkeypatch.setattr(
        refresh_chunk.time, "monotonic", lambda: next(instants, 10_000.0), raising=True
    )
    assert refresh.refresh_due(now=now, using=DEFAULT) == 1
    row = Grant.objects.get()
    assert (row.due_at, row.lease_id, row.failure_streak) == (now, "", 0)
    assert fake_google.journal.count(r"^/token$") == 0


def test_recovery_is_noted_after_a_lasting_trouble(due, now, fake_google):
    fake_google.faults.add(Fault(path=r"/token$", times=3, status=500))
    instant = now
    for _ in range(4):
        refresh.refresh_due(now=instant, using=DEFAULT)
        instant += timedelta(hours=2)
    kinds = list(Activity.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["grant_failing", "grant_recovered"]


def test_counts_are_kept_by_outcome(fake_google, now, make_due):
    client = make_client(fake_google)
    make_due(4, client)
    fake_google.faults.add(Fault(path=r"/token$", status=500))
    refresh.refresh_due(now=now, using=DEFAULT)
    counts = dict(Metric.objects.filter(kind="refresh").values_list("outcome", "calls"))
    assert counts == {"ok": 3, "transient": 1}


def test_no_secret_is_logged_or_shown(due, now, fake_google, caplog, monkeypatch):
    with caplog.at_level(logging.DEBUG):
        fake_google.faults.add(
            Fault(path=r"/token$", status=503), Fault(path=r"/token$", cut="before")
        )
        for hours in range(0, 9, 3):
            refresh.refresh_due(now=now + timedelta(hours=hours), using=DEFAULT)

        def bug(*args, **kwargs):
            raise ValueError(f"about {kwargs}")

        monkeypatch.setattr(refresh_chunk, "refresh_token", bug)
        refresh.refresh_one(Grant.objects.get(), now=now, using=DEFAULT)
    row = Grant.objects.get()
    secrets = {
        due.refresh_token.reveal(),
        due.access_token.reveal(),
        row.access_token.reveal(),
        row.client.client_secret.reveal(),
    }
    shown = caplog.text + repr(row) + repr(row.__dict__)
    assert row.error_kind == "bug"
    assert not [secret for secret in secrets if secret in shown]
