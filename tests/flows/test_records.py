from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError

from django_goffline.flows import records
from django_goffline.flows.records import Count, count, note
from django_goffline.models import Activity, Metric
from django_goffline.testing.factories import make_client

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 12, 34, 56, tzinfo=UTC)
DEFAULT = "default"


def test_activity_is_one_insert(statements):
    lines = [Activity(at=NOW, kind="pulled", text=f"{n} events") for n in range(30)]
    with statements() as texts:
        note(*lines, using=DEFAULT)
        note(using=DEFAULT)
    assert Activity.objects.count() == 30
    assert len([text for text in texts if "INSERT" in text]) == 1


def test_counts_add_up_within_the_hour():
    client = make_client()
    one = Count(client_id=client.pk, kind="pull", outcome="ok", count=1, calls=2, bytes=300, rows=4)
    count([one, one], now=NOW, using=DEFAULT)
    count([one], now=NOW + timedelta(minutes=20), using=DEFAULT)
    count([one], now=NOW + timedelta(hours=1), using=DEFAULT)
    rows = Metric.objects.order_by("hour").values_list(
        "hour__hour", "count", "calls", "bytes", "rows"
    )
    assert list(rows) == [(12, 3, 6, 900, 12), (13, 1, 2, 300, 4)]


def test_kinds_and_outcomes_are_counted_apart(statements):
    client = make_client()
    counts = [
        Count(client_id=client.pk, kind=kind, outcome=outcome, count=1, lag_seconds=7)
        for kind in ("refresh", "pull")
        for outcome in ("ok", "transient")
    ]
    with statements() as texts:
        count(counts, now=NOW, using=DEFAULT)
    assert Metric.objects.filter(count=1, lag_seconds=7).count() == 4
    assert len([text for text in texts if "INSERT" in text]) == 1


def test_a_lost_count_hurts_nobody(monkeypatch, caplog):
    client = make_client()

    def fail(*args, **kwargs):
        raise DatabaseError("deadlock")

    monkeypatch.setattr(records.bulk, "upsert", fail)
    count([Count(client_id=client.pk, kind="pull", outcome="ok")], now=NOW, using=DEFAULT)
    assert "counts of this chunk are lost" in caplog.text
    assert client.pk == type(client).objects.get().pk
