"""Time, quota, fairness, and what other people and workers do meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from django_goffline.conf import settings as goffline
from django_goffline.exceptions import OpenTransactionError
from django_goffline.flows import pull_chunk
from django_goffline.flows.pull import pull_due
from django_goffline.flows.reconcile import reconcile
from django_goffline.models import (
    Grant,
    OAuthClient,
    QuotaBudget,
    ScheduledPull,
)
from django_goffline.testing.factories import make_grant, make_pull
from tests.pulling import ADA, DEFAULT, START, Puller, body, small, with_pages

pytestmark = pytest.mark.django_db

EVENTS = r"/events$"
LIST = "calendarList"


def test_inside_a_transaction_nothing_is_called(ada):
    reconcile(now=ada.now, using=DEFAULT)
    ada.fake.journal.clear()
    with transaction.atomic(), pytest.raises(OpenTransactionError):
        pull_due(now=ada.now, using=DEFAULT)
    assert ada.fake.journal.count() == 0
    assert ada.pull().lease_id == ""


def test_a_run_out_of_time_keeps_its_checkpoint(ada, monkeypatch):
    for number in range(6):
        ada.fake.calendar.insert_event(ADA, body(id=f"event{number}"))
    with_pages(ada.fake, 2)
    reconcile(now=ada.now, using=DEFAULT)
    ada.chunk()
    reconcile(now=ada.now, using=DEFAULT)
    pages = iter([False, True, False, True])
    monkeypatch.setattr(pull_chunk.Chunk, "_is_over", lambda self: next(pages, False))
    ada.fake.journal.clear()
    ada.chunk()
    half = ada.pull(ADA)
    assert (half.phase, half.run, bool(half.page_token)) == ("full", 1, True)
    assert half.due_at == ada.now
    assert half.last_success_at is None
    assert len(ada.mirrored()) == 2
    ada.chunk()
    assert len(ada.mirrored()) == 4
    ada.settle()
    assert len(ada.mirrored()) == 6
    assert ada.fake.journal.count(path=EVENTS) == 3
    assert ada.pull(ADA).run == 1


def test_at_most_concurrency_full_runs_start_in_a_chunk(ada):
    for number in range(5):
        ada.fake.calendar.create_calendar(ADA, summary=f"Calendar {number}")
    with small(CONCURRENCY=2):
        reconcile(now=ada.now, using=DEFAULT)
        ada.chunk()
        reconcile(now=ada.now, using=DEFAULT)
        assert ada.chunk() == 6
        events = ScheduledPull.objects.filter(resource="calendar_events")
        assert events.exclude(last_success_at=None).count() == 2
        assert events.filter(due_at=ada.now, lease_id="").count() == 4
        ada.settle()
    assert events.exclude(last_success_at=None).count() == 6


def test_the_quota_of_the_client_is_kept(ada):
    for number in range(5):
        ada.fake.calendar.create_calendar(ADA, summary=f"Calendar {number}")
    ada.settle()
    OAuthClient.objects.update(quota_per_minute=4)
    QuotaBudget.objects.all().delete()
    ada.fake.clock.advance(7200)
    ada.fake.journal.clear()
    assert ada.chunk() == 4
    assert ada.chunk() == 0
    assert ada.fake.journal.count(path="/calendar/") == 4
    ada.fake.clock.advance(120)
    assert ada.chunk() == 3


def test_what_was_reserved_and_not_used_is_given_back(pulled):
    budget = QuotaBudget.objects.get()
    assert budget.spent == 2
    assert goffline.CHUNK_SIZE == 100


def test_chunks_are_shared_out_between_grants(fake_google):
    ada = Puller(fake_google)
    for number in range(6):
        make_pull(ada.grant, resource="calendar_list", key=f"x{number}", due_at=START)
    bob = make_grant(fake_google, email="bob@example.com", client=ada.client)
    make_pull(bob, due_at=START)
    with small(CHUNK_SIZE=2):
        ada.chunk()
    assert ScheduledPull.objects.get(grant=bob).last_success_at == START


def test_grants_that_are_not_active_are_not_pulled(pulled):
    Grant.objects.update(state=Grant.State.PAUSED)
    pulled.fake.clock.advance(1200)
    assert pulled.chunk() == 0


def test_a_pause_during_the_run_wins(pulled, monkeypatch):
    take = pull_chunk.Chunk._take

    def pausing(self, work, fetched):
        ScheduledPull.objects.filter(pk=work.pull.pk).pause(self._now)
        take(self, work, fetched)

    monkeypatch.setattr(pull_chunk.Chunk, "_take", pausing)
    pulled.fake.calendar.insert_event(ADA, body(id="tea00"))
    pulled.fake.clock.advance(1200)
    pulled.chunk()
    pull = pulled.pull(ADA)
    assert pull.paused_at == pulled.now
    assert (pull.due_at, pull.lease_id) == (None, "")
    assert set(pulled.mirrored()) == {"lunch0"}
    assert pulled.chunk() == 0


def test_a_wish_during_the_run_is_due_at_once(pulled, monkeypatch):
    take = pull_chunk.Chunk._take

    def wishing(self, work, fetched):
        ScheduledPull.objects.filter(pk=work.pull.pk).wake(self._now + timedelta(seconds=1))
        take(self, work, fetched)

    pulled.fake.clock.advance(1200)
    with monkeypatch.context() as patch:
        patch.setattr(pull_chunk.Chunk, "_take", wishing)
        pulled.chunk()
    assert pulled.pull(ADA).due_at == pulled.now


def test_two_workers_on_one_pull_write_once(pulled, monkeypatch):
    """The lease of the first ran out; the second is quicker; the first writes nothing."""
    take = pull_chunk.Chunk._take
    second = []

    def overtaken(self, work, fetched):
        if work.pull.resource == "calendar_events" and not second:
            second.append(True)
            ScheduledPull.objects.filter(pk=work.pull.pk).update(lease_until=None, lease_id="")
            pull_due(now=self._now, using=DEFAULT)
        take(self, work, fetched)

    monkeypatch.setattr(pull_chunk.Chunk, "_take", overtaken)
    pulled.fake.calendar.insert_event(ADA, body(id="tea00"))
    pulled.fake.clock.advance(1200)
    generation = pulled.pull(ADA).generation
    pulled.chunk()
    pull = pulled.pull(ADA)
    # One page and one settle, not two of each.
    assert pull.generation == generation + 2
    assert pull.lease_id == ""
    assert pulled.mirrored() == pulled.truth()


def test_the_lease_is_renewed_at_half_time(pulled, monkeypatch, statements):
    clock = iter(range(0, 100_000, 40))
    monkeypatch.setattr(pull_chunk.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(pull_chunk.Chunk, "_is_over", lambda self: False)
    pulled.fake.clock.advance(1200)
    with statements() as texts:
        chunk_of(pulled).work()
    renewals = [
        text for text in texts if "lease_until" in text and "WHERE" in text and text.count("=") == 2
    ]
    assert renewals


def chunk_of(ada):
    claim = ScheduledPull.objects.all().claim(
        now=ada.now, limit=10, length=timedelta(seconds=180), fair_by="grant_id"
    )
    return pull_chunk.Chunk(client=ada.client, claim=claim, now=ada.now, using=DEFAULT)


def test_no_request_is_sent_whose_deadline_lies_outside_the_lease(pulled):
    pulled.fake.clock.advance(1200)
    pulled.fake.journal.clear()
    with small(LEASE_SECONDS=10, HTTP_TIMEOUT=30):
        pulled.chunk()
    assert pulled.fake.journal.count(path=EVENTS) == 0
    assert pulled.pull(ADA).last_outcome == "deadline"
