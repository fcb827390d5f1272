"""Claims, leases and wishes, on ``ScheduledPull``: the hottest rows."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from django_goffline.models import Grant, OAuthClient, ScheduledPull, database_now
from django_goffline.models.leases import LeasedQuerySet

NOW = datetime(2031, 3, 4, 5, 6, 7, tzinfo=UTC)
LENGTH = timedelta(minutes=3)


def make_grant(sub="1"):
    client, _ = OAuthClient.objects.get_or_create(client_id="c", defaults={"name": "C"})
    return Grant.objects.get_or_create(client=client, sub=sub)[0]


def make_pulls(*offsets, grant=None, **values):
    """Pulls due at so many seconds from NOW; None is parked."""
    grant = grant or make_grant()
    start = ScheduledPull.objects.filter(grant=grant).count()
    return [
        ScheduledPull.objects.create(
            client=grant.client,
            grant=grant,
            resource="calendar_events",
            key=f"{start + position}",
            due_at=None if offset is None else NOW + timedelta(seconds=offset),
            **values,
        )
        for position, offset in enumerate(offsets)
    ]


def claim(limit=100, now=NOW, **options):
    return ScheduledPull.objects.all().claim(now=now, limit=limit, length=LENGTH, **options)


def keys(claimed):
    return [row.key for row in claimed.rows]


@pytest.mark.django_db
def test_the_databases_clock_is_aware_utc_and_runs():
    first = database_now("default")
    second = database_now("default")
    assert first.tzinfo is UTC
    assert timedelta(0) <= second - first < timedelta(minutes=1)
    assert abs(first - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.django_db
def test_a_claim_takes_due_rows_oldest_first():
    make_pulls(-10, -30, 5, None, 0)
    assert keys(claim()) == ["1", "0", "4"]


@pytest.mark.django_db
def test_a_claim_stops_at_its_limit_and_the_next_one_goes_on():
    make_pulls(-3, -2, -1)
    assert keys(claim(limit=2)) == ["0", "1"]
    assert keys(claim(limit=2)) == ["2"]
    assert keys(claim(limit=2)) == []


@pytest.mark.django_db
def test_a_claimed_row_carries_its_lease():
    make_pulls(-1)
    claimed = claim()
    row = ScheduledPull.objects.get()
    assert (row.lease_id, row.lease_until, row.claimed_at) == (
        claimed.lease.id,
        NOW + LENGTH,
        NOW,
    )
    assert row.is_leased(NOW) and not row.is_leased(NOW + LENGTH)
    assert claimed.rows[0].lease_id == claimed.lease.id


@pytest.mark.django_db
def test_a_lease_that_ended_is_claimed_by_the_next():
    make_pulls(-1)
    first = claim()
    assert keys(claim(now=NOW + LENGTH - timedelta(seconds=1))) == []
    second = claim(now=NOW + LENGTH)
    assert keys(second) == ["0"] and second.lease.id != first.lease.id


@pytest.mark.django_db
def test_filters_hold_for_candidates():
    make_pulls(-1, grant=make_grant("1"))
    theirs = make_pulls(-1, grant=make_grant("2"))
    mine = ScheduledPull.objects.filter(grant=theirs[0].grant)
    assert [row.pk for row in mine.claim(now=NOW, limit=9, length=LENGTH).rows] == [theirs[0].pk]


@pytest.mark.django_db
def test_a_fair_claim_takes_turns_between_grants():
    big, small = make_grant("big"), make_grant("small")
    make_pulls(*range(-100, -88), grant=big)
    make_pulls(-2, -1, grant=small)
    fair = claim(limit=6, fair_by="grant_id")
    owners = [row.grant_id for row in fair.rows]
    assert owners.count(small.pk) == 2
    # Oldest first within a turn, so the grant that waits longest begins.
    assert owners[:2] == [big.pk, small.pk]
    unfair = claim(limit=6)
    assert {row.grant_id for row in unfair.rows} == {big.pk}


@pytest.mark.django_db
def test_rows_taken_between_candidates_and_claim_are_left_to_their_holder(monkeypatch):
    make_pulls(-2, -1)
    original = LeasedQuerySet._candidates

    def candidates_then_a_rival(self, **options):
        found = original(self, **options)
        monkeypatch.setattr(LeasedQuerySet, "_candidates", original)
        rivals.append(claim(limit=1))
        return found

    rivals: list = []
    monkeypatch.setattr(LeasedQuerySet, "_candidates", candidates_then_a_rival)
    assert keys(claim()) == ["1"]
    assert keys(rivals[0]) == ["0"]


@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_nobody():
    make_pulls(-2, -1)
    if not connection.features.has_select_for_update_skip_locked:
        # One writer at a time: the transaction must begin with its write, or a deferred one could not be upgraded.
        with CaptureQueriesContext(connection) as queries:
            assert keys(claim()) == ["0", "1"]
        after_begin = [q["sql"] for q in queries if "BEGIN" not in q["sql"]]
        assert after_begin[1].startswith("UPDATE")
        return
    found: list = []

    def rival():
        try:
            found.append(keys(claim()))
        finally:
            connection.close()

    with transaction.atomic():
        list(ScheduledPull.objects.filter(key="0").select_for_update())
        thread = threading.Thread(target=rival)
        thread.start()
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert found == [["1"]]


@pytest.mark.django_db
@pytest.mark.parametrize("fair_by", [None, "grant_id"])
def test_a_claim_costs_a_constant_number_of_statements(fair_by):
    def statements(rows):
        ScheduledPull.objects.all().delete()
        make_pulls(*([-1] * rows))
        with CaptureQueriesContext(connection) as queries:
            assert len(claim(fair_by=fair_by).rows) == rows
        return len(queries)

    assert statements(3) == statements(60) <= 8


@pytest.mark.django_db
def test_renewal_reaches_the_rows_that_are_still_held():
    first, second = make_pulls(-2, -1)
    claimed = claim()
    ScheduledPull.objects.filter(pk=second.pk).update(lease_id="")
    until = NOW + timedelta(hours=1)
    assert ScheduledPull.objects.renew(claimed.lease, until=until) == 1
    first.refresh_from_db()
    assert first.lease_until == until


@pytest.mark.django_db
def test_rows_are_handed_back_unless_somebody_else_holds_them():
    first, second = make_pulls(-2, -1)
    claimed = claim()
    ScheduledPull.objects.filter(pk=second.pk).update(lease_id="another")
    due = NOW + timedelta(seconds=5)
    handed = ScheduledPull.objects.hand_back(claimed.lease, [first.pk, second.pk], due_at=due)
    assert handed == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.lease_id, first.lease_until, first.due_at) == ("", None, due)
    assert second.lease_id == "another" and second.lease_until is not None
    assert ScheduledPull.objects.hand_back(claimed.lease, [], due_at=due) == 0


@pytest.mark.django_db
def test_a_wish_wakes_idle_rows_and_leaves_leased_ones_their_due_time():
    idle, leased = make_pulls(900, -5)
    claim()
    later = NOW + timedelta(seconds=1)
    assert ScheduledPull.objects.all().wake(later) == 2
    idle.refresh_from_db()
    leased.refresh_from_db()
    assert idle.due_at == later and idle.wake_requested_at == later
    assert leased.due_at == NOW - timedelta(seconds=5) and leased.wake_requested_at == later


@pytest.mark.django_db
def test_pausing_parks_and_raises_the_generation_and_resuming_makes_due():
    (pull,) = make_pulls(-1)
    assert ScheduledPull.objects.all().pause(NOW) == 1
    assert ScheduledPull.objects.all().pause(NOW) == 0
    pull.refresh_from_db()
    assert (pull.due_at, pull.generation, pull.paused_at) == (None, 1, NOW)
    assert ScheduledPull.objects.all().resume(NOW) == 1
    pull.refresh_from_db()
    assert (pull.due_at, pull.paused_at) == (NOW, None)


@pytest.mark.django_db
def test_a_paused_grant_loses_its_lease_and_its_workers_result():
    grant = make_grant()
    Grant.objects.update(due_at=NOW, lease_id="x", lease_until=NOW + LENGTH)
    assert Grant.objects.all().pause(reason="by hand") == 1
    grant.refresh_from_db()
    assert (grant.state, grant.reason, grant.due_at) == ("paused", "by hand", None)
    assert (grant.generation, grant.lease_id, grant.lease_until) == (1, "", None)


@pytest.mark.django_db
def test_a_grant_that_awaits_approval_is_approved_and_not_resumed():
    grant = make_grant()
    Grant.objects.update(state="paused", reason=Grant.AWAITING_APPROVAL, generation=F("generation"))
    assert Grant.objects.all().resume(now=NOW) == 0
    assert Grant.objects.all().approve(now=NOW) == 1
    grant.refresh_from_db()
    assert (grant.state, grant.reason, grant.due_at) == ("active", "", NOW)
