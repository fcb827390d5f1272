from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from django_goffline.flows import drains
from django_goffline.flows.drains import drain, live_drains, nudges_needed
from django_goffline.models import Heartbeat, database_now

DEFAULT = "default"


@pytest.mark.django_db
def test_a_drain_works_until_nothing_is_due_and_shows_that_it_lives():
    left = [3, 2, 1, 0]
    seen = []

    def work(now):
        seen.append(Heartbeat.objects.get(kind="refresh").rows_done)
        assert live_drains("refresh", now=now, using=DEFAULT) == 1
        return left.pop(0)

    assert drain("refresh", work, using=DEFAULT) == 6
    assert seen == [0, 3, 5, 6]
    assert not Heartbeat.objects.exists()


@pytest.mark.django_db
def test_a_drain_stops_when_its_time_is_over(monkeypatch):
    instants = iter([0.0, 10.0, 25.0])
    monkeypatch.setattr(drains.time, "monotonic", lambda: next(instants))
    assert drain("pull", lambda now: 100, using=DEFAULT) == 200


@pytest.mark.django_db
def test_each_chunk_has_the_databases_clock():
    seen = []

    def work(now):
        seen.append(now)
        return int(len(seen) < 3)

    before = database_now(DEFAULT)
    drain("pull", work, using=DEFAULT)
    assert before <= seen[0] <= seen[1] <= seen[2] <= database_now(DEFAULT)


@pytest.mark.django_db
def test_eager_mode_does_one_chunk(monkeypatch):
    monkeypatch.setattr(drains, "is_eager", lambda: True)
    assert drain("pull", lambda now: 100, using=DEFAULT) == 100


@pytest.mark.django_db
def test_an_error_ends_the_drain_and_its_heartbeat():
    def work(now):
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        drain("pull", work, using=DEFAULT)
    assert not Heartbeat.objects.exists()


@pytest.mark.django_db
def test_a_killed_drain_stops_counting():
    now = database_now(DEFAULT)
    Heartbeat.objects.beat(kind="pull", worker="w", now=now - timedelta(seconds=39))
    Heartbeat.objects.beat(kind="pull", worker="killed", now=now - timedelta(seconds=41))
    Heartbeat.objects.beat(kind="refresh", worker="w", now=now)
    assert live_drains("pull", now=now, using=DEFAULT) == 1


@pytest.mark.parametrize(
    ("due", "live", "nudges"),
    [(0, 0, 0), (1, 0, 1), (100, 0, 1), (101, 0, 2), (101, 1, 1), (10**6, 3, 5), (50, 4, 0)],
)
def test_nudges_are_what_the_due_rows_are_worth(due, live, nudges):
    with override_settings(GOFFLINE={"MAX_DRAINS": 8, "CHUNK_SIZE": 100}):
        assert nudges_needed(due, live) == nudges
