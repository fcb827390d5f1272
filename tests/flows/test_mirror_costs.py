"""What a page of Google's largest size costs in statements."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from django_goffline.flows.pull_run import Phase
from django_goffline.models import Event, Occurrence, SeenItem
from tests.flows.test_mirror import mirror_of, page
from tests.pulling import ADA, START, body

pytestmark = pytest.mark.django_db

ITEMS = 2500


def most():
    """Statements that a page may cost; parameters are limited on SQLite."""
    return 40 if connection.vendor == "sqlite" else 10


def singles(summary="Lunch"):
    return [
        body(summary, id=f"event{number:04}", status="confirmed", etag=f'"{number}"')
        for number in range(ITEMS)
    ]


def series_with_exceptions():
    """500 series of four days each, with a moved and two cancelled instances, and 500 single events."""
    items = singles()[:500]
    for number in range(500):
        master = body(id=f"series{number:03}", recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
        items.append(master)
        for day in range(1, 4):
            original = {"dateTime": (START + timedelta(days=day)).isoformat()}
            items.append(
                body(
                    "Moved",
                    start=START + timedelta(days=day, hours=3),
                    id=f"series{number:03}_{day}",
                    status="confirmed" if day == 1 else "cancelled",
                    recurringEventId=master["id"],
                    originalStartTime=original,
                )
            )
    return items


def costs(statements, work):
    """What the work gave, and its statements; begin and end of the transaction are none."""
    with statements() as texts:
        changes = work()
    texts = [text for text in texts if "SAVEPOINT" not in text and text != "BEGIN"]
    assert len(texts) <= most(), [text[:200] for text in texts]
    return changes, texts


def test_a_page_of_new_events(pulled, statements):
    ours = mirror_of(pulled)
    changes, _ = costs(statements, lambda: ours.apply_page(page(*singles()), now=pulled.now))
    assert len(changes.created) == ITEMS
    assert Event.objects.count() == Occurrence.objects.count() == ITEMS + 1


def test_a_page_of_changes_and_one_of_tombstones(pulled, statements):
    mirror_of(pulled).apply_page(page(*singles()), now=pulled.now)
    ours = mirror_of(pulled, Phase.INCREMENTAL)
    items = page(*singles("Brunch"))
    changes, _ = costs(statements, lambda: ours.apply_page(items, now=pulled.now))
    assert len(changes.changed) == ITEMS
    gone = page(*({"id": item["id"], "status": "cancelled"} for item in singles()))
    ours = mirror_of(pulled, Phase.INCREMENTAL)
    changes, _ = costs(statements, lambda: ours.apply_page(gone, now=pulled.now))
    assert len(changes.removed) == ITEMS
    assert Occurrence.objects.count() == 1


def test_a_page_of_series_and_exceptions(pulled, statements):
    items = series_with_exceptions()
    assert len(items) == ITEMS
    ours = mirror_of(pulled)
    changes, _ = costs(statements, lambda: ours.apply_page(page(*items), now=pulled.now))
    assert len(changes.created) == ITEMS
    # Of each series the first day and the moved one.
    assert Occurrence.objects.filter(event__google_id__startswith="series").count() == 1000
    # The masters go, and take their exceptions along.
    gone = [{"id": f"series{number:03}", "status": "cancelled"} for number in range(500)]
    ours = mirror_of(pulled, Phase.INCREMENTAL)
    costs(statements, lambda: ours.apply_page(page(*gone), now=pulled.now))
    assert not Occurrence.objects.filter(event__google_id__startswith="series").exists()
    assert Event.objects.filter(removed_with_master=True).count() == 1500


def test_a_page_without_changes_writes_no_events(pulled, statements):
    mirror_of(pulled).apply_page(page(*singles()), now=pulled.now)
    ours = mirror_of(pulled)
    changes, texts = costs(statements, lambda: ours.apply_page(page(*singles()), now=pulled.now))
    assert len(changes) == 0
    assert not [text for text in texts if writes(text, "goffline_event", "goffline_occurrence")]
    assert SeenItem.objects.count() == ITEMS


def test_a_second_full_run_over_the_same_list_writes_no_events(pulled, statements):
    for number in range(20):
        pulled.fake.calendar.insert_event(ADA, body(id=f"event{number:04}"))
    pulled.later()
    rows = list(Event.objects.order_by("pk").values())
    pulled.fake.calendar.expire_sync_tokens(ADA)
    pulled.fake.clock.advance(3600)
    with statements() as texts:
        pulled.settle()
    pull = pulled.pull(ADA)
    assert (pull.last_full_at, pull.last_outcome) == (pulled.now, "unchanged")
    assert list(Event.objects.order_by("pk").values()) == rows
    assert not [text for text in texts if writes(text, "goffline_event", "goffline_occurrence")]
    assert not SeenItem.objects.exists()


def writes(text, *tables):
    quote = connection.ops.quote_name
    return text.startswith(("INSERT", "UPDATE", "DELETE")) and any(
        quote(table) in text for table in tables
    )
