from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings
from django.test import override_settings

from django_goffline import tasks
from django_goffline.flows import tick as tick_flow
from django_goffline.models import (
    Activity,
    Grant,
    Heartbeat,
    OAuthClient,
    PendingRevocation,
    ScheduledPull,
    database_now,
)
from django_goffline.testing.factories import make_client, make_grant, make_pull
from django_goffline.testing.fake_google import Fault

NAMES = ["goffline.tick", "goffline.refresh", "goffline.pull", "goffline.prune"]


@pytest.fixture(autouse=True)
def no_work_of_others(monkeypatch):
    """The tick's own part: what reconciliation and occurrences do has tests of its own."""
    monkeypatch.setattr(tick_flow, "reconcile", lambda *, now, using: None)
    monkeypatch.setattr(tick_flow, "roll_window", lambda *, now, using: 0)


@pytest.fixture
def ticked(nudges_sent, django_capture_on_commit_callbacks):
    def run():
        nudges_sent.clear()
        with django_capture_on_commit_callbacks(execute=True):
            tasks.tick()
        return nudges_sent

    return run


@pytest.mark.parametrize("name", NAMES)
def test_messages_carry_no_work_and_leave_no_result(name):
    task = current_app.tasks[name]
    assert task.ignore_result is True
    assert task.acks_late is False
    assert task.run.__code__.co_argcount == 0


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_nudge_is_stale_after_a_tick_and_goes_to_our_queue(name):
    task = current_app.tasks[name]
    with override_settings(GOFFLINE={"TICK_EVERY": 45, "QUEUE": "google"}):
        assert (task.expires, task.queue) == (45, "google")
    assert (task.expires, task.queue) == (30, None)


@pytest.mark.django_db
def test_a_tick_with_nothing_due_nudges_nobody(ticked):
    make_grant()
    assert ticked() == []
    assert Heartbeat.objects.get().kind == Heartbeat.TICK


@pytest.mark.django_db
def test_a_tick_nudges_as_many_drains_as_the_due_rows_are_worth(ticked):
    client = make_client()
    grants = [make_grant(client=client, now=database_now("default")) for _ in range(25)]
    for grant in grants[:3]:
        make_pull(grant)
    Grant.objects.update(due_at=database_now("default") - timedelta(minutes=1))
    with override_settings(GOFFLINE={"CHUNK_SIZE": 10, "MAX_DRAINS": 8}):
        assert ticked() == ["goffline.refresh"] * 3 + ["goffline.pull"]
        Heartbeat.objects.beat(kind="refresh", worker="w", now=database_now("default"))
        assert ticked() == ["goffline.refresh"] * 2 + ["goffline.pull"]
    with override_settings(GOFFLINE={"CHUNK_SIZE": 10, "MAX_DRAINS": 2}):
        assert ticked() == ["goffline.refresh", "goffline.pull"]


@pytest.mark.django_db
def test_pending_revocations_are_work_for_the_refresh_drain(ticked):
    now = database_now("default")
    PendingRevocation.objects.create(
        token="t", revocation_endpoint="https://x/", created_at=now, due_at=now
    )
    assert ticked() == ["goffline.refresh"]


@pytest.mark.django_db
def test_nothing_is_due_while_the_client_is_paused(ticked):
    now = database_now("default")
    grant = make_grant(due_at=now)
    make_pull(grant, due_at=now)
    OAuthClient.objects.update(paused_at=now)
    assert ticked() == []
    assert ScheduledPull.objects.due(now).get().grant == grant


@pytest.mark.django_db
def test_the_cost_of_a_tick_does_not_grow_with_the_rows(ticked, statements):
    with statements() as few:
        ticked()
    client = make_client()
    for _ in range(30):
        make_pull(make_grant(client=client, due_at=database_now("default")))
    with statements() as many:
        ticked()
    assert len(many) <= len(few)


@pytest.mark.django_db(transaction=True)
def test_trouble_with_pulls_keeps_no_grant_from_being_refreshed(nudges_sent, monkeypatch):
    make_grant(due_at=database_now("default"))

    def fail(*, now, using):
        raise LookupError("a bug")

    monkeypatch.setattr(tick_flow, "reconcile", fail)
    with pytest.raises(LookupError):
        tasks.tick()
    assert nudges_sent == ["goffline.refresh"]


@pytest.mark.django_db
def test_the_refresh_drain_refreshes_and_revokes_chunk_after_chunk(fake_google):
    now = fake_google.clock.now()
    client = make_client(fake_google)
    for number in range(7):
        make_grant(
            fake_google, email=f"p{number}@example.com", client=client, due_at=now - timedelta(1)
        )
    make_grant(fake_google, email="gone@example.com", client=client).delete()
    with override_settings(GOFFLINE={**settings.GOFFLINE, "CHUNK_SIZE": 3}):
        tasks.refresh()
    assert Grant.objects.filter(generation=2).count() == 7
    assert not PendingRevocation.objects.exists()
    assert fake_google.journal.count(r"^/revoke$") == 1


@pytest.mark.django_db
def test_a_google_in_trouble_does_not_keep_a_drain_busy(fake_google):
    make_grant(fake_google, due_at=fake_google.clock.now() - timedelta(1))
    fake_google.faults.add(Fault(path=r"/token$", times=None, status=503))
    tasks.refresh()
    assert fake_google.journal.count(r"^/token$") == 1
    assert Grant.objects.get().failure_streak == 1


@pytest.mark.django_db
def test_the_pull_drain_asks_until_nothing_is_due(monkeypatch):
    left = [2, 1, 0]
    monkeypatch.setattr(tasks, "pull_due", lambda *, now, using: left.pop(0))
    tasks.pull()
    assert left == []


@pytest.mark.django_db
def test_prune_runs(fake_google):
    Activity.objects.create(at=database_now("default") - timedelta(days=400), kind="pulled")
    tasks.prune()
    assert not Activity.objects.exists()
