from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from django_goffline.models import Grant
from django_goffline.testing.factories import make_grant

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LENGTH = timedelta(minutes=3)


def claim(*pks, rows=None):
    return (rows or Grant.objects.all()).claim_now(pks, now=NOW, length=LENGTH)


def test_rows_are_taken_whether_due_or_not():
    due, idle = make_grant(due_at=NOW), make_grant(due_at=NOW + timedelta(days=1))
    taken = claim(idle.pk, due.pk)
    assert [row.pk for row in taken.rows] == [idle.pk, due.pk]
    assert {row.lease_id for row in Grant.objects.all()} == {taken.lease.id}
    assert claim(idle.pk, due.pk).rows == []


def test_other_hands_and_the_filters_of_the_queryset_are_respected():
    free, paused = make_grant(), make_grant(state="paused")
    held = make_grant(lease_id="other", lease_until=NOW + timedelta(seconds=1))
    lapsed = make_grant(lease_id="dead", lease_until=NOW - timedelta(seconds=1))
    pks = [row.pk for row in (free, paused, held, lapsed)]
    taken = claim(*pks, rows=Grant.objects.active())
    assert [row.pk for row in taken.rows] == [free.pk, lapsed.pk]
    assert claim().rows == ()


def test_released_rows_are_as_they_were_unless_somebody_wished_meanwhile():
    grants = [make_grant(due_at=NOW + timedelta(days=1)) for _ in range(3)]
    taken = claim(*(grant.pk for grant in grants))
    Grant.objects.filter(pk=grants[1].pk).wake(NOW + timedelta(seconds=5))
    Grant.objects.filter(pk=grants[2].pk).update(lease_id="other")
    later = NOW + timedelta(seconds=10)
    pks = [grant.pk for grant in grants]
    assert Grant.objects.all().release(taken.lease, pks, now=later) == 2
    assert Grant.objects.all().release(taken.lease, [], now=later) == 0
    rows = [Grant.objects.get(pk=pk) for pk in pks]
    assert [row.lease_id for row in rows] == ["", "", "other"]
    assert [row.due_at for row in rows] == [NOW + timedelta(days=1), later, NOW + timedelta(days=1)]
