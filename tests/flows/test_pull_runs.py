"""Full and incremental runs: dead cursors and page tokens, changed queries, wishes."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from django_goffline import resources
from django_goffline.flows import pull_chunk
from django_goffline.models import (
    Event,
    ScheduledPull,
)
from tests.pulling import ADA, START, body, with_pages

pytestmark = pytest.mark.django_db

EVENTS = r"/events$"
LIST = "calendarList"


def test_a_410_reads_the_list_again_and_deletes_nothing(pulled):
    before = pulled.pull(ADA)
    pulled.fake.calendar.insert_event(ADA, body(id="tea00"))
    pulled.fake.calendar.delete_event(ADA, "lunch0")
    pulled.fake.calendar.expire_sync_tokens(ADA)
    pulled.later()
    pull = pulled.pull(ADA)
    assert pulled.mirrored() == pulled.truth()
    assert pull.run >= before.run + 2
    assert pull.last_full_at == pulled.now
    assert pull.last_outcome == "changed"
    assert Event.objects.count() == 2


def test_a_list_whose_tokens_never_live_is_read_as_a_whole(pulled):
    fake = pulled.fake.calendar
    fake.refuse_sync_tokens(ADA)
    for hour in range(4):
        fake.insert_event(ADA, body(id=f"tea0{hour}"))
        pulled.later()
        assert pulled.mirrored() == pulled.truth()
    assert pulled.pull(ADA).cursor_deaths == 2
    pulled.fake.journal.clear()
    fake.delete_event(ADA, "tea01")
    pulled.later()
    assert pulled.fake.journal.count(path=EVENTS) == 1
    assert pulled.mirrored() == pulled.truth()
    # At its own interval, not at once again; and a person may let tokens prove themselves once more.
    assert pulled.pull(ADA).due_at > pulled.now
    fake.refuse_sync_tokens(ADA, refused=False)
    ScheduledPull.objects.filter(key=ADA).request_full(pulled.now + timedelta(seconds=1))
    pulled.later()
    pulled.later()
    assert pulled.pull(ADA).cursor_deaths == 0
    assert pulled.pull(ADA).last_full_at < pulled.now


@pytest.mark.parametrize("status", [400, 410])
def test_a_dead_page_token_restarts_the_run_twice_and_then_waits(ada, monkeypatch, status):
    for number in range(4):
        ada.fake.calendar.insert_event(ADA, body(id=f"event{number}"))
    with_pages(ada.fake, 2)
    ada.fake.switches = replace(ada.fake.switches, dead_page_token_status=status)
    with monkeypatch.context() as patch:
        let_page_tokens_die(patch, ada.fake, times=2)
        ada.settle()
    assert ada.mirrored() == ada.truth()
    assert ada.pull(ADA).restarts == 0
    assert ada.pull(ADA).run == 3

    ada.fake.clock.advance(60)
    ScheduledPull.objects.filter(key=ADA).request_full(ada.now)
    with monkeypatch.context() as patch:
        let_page_tokens_die(patch, ada.fake, times=3)
        ada.settle()
    pull = ada.pull(ADA)
    assert (pull.last_outcome, pull.failure_streak, pull.phase) == ("cursor_dead", 1, "")
    assert pull.due_at > ada.now
    assert len(ada.mirrored()) == 4
    ada.later()
    assert ada.pull(ADA).last_outcome == "unchanged"


def let_page_tokens_die(patch, fake, *, times):
    """The page tokens of the next ``times`` first pages are dead when they are used."""
    take = pull_chunk.Chunk._take
    left = [times]

    def expiring(self, work, fetched):
        if fetched.value is not None and fetched.value.next_page_token and left[0]:
            left[0] -= 1
            fake.calendar.expire_page_tokens()
        take(self, work, fetched)

    patch.setattr(pull_chunk.Chunk, "_take", expiring)


def test_no_sync_token_means_full_runs_said_once(ada, caplog, monkeypatch):
    from django_goffline.protocol import calendar

    read = calendar.read_page

    def without_token(document, *, size=0):
        document.pop("nextSyncToken", None)
        return read(document, size=size)

    monkeypatch.setattr(calendar, "read_page", without_token)
    ada.fake.calendar.insert_event(ADA, body(id="lunch0"))
    with caplog.at_level(logging.WARNING, "django_goffline"):
        ada.settle()
        for _ in range(3):
            ada.fake.journal.clear()
            ada.later()
            assert ada.fake.journal.count(path=EVENTS) == 1
    said = [record for record in caplog.records if "no sync token" in record.getMessage()]
    assert len(said) == 2  # one for each of the two lists
    ada.fake.calendar.delete_event(ADA, "lunch0")
    ada.later()
    assert ada.mirrored() == {}


def test_a_changed_query_asks_for_a_full_run(pulled, monkeypatch):
    events = resources.get("calendar_events")
    first = type(events).first_request

    def narrowed(self, pull, page_token):
        request = first(self, pull, page_token)
        return type(request)(request.method, request.path, (*request.query, ("maxAttendees", "5")))

    monkeypatch.setattr(type(events), "first_request", narrowed)
    pulled.later()
    assert pulled.pull(ADA).last_full_at == pulled.now
    pulled.later()
    assert pulled.pull(ADA).last_full_at < pulled.now


def test_a_person_asks_for_a_full_run(pulled):
    pulled.fake.clock.advance(60)
    ScheduledPull.objects.filter(key=ADA).request_full(pulled.now)
    assert pulled.settle() == 1
    assert pulled.pull(ADA).last_full_at == pulled.now
    assert pulled.chunk() == 0


def test_the_calendar_list_is_read_as_a_whole_once_a_day(pulled):
    pulled.later()
    assert pulled.pull().last_full_at == START
    pulled.later(timedelta(days=1))
    assert pulled.pull().last_full_at == pulled.now
