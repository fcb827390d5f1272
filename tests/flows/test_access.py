from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from django_goffline.exceptions import (
    GrantPausedError,
    NeedsConsentError,
    OpenTransactionError,
    TryLaterError,
)
from django_goffline.flows import access, refresh
from django_goffline.models import Grant, OAuthClient
from django_goffline.testing.factories import make_client, make_grant
from django_goffline.testing.fake_google import Fault

pytestmark = pytest.mark.django_db

DEFAULT = "default"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(access, "PATIENCE", 0)


def token(grant, now, **more):
    return refresh.access_token(grant, now=now, using=DEFAULT, **more)


def test_a_fresh_token_is_given_as_it_is(fake_google, now):
    grant = make_grant(fake_google)
    assert token(grant, now) == grant.access_token.reveal()
    assert fake_google.journal.count(r"^/token$") == 0


def test_use_is_noted_at_most_hourly_and_brings_the_refresh_forward(fake_google, now):
    grant = make_grant(fake_google)
    token(grant, now)
    row = Grant.objects.get()
    assert (row.used_at, row.due_at) == (now, now + timedelta(minutes=55))
    token(grant, now + timedelta(minutes=30))
    assert Grant.objects.get().used_at == now
    token(grant, now + timedelta(minutes=30))
    assert Grant.objects.get().generation == grant.generation


@pytest.mark.parametrize("expiry", [None, timedelta(minutes=3), -timedelta(hours=1)])
def test_a_token_that_ends_soon_or_at_no_known_time_is_replaced(fake_google, now, expiry):
    grant = make_grant(fake_google, access_expires_at=expiry and now + expiry)
    fresh = token(grant, now)
    assert fresh != grant.access_token.reveal()
    assert fresh == Grant.objects.get().access_token.reveal()
    assert Grant.objects.get().used_at == now


def test_a_rejected_token_is_replaced_unless_somebody_did_already(fake_google, now):
    grant = make_grant(fake_google)
    rejected = grant.access_token.reveal()
    fresh = token(grant, now, rejected=rejected)
    assert fresh != rejected
    assert token(grant, now, rejected=rejected) == fresh
    assert fake_google.journal.count(r"^/token$") == 1


def test_what_stands_in_the_way_has_a_name_and_a_next_step(fake_google, now):
    grant = make_grant(fake_google, access_expires_at=None)
    for state, reason, error, step in (
        ("paused", "by_hand", GrantPausedError, "resume"),
        ("paused", Grant.AWAITING_APPROVAL, GrantPausedError, "approve"),
        ("needs_consent", "unused", NeedsConsentError, "start_consent"),
        ("revoked", "revoked", NeedsConsentError, "start_consent"),
    ):
        Grant.objects.update(state=state, reason=reason)
        with pytest.raises(error, match=step):
            token(grant, now)
    Grant.objects.update(state="active", reason="", refresh_token="")
    with pytest.raises(NeedsConsentError, match="no refresh token"):
        token(grant, now)
    OAuthClient.objects.update(paused_at=now, paused_reason="invalid_client")
    with pytest.raises(GrantPausedError, match="invalid_client"):
        token(grant, now)
    assert fake_google.journal.count(r"^/token$") == 0


def test_failures_of_google_become_errors_that_say_so(fake_google, now):
    grant = make_grant(fake_google, access_expires_at=now - timedelta(minutes=1))
    fake_google.faults.add(Fault(path=r"/token$", status=503))
    with pytest.raises(TryLaterError, match="transient"):
        token(grant, now)
    fake_google.oauth.rapt_required("ada@example.com")
    with pytest.raises(NeedsConsentError, match="session-length"):
        token(grant, now)


def test_a_broken_client_is_the_operators_affair(fake_google, now):
    grant = make_grant(fake_google, access_expires_at=None)
    fake_google.oauth.delete_client(grant.client.client_id)
    with pytest.raises(GrantPausedError, match="deleted_client"):
        token(grant, now)


def test_a_suspicion_is_not_confirmed_by_impatience(fake_google, now):
    grant = make_grant(fake_google, access_expires_at=None)
    fake_google.oauth.revoke_by_person("ada@example.com")
    for _ in range(2):
        with pytest.raises(TryLaterError):
            token(grant, now)
    assert Grant.objects.get().state == "active"
    assert fake_google.journal.count(r"^/token$") == 1


def test_an_ageing_token_is_better_than_none(fake_google, now):
    grant = make_grant(fake_google, access_expires_at=now + timedelta(minutes=2))
    fake_google.faults.add(Fault(path=r"/token$", status=503))
    assert token(grant, now) == grant.access_token.reveal()


def test_a_grant_in_other_hands_is_waited_for(fake_google, now, monkeypatch):
    grant = make_grant(
        fake_google,
        access_expires_at=None,
        lease_id="other",
        lease_until=now + timedelta(minutes=1),
    )

    def finish(seconds):
        other = Grant.objects.get()
        other.access_token, other.access_expires_at = "ya29.by-another", now + timedelta(hours=1)
        other.lease_id, other.lease_until, other.generation = "", None, 2
        other.save()

    monkeypatch.setattr(access.time, "sleep", finish)
    assert token(grant, now) == "ya29.by-another"
    assert fake_google.journal.count(r"^/token$") == 0


def test_but_not_for_ever(fake_google, now, impatient):
    grant = make_grant(
        fake_google,
        access_expires_at=None,
        lease_id="other",
        lease_until=now + timedelta(minutes=1),
    )
    with pytest.raises(TryLaterError, match="another worker"):
        token(grant, now)


def test_inside_a_transaction_only_a_fresh_token_is_given(fake_google, now):
    fresh = make_grant(fake_google)
    stale = make_grant(fake_google, email="b@example.com", access_expires_at=None)
    with transaction.atomic():
        assert token(fresh, now) == fresh.access_token.reveal()
        with pytest.raises(OpenTransactionError, match="non_atomic_requests"):
            token(stale, now)
    assert fake_google.journal.count(r"^/token$") == 0
    # A write would have kept a lock for as long as the caller's transaction.
    assert Grant.objects.get(pk=fresh.pk).used_at is None


def test_many_tokens_at_once(fake_google, now, statements):
    client = make_client(fake_google)
    fresh = make_grant(fake_google, client=client, email="fresh@example.com", used_at=now)
    stale = [
        make_grant(fake_google, client=client, email=f"s{n}@example.com", access_expires_at=None)
        for n in range(20)
    ]
    busy = make_grant(
        fake_google,
        client=client,
        email="busy@example.com",
        access_expires_at=None,
        lease_id="other",
        lease_until=now + timedelta(minutes=1),
    )
    lost = make_grant(fake_google, client=client, email="lost@example.com", state="needs_consent")
    with statements() as texts:
        tokens = refresh.tokens_for([fresh, *stale, busy, lost], now=now, using=DEFAULT)
    assert tokens.by_grant.keys() == {fresh.pk, *(grant.pk for grant in stale)}
    assert (tokens.busy, tokens.unusable) == ({busy.pk}, {lost.pk})
    assert tokens.by_grant[stale[3].pk] == Grant.objects.get(pk=stale[3].pk).access_token.reveal()
    assert len(texts) <= 20
    assert "ya29" not in repr(tokens)


def test_what_another_worker_refreshed_meanwhile_is_not_refreshed_again(fake_google, now):
    grant = make_grant(fake_google, access_expires_at=None)
    refresh.refresh_one(grant, now=now, using=DEFAULT)
    # The caller's copy still shows no fresh token.
    tokens = refresh.tokens_for([grant], now=now, using=DEFAULT)
    row = Grant.objects.get()
    assert tokens.by_grant == {grant.pk: row.access_token.reveal()}
    assert row.lease_id == ""
    assert fake_google.journal.count(r"^/token$") == 1
