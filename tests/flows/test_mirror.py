"""Pages and sweeps become rows: behind a fence, in steps, and never by accident."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from django_goffline import resources
from django_goffline.flows import mirror as mirroring
from django_goffline.flows import pull_chunk
from django_goffline.flows.mirror import Mirror, Overtaken
from django_goffline.flows.pull_run import Phase, begin
from django_goffline.models import Event, Occurrence, ScheduledPull, SeenItem
from django_goffline.protocol.calendar import Page
from tests.pulling import ADA, DEFAULT, body

pytestmark = pytest.mark.django_db


def mirror_of(ada, phase=Phase.FULL):
    """The mirror of Ada's primary calendar at the begin of a run."""
    pull = ada.pull(ADA)
    begin(pull, phase, now=ada.now)
    return Mirror(
        pull=pull, resource=resources.get("calendar_events"), parent=ada.calendar(), using=DEFAULT
    )


def page(*items, **tokens):
    return Page(items=list(items), fields={}, **({"next_sync_token": "next"} | tokens))


def filled(ada, count):
    """Events at Google, pulled; ``event0000`` is the first."""
    for number in range(count):
        ada.fake.calendar.insert_event(ADA, body(id=f"event{number:04}"))
    ada.settle()
    ada.fake.clock.advance(60)


def vanish(ada, numbers):
    """Events that are gone without a tombstone: their tombstones are older than Google remembers."""
    for number in numbers:
        ada.fake.calendar.delete_event(ADA, f"event{number:04}")
    ada.fake.calendar.purge_cancelled(ADA)
    ada.fake.calendar.expire_sync_tokens(ADA)
    ScheduledPull.objects.filter(key=ADA).wake(ada.now)


# ── the fence ────────────────────────────────────────────────────────────────────────────────


def test_who_is_overtaken_writes_nothing(pulled):
    late = mirror_of(pulled)
    ScheduledPull.objects.filter(key=ADA).pause(pulled.now)
    before = pulled.pull(ADA)
    with pytest.raises(Overtaken):
        late.apply_page(page({"id": "tea00", "status": "confirmed"}), now=pulled.now)
    after = pulled.pull(ADA)
    assert not Event.objects.filter(google_id="tea00").exists()
    assert (after.run, after.phase, after.cursor) == (before.run, "", before.cursor)


def test_who_is_overtaken_sweeps_nothing(pulled):
    late = mirror_of(pulled, Phase.SWEEP)
    late.pull.next_cursor = "next"
    ScheduledPull.objects.filter(key=ADA).pause(pulled.now)
    with pytest.raises(Overtaken):
        late.sweep(now=pulled.now)
    assert set(pulled.mirrored()) == {"lunch0"}
    assert pulled.pull(ADA).cursor != "next"


def test_each_write_moves_the_pull_on(pulled):
    ours = mirror_of(pulled)
    ours.apply_page(
        page({"id": "tea00", "status": "confirmed"}, next_page_token="2"), now=pulled.now
    )
    row = pulled.pull(ADA)
    assert (row.phase, row.page_token, row.generation) == ("full", "2", ours.pull.generation)
    assert row.cursor not in ("", "next")
    ours.apply_page(page(), now=pulled.now)
    assert (ours.pull.phase, pulled.pull(ADA).next_cursor) == ("catch_up", "next")
    ours.apply_page(page(next_sync_token="last"), now=pulled.now)
    assert (pulled.pull(ADA).phase, pulled.pull(ADA).cursor) == ("sweep", row.cursor)
    changes = ours.sweep(now=pulled.now)
    assert (changes.removed, changes.swept) == (["lunch0"], True)
    assert (pulled.pull(ADA).phase, pulled.pull(ADA).cursor) == ("", "last")


# ── the sweep ────────────────────────────────────────────────────────────────────────────────


def test_a_sweep_goes_in_steps_and_ends_with_the_cursor(ada, monkeypatch):
    filled(ada, 8)
    old = ada.pull(ADA).cursor
    vanish(ada, range(5))
    monkeypatch.setattr(mirroring, "SWEEP_ROWS", 2)
    over = iter([False, False, False, False, True])
    with monkeypatch.context() as patch:
        patch.setattr(pull_chunk.Chunk, "_is_over", lambda self: next(over))
        ada.chunk()
    half = ada.pull(ADA)
    assert (half.phase, half.cursor, half.due_at) == ("sweep", "", ada.now)
    assert len(ada.mirrored()) == 6
    ada.fake.journal.clear()
    ada.settle()
    assert ada.fake.journal.count(path="/events$") == 0
    assert ada.mirrored() == ada.truth()
    done = ada.pull(ADA)
    assert (done.phase, done.last_outcome, done.last_changes) == ("", "changed", 5)
    assert done.cursor not in ("", old)
    assert not SeenItem.objects.exists()


def test_a_worker_that_is_killed_in_a_sweep_leaves_it_to_the_next(ada, monkeypatch):
    filled(ada, 8)
    vanish(ada, range(5))
    monkeypatch.setattr(mirroring, "SWEEP_ROWS", 2)
    sweep = Mirror.sweep
    steps = []

    def killed(self, *, now):
        steps.append(now)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return sweep(self, now=now)

    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "sweep", killed)
        with pytest.raises(KeyboardInterrupt):
            ada.chunk()
    left = ada.pull(ADA)
    assert (left.phase, left.is_leased(ada.now), len(ada.mirrored())) == ("sweep", True, 6)
    assert ada.settle() == 0
    ada.fake.clock.advance(timedelta(seconds=181))
    ada.settle()
    assert ada.mirrored() == ada.truth()
    assert ada.pull(ADA).run == left.run


def test_a_sweep_of_most_rows_waits_for_a_persons_word(ada, caplog):
    filled(ada, 60)
    vanish(ada, range(35))
    with caplog.at_level(logging.WARNING, "django_goffline"):
        ada.settle()
    held = ada.pull(ADA)
    assert (held.phase, held.sweep_held_at, len(ada.mirrored())) == ("", ada.now, 60)
    assert "until a person approves" in caplog.text
    # Changes keep coming meanwhile, and nobody is asked again.
    ada.fake.calendar.insert_event(ADA, body(id="tea00"))
    ada.later()
    assert len(ada.mirrored()) == 61
    assert ada.pull(ADA).sweep_held_at == held.sweep_held_at

    ada.fake.clock.advance(60)
    ScheduledPull.objects.filter(key=ADA).update(sweep_approved_at=ada.now)
    ada.wake()
    assert ada.mirrored() == ada.truth()
    assert ada.pull(ADA).sweep_held_at is None
    assert len(ada.mirrored()) == 26


def test_a_held_sweep_is_over_when_google_lists_everything_again(ada, monkeypatch):
    filled(ada, 60)
    events = type(resources.get("calendar_events"))
    rows = events.rows
    with monkeypatch.context() as patch:
        patch.setattr(events, "rows", lambda self, items, **named: rows(self, items[:20], **named))
        ScheduledPull.objects.filter(key=ADA).request_full(ada.now)
        ada.settle()
    assert ada.pull(ADA).sweep_held_at == ada.now
    ada.fake.clock.advance(60)
    ScheduledPull.objects.filter(key=ADA).request_full(ada.now)
    ada.settle()
    assert ada.pull(ADA).sweep_held_at is None
    assert len(ada.mirrored()) == 60


@pytest.mark.parametrize(
    ("rows", "gone", "asked"), [(50, 50, False), (60, 30, False), (60, 31, True)]
)
def test_who_is_asked(ada, rows, gone, asked):
    filled(ada, rows)
    vanish(ada, range(gone))
    ada.settle()
    assert (ada.pull(ADA).sweep_held_at is not None) == asked
    assert len(ada.mirrored()) == (rows if asked else rows - gone)


# ── items ────────────────────────────────────────────────────────────────────────────────────


def test_an_event_that_cannot_be_read_is_kept_with_the_reason_and_the_page_goes_on(pulled, caplog):
    broken = {"id": "odd00", "status": "confirmed", "start": {"dateTime": "soon"}, "summary": 7}
    fine = body(id="tea00", status="confirmed")
    with caplog.at_level(logging.WARNING, "django_goffline"):
        changes = mirror_of(pulled, Phase.INCREMENTAL).apply_page(
            page(broken, {"summary": "no id"}, fine), now=pulled.now
        )
    assert changes.created == ["odd00", "tea00"]
    row = Event.objects.get(google_id="odd00")
    assert row.data == broken
    assert "start" in row.problem and "summary" in row.problem
    assert not Occurrence.objects.filter(event=row).exists()
    assert Event.objects.get(google_id="tea00").problem == ""
    assert "1 items without a usable id" in caplog.text


def test_a_series_that_cannot_be_expanded_says_so_and_recovers(pulled):
    master = body(id="odd00", status="confirmed", recurrence=["RRULE:FREQ=SOMETIMES"])
    mirror_of(pulled, Phase.INCREMENTAL).apply_page(page(master), now=pulled.now)
    assert Event.objects.get(google_id="odd00").problem.startswith("recurrence: ")
    master["recurrence"] = ["RRULE:FREQ=DAILY;COUNT=3"]
    mirror_of(pulled, Phase.INCREMENTAL).apply_page(page(master), now=pulled.now)
    assert Event.objects.get(google_id="odd00").problem == ""
    assert Occurrence.objects.filter(event__google_id="odd00").count() == 3


def test_a_tombstone_of_the_unknown_is_nothing(pulled):
    gone = {"id": "never", "status": "cancelled"}
    changes = mirror_of(pulled, Phase.INCREMENTAL).apply_page(page(gone), now=pulled.now)
    assert len(changes) == 0
    assert not Event.objects.filter(google_id="never").exists()


def test_of_two_items_of_one_id_the_later_wins(pulled):
    first, second = body("First", id="tea00"), body("Second", id="tea00")
    mirror_of(pulled).apply_page(page(first, second), now=pulled.now)
    assert Event.objects.get(google_id="tea00").summary == "Second"
