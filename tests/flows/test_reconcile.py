"""Pulls follow grants and calendars: missing ones come, unwanted ones rest, wanted ones wake."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_goffline import resources
from django_goffline.flows.reconcile import reconcile
from django_goffline.models import Calendar, Grant, ScheduledPull
from django_goffline.testing.factories import make_calendar, make_client, make_grant, make_pull
from tests.pulling import DEFAULT, START

pytestmark = pytest.mark.django_db

LATER = START + timedelta(hours=1)


def run(now=START):
    reconcile(now=now, using=DEFAULT)


def pulls():
    return {
        (pull.grant_id, pull.resource, pull.key): pull.due_at
        for pull in ScheduledPull.objects.all()
    }


def many(count):
    client = make_client()
    for number in range(count):
        make_calendar(make_grant(client=client, email=f"p{number}@example.com"))


# ── insert ───────────────────────────────────────────────────────────────────────────────────


def test_missing_pulls_are_inserted_once_and_due():
    calendar = make_calendar(google_id="team@x")
    run()
    expected = {
        (calendar.grant_id, "calendar_list", ""): START,
        (calendar.grant_id, "calendar_events", "team@x"): START,
    }
    assert pulls() == expected
    assert set(ScheduledPull.objects.values_list("client_id", flat=True)) == {
        calendar.grant.client_id
    }
    run(LATER)
    assert pulls() == expected


def test_of_whom_nothing_is_pulled():
    for state in set(Grant.State.values) - {"active"}:
        make_calendar(make_grant(state=state))
    off = make_grant()
    make_calendar(off, pulled=False)
    make_calendar(off, removed_at=START)
    run()
    assert set(pulls()) == {(off.pk, "calendar_list", "")}


def test_a_grant_without_the_scope_gets_a_parked_pull():
    grant = make_grant(scopes=["openid"], authorized_at=START)
    run()
    pull = ScheduledPull.objects.get()
    assert (pull.due_at, pull.last_outcome) == (None, "scope_missing")
    run(LATER)
    assert ScheduledPull.objects.get().due_at is None
    Grant.objects.filter(pk=grant.pk).update(authorized_at=LATER)
    run(LATER + timedelta(minutes=1))
    assert ScheduledPull.objects.get().due_at == LATER + timedelta(minutes=1)


def test_two_that_reconcile_at_once_insert_one(monkeypatch):
    make_grant()
    targets = resources.get("calendar_list").missing(limit=10, using=DEFAULT)
    run()
    monkeypatch.setattr(
        type(resources.get("calendar_list")),
        "missing",
        lambda self, *, limit, using: targets if self.name == "calendar_list" else [],
    )
    run(LATER)
    assert ScheduledPull.objects.get().due_at == START


# ── park and wake ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", sorted(set(Grant.State.values) - {"active"}))
def test_pulls_of_a_grant_rest_and_wake_with_it(state):
    calendar = make_calendar()
    run()
    Grant.objects.update(state=state)
    run(LATER)
    assert set(pulls().values()) == {None}
    Grant.objects.filter(pk=calendar.grant_id).update(state="active")
    run(LATER)
    assert set(pulls().values()) == {LATER}


@pytest.mark.parametrize("off", [{"pulled": False}, {"removed_at": START}])
def test_events_of_a_calendar_rest_and_wake_with_it(off):
    calendar = make_calendar()
    other = make_calendar(calendar.grant)
    run()
    events = ScheduledPull.objects.filter(resource="calendar_events")
    Calendar.objects.filter(pk=calendar.pk).update(**off)
    run(LATER)
    assert events.get(key=calendar.google_id).due_at is None
    assert events.get(key=other.google_id).due_at == START
    assert ScheduledPull.objects.get(resource="calendar_list").due_at == START
    Calendar.objects.filter(pk=calendar.pk).update(pulled=True, removed_at=None)
    run(LATER)
    assert events.get(key=calendar.google_id).due_at == LATER


def test_who_is_paused_stays_paused():
    pull = make_pull(due_at=None, paused_at=START)
    run()
    pull.refresh_from_db()
    assert pull.due_at is None


def test_what_a_worker_holds_is_left_to_its_settle():
    pull = make_pull(due_at=None, lease_id="held", lease_until=LATER)
    run()
    pull.refresh_from_db()
    assert (pull.due_at, pull.lease_id) == (None, "held")
    run(LATER)
    pull.refresh_from_db()
    assert pull.due_at == LATER


def test_a_due_time_to_come_is_left_alone():
    pull = make_pull(due_at=LATER)
    run()
    pull.refresh_from_db()
    assert pull.due_at == LATER


# ── costs ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("count", [3, 60])
def test_what_it_costs(statements, count):
    many(count)
    with statements() as inserting:
        run()
    assert ScheduledPull.objects.count() == 2 * count
    with statements() as resting:
        run(LATER)
    assert ScheduledPull.objects.count() == 2 * count
    inserting = [text for text in inserting if "SAVEPOINT" not in text]
    # Two resources: what is missing, park, wake for each; and one park for grants.
    assert len(resting) <= 7
    assert len(inserting) <= len(resting) + 2


def test_a_crowd_is_inserted_in_portions(monkeypatch):
    monkeypatch.setattr("django_goffline.flows.reconcile.INSERTED_AT_ONCE", 4)
    monkeypatch.setattr("django_goffline.flows.reconcile.MOST_STATEMENTS", 2)
    many(10)
    run()
    lists = ScheduledPull.objects.filter(resource="calendar_list")
    assert lists.count() == 8
    run()
    assert lists.count() == 10
