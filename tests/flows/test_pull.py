"""The ordinary ways of a pull: what arrives, what is written on its row, what is told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_goffline.models import (
    Activity,
    Event,
    Metric,
    ScheduledPull,
)
from django_goffline.signals import events_changed, pull_finished
from tests.pulling import ADA, START, body, series, with_pages

pytestmark = pytest.mark.django_db

EVENTS = r"/events$"
LIST = "calendarList"


def test_a_grant_comes_to_be_pulled(pulled):
    calendar = pulled.calendar()
    assert (calendar.primary, calendar.access_role, calendar.pulled) == (True, "owner", True)
    event = Event.objects.get()
    assert (event.google_id, event.summary, event.status) == ("lunch0", "Lunch", "confirmed")
    assert (event.start_at, event.end_at) == (START, START + timedelta(hours=1))
    assert pulled.mirrored() == pulled.truth()


def test_what_is_done_is_written_on_the_pull(pulled):
    pull = pulled.pull(ADA)
    assert pull.cursor
    assert (pull.phase, pull.page_token, pull.lease_id, pull.lease_until) == ("", "", "", None)
    assert (pull.last_outcome, pull.last_rows, pull.last_changes) == ("changed", 1, 1)
    assert pull.last_full_at == pull.last_success_at == START
    assert START + timedelta(seconds=675) <= pull.due_at <= START + timedelta(seconds=1125)


def test_nothing_is_due_before_its_time(pulled):
    pulled.fake.journal.clear()
    assert pulled.chunk() == 0
    pulled.fake.clock.advance(600)
    assert pulled.chunk() == 0
    assert pulled.fake.journal.count() == 0
    pulled.fake.clock.advance(600)
    assert pulled.chunk() == 2


def test_a_delta_brings_exactly_what_changed(pulled):
    fake = pulled.fake.calendar
    fake.insert_event(ADA, body("Tea", id="tea00"))
    fake.patch_event(ADA, "lunch0", {"summary": "Brunch"})
    pulled.later()
    assert pulled.mirrored() == pulled.truth()
    assert pulled.pull(ADA).last_changes == 2
    fake.delete_event(ADA, "tea00")
    pulled.later()
    assert set(pulled.mirrored()) == {"lunch0"}
    assert Event.objects.get(google_id="tea00").removed_at == pulled.now
    fake.undelete_event(ADA, "tea00")
    pulled.later()
    assert pulled.mirrored() == pulled.truth()
    assert Event.objects.get(google_id="tea00").removed_at is None


def test_pages_are_followed_and_the_cursor_is_of_the_last(ada):
    for number in range(7):
        ada.fake.calendar.insert_event(ADA, body(id=f"event{number}"))
    with_pages(ada.fake, 3)
    ada.settle()
    assert len(ada.mirrored()) == 7
    assert ada.fake.journal.count(path=EVENTS) == 3
    ada.fake.journal.clear()
    ada.later()
    assert ada.fake.journal.count(path=EVENTS) == 1


def test_signals_tell_of_each_page_and_of_the_end(ada, django_capture_on_commit_callbacks):
    told = []

    def changed(sender, calendar, run, created, changed, removed, **kwargs):
        told.append((calendar.google_id, created, changed, removed))

    def finished(sender, pull_id, resource, outcome, **kwargs):
        told.append((resource, outcome))

    events_changed.connect(changed)
    pull_finished.connect(finished)
    try:
        ada.fake.calendar.insert_event(ADA, body(id="lunch0"))
        with django_capture_on_commit_callbacks(execute=True):
            ada.settle()
        with django_capture_on_commit_callbacks(execute=True):
            ada.later()
    finally:
        events_changed.disconnect(changed)
        pull_finished.disconnect(finished)
    assert told == [
        ("calendar_list", "changed"),
        (ADA, ["lunch0"], [], []),
        ("calendar_events", "changed"),
        ("calendar_list", "unchanged"),
        ("calendar_events", "unchanged"),
    ]


def test_activity_is_left_for_changes_only(pulled):
    first = Activity.objects.filter(kind=Activity.Kind.PULLED).count()
    assert first == 2
    pulled.later()
    assert Activity.objects.filter(kind=Activity.Kind.PULLED).count() == first


def test_counts_are_kept_by_hour(pulled):
    pulled.later(timedelta(minutes=30))
    metric = Metric.objects.get(kind="pull.calendar_events", outcome="changed")
    assert (metric.count, metric.calls, metric.rows) == (1, 1, 1)
    assert metric.bytes > 100
    assert Metric.objects.get(kind="pull.calendar_events", outcome="unchanged").lag_seconds > 600


def test_hidden_calendars_are_listed_and_not_pulled(ada):
    other = ada.fake.calendar.create_calendar(ADA, summary="Old")
    ada.fake.calendar.hide(other, ADA)
    ada.settle()
    assert ada.calendar(other).hidden
    assert not ada.calendar(other).pulled
    assert not ScheduledPull.objects.filter(key=other).exists()


def test_whether_a_calendar_is_pulled_is_for_people_to_say(pulled):
    type(pulled.calendar()).objects.update(pulled=False)
    pulled.settle()
    assert pulled.pull(ADA).due_at is None
    pulled.fake.calendar.set_color(ADA, ADA, "7")
    pulled.later()
    assert pulled.calendar().color_id == "7"
    assert not pulled.calendar().pulled


def test_a_calendar_off_the_list_rests_and_returns(pulled):
    team = pulled.fake.calendar.create_calendar("bob@example.com", summary="Team", id="team@x")
    pulled.fake.calendar.share(team, ADA, "reader")
    pulled.fake.calendar.add_to_list(team, ADA)
    pulled.later()
    assert pulled.calendar(team).removed_at is None
    pulled.fake.calendar.unshare(team, ADA)
    pulled.later()
    assert pulled.calendar(team).removed_at is not None
    assert pulled.pull(team).due_at is None
    pulled.fake.calendar.share(team, ADA, "writer")
    pulled.fake.calendar.add_to_list(team, ADA)
    pulled.fake.calendar.insert_event(team, body(id="kickoff"))
    pulled.later()
    assert pulled.calendar(team).removed_at is None
    assert set(pulled.mirrored(team)) == {"kickoff"}


def test_a_series_and_its_exceptions_arrive(ada):
    fake = ada.fake.calendar
    fake.insert_event(ADA, series(id="standup"))
    fake.cancel_instance(ADA, "standup", START + timedelta(days=1))
    fake.change_instance(ADA, "standup", START + timedelta(days=2), {"summary": "Moved"})
    ada.settle()
    assert ada.mirrored() == ada.truth()
    assert Event.objects.live().filter(status="cancelled").count() == 1
    assert Event.objects.exclude(recurring_event_id="").count() == 2
