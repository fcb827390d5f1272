from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from django_goffline.flows import refresh, revoke
from django_goffline.models import Activity, Grant, OAuthClient, PendingRevocation
from django_goffline.testing.factories import make_client, make_grant, make_user
from django_goffline.testing.fake_google import Fault, Switches

pytestmark = pytest.mark.django_db

DEFAULT = "default"


def dead(fake, grant):
    return fake.oauth.refresh_tokens[grant.refresh_token.reveal()].died_at is not None


def test_tokens_leave_at_once_and_are_revoked_in_the_background(
    fake_google, now, nudges_sent, django_capture_on_commit_callbacks
):
    grant = make_grant(fake_google)
    with django_capture_on_commit_callbacks(execute=True):
        assert revoke.revoke(Grant.objects.all(), now=now, using=DEFAULT) == 1
    row = Grant.objects.get()
    assert (row.state, row.due_at, row.generation) == ("revoked", None, grant.generation + 1)
    assert not row.refresh_token
    assert not row.access_token
    assert nudges_sent == ["goffline.refresh"]
    assert Activity.objects.get().kind == "grant_revoked"
    assert not dead(fake_google, grant)

    assert revoke.revoke_due(now=now, using=DEFAULT) == 1
    assert dead(fake_google, grant)
    assert not PendingRevocation.objects.exists()
    assert revoke.revoke_due(now=now, using=DEFAULT) == 0
    assert revoke.revoke(Grant.objects.all(), now=now, using=DEFAULT) == 0


def test_who_ended_it_is_in_its_story(fake_google, now):
    grant = make_grant(fake_google)
    boss = make_user("boss")
    revoke.revoke(Grant.objects.all(), by=boss, why="left", now=now, using=DEFAULT)
    told = Activity.objects.get()
    assert (told.kind, told.actor, told.text) == ("grant_revoked", str(boss), f"{grant}: left")


def test_a_pending_token_is_stored_sealed(fake_google, now, statements):
    grant = make_grant(fake_google)
    revoke.revoke(Grant.objects.all(), now=now, using=DEFAULT)
    pending = PendingRevocation.objects.get()
    assert pending.token.reveal() == grant.refresh_token.reveal()
    assert pending.token.stored() != grant.refresh_token.stored()
    assert pending.token.stored().startswith("gof1.")
    assert pending.project == grant.client.project


def test_statements_do_not_grow_with_the_number_of_grants(fake_google, now, statements):
    client = make_client(fake_google)

    def revoking(count):
        pks = [
            make_grant(fake_google, email=f"{count}-{n}@example.com", client=client).pk
            for n in range(count)
        ]
        with statements() as ending:
            revoke.revoke(Grant.objects.filter(pk__in=pks), now=now, using=DEFAULT)
        with statements() as telling:
            assert revoke.revoke_due(now=now, using=DEFAULT) == count
        return len(ending), len(telling)

    assert revoking(2) == revoking(40)
    assert not PendingRevocation.objects.exists()


def test_a_refresh_under_way_cannot_bring_a_revoked_grant_back(fake_google, now, monkeypatch):
    make_grant(fake_google, due_at=now)
    real = refresh.refresh_chunk

    def late(claim, **kwargs):
        revoke.revoke(Grant.objects.all(), now=now, using=DEFAULT)
        return real(claim, **kwargs)

    monkeypatch.setattr(refresh, "refresh_chunk", late)
    refresh.refresh_due(now=now, using=DEFAULT)
    row = Grant.objects.get()
    assert (row.state, bool(row.access_token)) == ("revoked", False)


def test_google_in_trouble_is_asked_again(fake_google, now):
    grant = make_grant(fake_google)
    revoke.revoke(Grant.objects.all(), now=now, using=DEFAULT)
    fake_google.faults.add(Fault(path=r"/revoke$", status=503))
    assert revoke.revoke_due(now=now, using=DEFAULT) == 1
    pending = PendingRevocation.objects.get()
    assert (pending.attempts, pending.error_kind) == (1, "transient")
    assert pending.due_at > now
    assert revoke.revoke_due(now=now, using=DEFAULT) == 0
    assert revoke.revoke_due(now=now + timedelta(hours=1), using=DEFAULT) == 1
    assert dead(fake_google, grant)
    assert not PendingRevocation.objects.exists()


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_token_that_is_dead_already_is_a_success(fake_google, now, succeeds):
    make_grant(fake_google)
    fake_google.switches = Switches(revoke_twice_succeeds=succeeds)
    fake_google.oauth.revoke_by_person("ada@example.com")
    revoke.revoke(Grant.objects.all(), now=now, using=DEFAULT)
    revoke.revoke_due(now=now, using=DEFAULT)
    assert not PendingRevocation.objects.exists()


def test_it_is_given_up_after_a_week_with_a_line_to_the_operator(fake_google, now, caplog):
    make_grant(fake_google)
    revoke.revoke(Grant.objects.all(), now=now, using=DEFAULT)
    token = PendingRevocation.objects.get().token.reveal()
    fake_google.faults.add(Fault(path=r"/revoke$", times=None, status=503))
    revoke.revoke_due(now=now + timedelta(days=8), using=DEFAULT)
    assert not PendingRevocation.objects.exists()
    assert "myaccount.google.com" in caplog.text
    assert token not in caplog.text


def test_another_live_grant_of_the_account_is_not_cut_off(fake_google, now):
    client = make_client(fake_google)
    mine = make_grant(fake_google, client=client, user=make_user())
    make_grant(fake_google, client=client, user=make_user())
    revoke.revoke(Grant.objects.filter(pk=mine.pk), now=now, using=DEFAULT)
    revoke.revoke_due(now=now, using=DEFAULT)
    assert not PendingRevocation.objects.exists()
    assert not dead(fake_google, mine)
    assert fake_google.journal.count(r"/revoke$") == 0


def test_an_account_of_another_project_is_no_hindrance(fake_google, now):
    mine = make_grant(fake_google)
    make_grant(fake_google)
    assert OAuthClient.objects.count() == 2
    revoke.revoke(Grant.objects.filter(pk=mine.pk), now=now, using=DEFAULT)
    revoke.revoke_due(now=now, using=DEFAULT)
    assert dead(fake_google, mine)


@pytest.mark.parametrize("road", ["grant", "queryset", "user", "client"])
def test_deletion_takes_the_same_road(
    fake_google, now, road, nudges_sent, django_capture_on_commit_callbacks
):
    grant = make_grant(fake_google, user=make_user("ada"))
    with django_capture_on_commit_callbacks(execute=True):
        if road == "grant":
            Grant.objects.get(pk=grant.pk).delete()
        elif road == "queryset":
            Grant.objects.all().delete()
        elif road == "user":
            get_user_model().objects.all().delete()
        else:
            OAuthClient.objects.all().delete()
    assert not Grant.objects.exists()
    pending = PendingRevocation.objects.get()
    assert (pending.sub, pending.client_name) == (grant.sub, grant.client.name)
    assert nudges_sent == ["goffline.refresh"]
    revoke.revoke_due(now=now + timedelta(minutes=1), using=DEFAULT)
    assert dead(fake_google, grant)


def test_a_deleted_grant_without_tokens_leaves_nothing(fake_google, now):
    make_grant(fake_google, refresh_token="", access_token="")
    Grant.objects.all().delete()
    assert not PendingRevocation.objects.exists()


def test_an_unreadable_token_is_forgotten_with_a_line_to_the_operator(fake_google, now, caplog):
    grant = make_grant(fake_google)
    Grant.objects.update(refresh_token="gof1.gone." + "A" * 60)
    assert revoke.revoke(Grant.objects.all(), now=now, using=DEFAULT) == 1
    assert not PendingRevocation.objects.exists()
    assert not Grant.objects.get().refresh_token
    assert grant.sub in caplog.text
    assert [r.levelno for r in caplog.records] == [logging.ERROR]


def test_an_unreadable_pending_token_waits_for_its_key(fake_google, now):
    make_grant(fake_google)
    revoke.revoke(Grant.objects.all(), now=now, using=DEFAULT)
    PendingRevocation.objects.update(token="gof1.gone." + "A" * 60)
    revoke.revoke_due(now=now, using=DEFAULT)
    assert PendingRevocation.objects.get().due_at > now
