"""Series over several pulls: exceptions live and die with their masters, however Google tells of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from django_goffline.flows import pull_chunk
from django_goffline.models import Event, Occurrence, ScheduledPull
from tests.pulling import ADA, START, body, series

pytestmark = pytest.mark.django_db

#: Google may or may not list the exceptions of a series that is deleted, and of one that comes back.
FORMS = [(before, after) for before in (False, True) for after in (False, True)]


@pytest.fixture(params=FORMS, ids=str)
def ada(ada, request):
    """Ada, and Google in one of its forms."""
    before, after = request.param
    ada.fake.switches = replace(
        ada.fake.switches,
        deleted_series_lists_exceptions=before,
        undeleted_series_lists_exceptions=after,
    )
    ada.settle()
    return ada


def edited(ada):
    """A series with a cancelled and a changed instance."""
    google = ada.fake.calendar
    google.insert_event(ADA, series(id="standup"))
    google.cancel_instance(ADA, "standup", START + timedelta(days=1))
    google.change_instance(ADA, "standup", START + timedelta(days=2), {"summary": "Moved"})


def test_a_deleted_series_hides_its_exceptions_and_an_undelete_shows_them(ada):
    edited(ada)
    ada.later()
    assert Occurrence.objects.count() == 4
    ada.fake.calendar.delete_event(ADA, "standup")
    ada.later()
    assert ada.mirrored() == {}
    assert Event.objects.filter(removed_at=ada.now).count() == 3
    assert not Occurrence.objects.exists()
    ada.fake.calendar.undelete_event(ADA, "standup")
    ada.later()
    assert len(ada.mirrored()) == 3
    assert ada.mirrored() == ada.truth()
    assert Occurrence.objects.count() == 4


def test_a_series_that_was_made_and_deleted_between_two_pulls_may_come_back(ada):
    """Its master was never seen before; perhaps an exception was, and perhaps not."""
    edited(ada)
    ada.fake.calendar.delete_event(ADA, "standup")
    ada.later()
    assert ada.mirrored() == {}
    ada.fake.calendar.undelete_event(ADA, "standup")
    ada.later()
    assert len(ada.mirrored()) == 3
    assert ada.mirrored() == ada.truth()
    assert Occurrence.objects.count() == 4


def test_of_a_series_that_was_never_seen_nothing_may_have_been_told(ada):
    """A full run does not list what is deleted: later, only its age says that there may be more to it."""
    google = ada.fake.calendar
    google.insert_event(ADA, series(id="standup"))
    google.change_instance(ADA, "standup", START + timedelta(days=2), {"summary": "Moved"})
    google.delete_event(ADA, "standup")
    google.expire_sync_tokens(ADA)
    ada.later()
    assert not Event.objects.exists()
    google.undelete_event(ADA, "standup")
    ada.later()
    assert len(ada.mirrored()) == 2
    assert ada.mirrored() == ada.truth()


def test_a_series_that_comes_back_while_a_full_run_turns_its_pages(ada, monkeypatch):
    ada.fake.calendar.insert_event(ADA, body(id="lunch0"))
    edited(ada)
    ada.fake.calendar.delete_event(ADA, "standup")
    ada.fake.calendar.expire_sync_tokens(ADA)
    ada.later()
    ada.fake.clock.advance(60)
    take = pull_chunk.Chunk._take
    back = []

    def returning(self, work, fetched):
        if work.pull.phase == "full" and not back:
            back.append(ada.fake.calendar.undelete_event(ADA, "standup"))
        take(self, work, fetched)

    monkeypatch.setattr(pull_chunk.Chunk, "_take", returning)
    ScheduledPull.objects.filter(key=ADA).request_full(ada.now)
    ada.settle()
    assert back
    assert len(ada.mirrored()) == 4
    assert ada.mirrored() == ada.truth()


def test_a_new_series_costs_no_full_run(ada):
    edited(ada)
    ada.later()
    assert ada.mirrored() == ada.truth()
    assert ada.pull(ADA).last_full_at == START
