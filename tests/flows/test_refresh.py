from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from django_goffline import gateway
from django_goffline.exceptions import (
    NeedsConsentError,
    OpenTransactionError,
    TryLaterError,
)
from django_goffline.flows import refresh
from django_goffline.lifecycle import CONFIRMING
from django_goffline.models import Activity, Grant
from django_goffline.signals import grant_lost
from django_goffline.testing.factories import make_client, make_grant
from django_goffline.testing.fake_google import Fault, Switches

pytestmark = pytest.mark.django_db

DEFAULT = "default"


def test_a_due_grant_gets_a_new_token(due, now, fake_google):
    before = due.access_token.reveal()
    assert refresh.refresh_due(now=now, using=DEFAULT) == 1
    row = Grant.objects.get()
    assert row.access_token.reveal() not in ("", before)
    assert row.refresh_token.reveal() == due.refresh_token.reveal()
    assert row.access_expires_at == now + timedelta(seconds=3599)
    assert row.generation == due.generation + 1
    assert (row.lease_id, row.lease_until, row.refreshed_at) == ("", None, now)
    # Nobody uses it, so it is only kept alive.
    assert row.due_at > now + timedelta(days=20)
    assert refresh.refresh_due(now=now, using=DEFAULT) == 0
    assert fake_google.journal.count(r"^/token$") == 1


def test_a_grant_in_use_is_due_ahead_of_expiry(due, now):
    Grant.objects.update(used_at=now - timedelta(minutes=10))
    refresh.refresh_due(now=now, using=DEFAULT)
    assert Grant.objects.get().due_at == now + timedelta(seconds=3599 - 300)


def test_statements_do_not_grow_with_the_chunk(fake_google, now, make_due, statements):
    client = make_client(fake_google)
    make_due(10, client)
    with statements() as few:
        assert refresh.refresh_due(now=now, using=DEFAULT) == 10
    make_due(100, client, name="q")
    with statements() as many:
        assert refresh.refresh_due(now=now, using=DEFAULT) == 100
    assert len(many) == len(few) <= 20
    assert Grant.objects.filter(refreshed_at=now, generation=2).count() == 110


def test_failures_are_settled_together_too(fake_google, now, make_due, statements):
    client = make_client(fake_google)
    make_due(10, client)
    fake_google.faults.add(Fault(path=r"/token$", times=5, status=503))
    with statements() as mixed:
        assert refresh.refresh_due(now=now, using=DEFAULT) == 10
    assert Grant.objects.filter(failure_streak=1, error_kind="transient").count() == 5
    assert Grant.objects.filter(failure_streak=0, generation=2).count() == 5
    assert len(mixed) <= 21


def test_the_client_that_waits_longest_comes_first(fake_google, now):
    late, early = make_client(fake_google), make_client(fake_google)
    make_grant(fake_google, email="a@example.com", client=late, due_at=now)
    make_grant(fake_google, email="b@example.com", client=early, due_at=now - timedelta(hours=1))
    assert refresh.refresh_due(now=now, using=DEFAULT) == 1
    assert Grant.objects.get(client=early).refreshed_at == now
    assert Grant.objects.get(client=late).generation == 1


def test_what_cannot_be_refreshed_is_not_due(fake_google, now):
    client = make_client(fake_google)
    paused = make_client(fake_google, paused_at=now)
    held = make_client(fake_google, held_until=now + timedelta(minutes=1))
    make_grant(fake_google, client=paused, due_at=now)
    make_grant(fake_google, client=held, due_at=now)
    make_grant(fake_google, client=client, due_at=now, email="b@example.com", refresh_token="")
    make_grant(
        fake_google,
        client=client,
        due_at=now,
        email="c@example.com",
        held_until=now + timedelta(minutes=1),
    )
    make_grant(fake_google, client=client, due_at=now, email="d@example.com", state="paused")
    assert refresh.due_grants(now=now, using=DEFAULT).count() == 0
    assert refresh.refresh_due(now=now, using=DEFAULT) == 0
    assert fake_google.journal.count(r"^/token$") == 0


def test_a_transient_failure_backs_off_and_keeps_everything(due, now, fake_google):
    fake_google.faults.add(
        Fault(path=r"/token$", status=503, headers={"Retry-After": "600"}),
    )
    refresh.refresh_due(now=now, using=DEFAULT)
    row = Grant.objects.get()
    assert (row.state, row.failure_streak, row.error_kind) == ("active", 1, "transient")
    assert row.due_at >= now + timedelta(seconds=600)
    assert row.refresh_token.reveal() == due.refresh_token.reveal()
    assert row.generation == due.generation
    assert row.lease_id == ""


def test_a_rotated_refresh_token_replaces_the_old_one(due, now, fake_google):
    fake_google.switches = Switches(rotate_refresh_tokens=True)
    refresh.refresh_due(now=now, using=DEFAULT)
    rotated = Grant.objects.get().refresh_token.reveal()
    assert rotated not in ("", due.refresh_token.reveal())
    assert rotated in fake_google.oauth.refresh_tokens


@pytest.mark.parametrize("returned", [True, False])
def test_scopes_follow_the_answer_if_it_names_them(now, fake_google, returned):
    grant = make_grant(fake_google, due_at=now)
    Grant.objects.update(granted_scopes=["openid"])
    fake_google.switches = Switches(refresh_returns_scope=returned)
    refresh.refresh_due(now=now, using=DEFAULT)
    scopes = set(Grant.objects.get().granted_scopes)
    assert scopes == (set(grant.granted_scopes) if returned else {"openid"})


def test_a_first_invalid_grant_is_only_a_suspicion(due, now, fake_google, told):
    fake_google.faults.add(Fault(path=r"/token$", status=400, reason="invalid_grant"))
    refresh.refresh_due(now=now, using=DEFAULT)
    row = Grant.objects.get()
    assert (row.state, row.reason) == ("active", CONFIRMING)
    later = fake_google.clock.advance(timedelta(minutes=10))
    assert refresh.refresh_due(now=later, using=DEFAULT) == 1
    row = Grant.objects.get()
    assert (row.state, row.reason, row.failure_streak) == ("active", "", 0)
    assert told == []


def test_a_confirmed_death_is_told_once(
    due, now, fake_google, told, django_capture_on_commit_callbacks
):
    fake_google.oauth.revoke_by_person("ada@example.com")
    with django_capture_on_commit_callbacks(execute=True):
        refresh.refresh_due(now=now, using=DEFAULT)
        later = now + timedelta(minutes=10)
        assert refresh.refresh_due(now=later, using=DEFAULT) == 1
        assert refresh.refresh_due(now=later + timedelta(days=400), using=DEFAULT) == 0
    row = Grant.objects.get()
    assert (row.state, row.due_at) == ("needs_consent", None)
    assert "consent link" in row.diagnosis
    assert told == [("lost", row.pk, row.reason)]
    assert Activity.objects.filter(kind="grant_lost", grant=row).count() == 1


def test_refresh_one_refreshes_a_fresh_grant(fake_google, now):
    grant = make_grant(fake_google, now=now)
    row = refresh.refresh_one(grant, now=now, using=DEFAULT)
    assert row.generation == 2
    assert row.access_token.reveal() != grant.access_token.reveal()
    assert row.used_at == now


def test_refresh_one_says_what_stands_in_the_way(fake_google, now, monkeypatch):
    grant = make_grant(fake_google, now=now, refresh_token="")
    with pytest.raises(NeedsConsentError):
        refresh.refresh_one(grant, now=now, using=DEFAULT)
    monkeypatch.setattr(refresh, "PATIENCE", 0)
    other = make_grant(
        fake_google, email="b@example.com", lease_id="x", lease_until=now + timedelta(hours=1)
    )
    with pytest.raises(TryLaterError):
        refresh.refresh_one(other, now=now, using=DEFAULT)
    assert fake_google.journal.count(r"^/token$") == 0


def test_no_http_inside_a_transaction(due, now, fake_google):
    with transaction.atomic(), pytest.raises(OpenTransactionError):
        refresh.refresh_due(now=now, using=DEFAULT)
    with transaction.atomic(), pytest.raises(OpenTransactionError):
        refresh.refresh_one(due, now=now, using=DEFAULT)
    assert fake_google.journal.count(r"^/token$") == 0
    assert Grant.objects.get().lease_id == ""


@pytest.mark.django_db(transaction=True)
def test_signals_come_after_the_commit(due, now, fake_google):
    seen = []

    def lost(sender, grant, **kwargs):
        seen.append(Grant.objects.get(pk=grant.pk).state)

    grant_lost.connect(lost)
    try:
        fake_google.oauth.rapt_required("ada@example.com")
        refresh.refresh_due(now=now, using=DEFAULT)
    finally:
        grant_lost.disconnect(lost)
    assert seen == ["needs_consent"]


def test_it_works_over_a_real_socket(fake_google_server):
    fake = fake_google_server.fake
    grant = make_grant(fake, due_at=fake.clock.now())
    assert gateway.endpoints().token == f"{fake_google_server.url}/token"
    assert refresh.refresh_due(now=fake.clock.now(), using=DEFAULT) == 1
    assert Grant.objects.get().generation == grant.generation + 1
    assert fake.journal.count(r"^/token$", 200) == 1
