"""After any history of edits at Google and any pulls, the mirror equals what a full list would answer, and the
occurrences are those that Google would give.

Histories are drawn from a seed, together with one form of every open question about Google (``Switches.draw``).
What a history does: edits of all kinds, series, exceptions, splits, moves between calendars, calendars shared,
hidden, removed and regained, dead sync and page tokens, faults at any call, edits while a run turns its pages,
runs out of time.
``GOFFLINE_HISTORIES`` asks for more of them, ``GOFFLINE_STEPS`` for longer ones.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta
from random import Random

import pytest
from django.conf import settings

from django_goffline.flows import pull_chunk, pull_settle
from django_goffline.models import Calendar, Event, Grant, Occurrence, SeenItem
from django_goffline.testing.fake_google import Fault, Switches
from django_goffline.testing.fake_google.wire import ApiError
from tests.pulling import ADA, START, Puller, body, ours_between, series, theirs_between

pytestmark = pytest.mark.django_db

HISTORIES = int(os.environ.get("GOFFLINE_HISTORIES", "100"))
STEPS = int(os.environ.get("GOFFLINE_STEPS", "2"))
BOB = "bob@example.com"
FROM, TO = START - timedelta(days=5), START + timedelta(days=60)
RULES = (
    ["RRULE:FREQ=DAILY;COUNT=6"],
    ["RRULE:FREQ=WEEKLY;BYDAY=MO,WE"],
    ["RRULE:FREQ=MONTHLY;BYMONTHDAY=5", "EXDATE:20260205T120000Z"],
    ["RRULE:FREQ=DAILY;UNTIL=20260112T120000Z", "RDATE:20260120T120000Z"],
)


class History:
    """One person's calendars, edited and pulled at random."""

    def __init__(self, fake, seed):
        self.random = Random(seed)
        fake.switches = Switches.draw(self.random)
        self.fake = fake
        fake.add_account(ADA)
        fake.add_account(BOB)
        self.ada = Puller(fake)
        self.calendars = [ADA, fake.calendar.create_calendar(ADA, summary="Second", id="second@x")]
        self.shared = fake.calendar.create_calendar(BOB, summary="Shared", id="shared@x")
        self.numbers = 0

    # ── edits ────────────────────────────────────────────────────────────────────────────────

    def edit(self):
        """One edit; Google may refuse it."""
        kinds = [
            self.insert, self.insert, self.insert_series, self.insert_series, self.insert_all_day,
            self.patch, self.shift, self.change_rule, self.delete, self.delete, self.undelete,
            self.undelete, self.move, self.cancel_instance, self.cancel_instance,
            self.change_instance, self.change_instance, self.split, self.listing, self.expire,
        ]  # fmt: skip
        with suppress(ApiError):
            self.random.choice(kinds)()

    @property
    def api(self):
        return self.fake.calendar

    def somewhere(self):
        return self.random.choice([*self.calendars, self.shared])

    def when(self):
        return START + timedelta(days=self.random.randrange(-5, 40), hours=self.random.randrange(5))

    def new_id(self):
        self.numbers += 1
        return f"event{self.numbers:04}"

    def pick(self, *, deleted=False, masters=False):
        """A calendar and one of its events. Raises ``ApiError`` where there is none."""
        calendar = self.somewhere()
        events = [
            event
            for event in self.api.full_list(
                BOB if calendar == self.shared else ADA, calendar, show_deleted=True
            )
            if (event["status"] == "cancelled") == deleted
            and (not masters or "recurrence" in event)
        ]
        if not events:
            raise ApiError(404, "notFound", "Nothing to pick")
        return calendar, self.random.choice(events)

    def insert(self):
        self.api.insert_event(self.somewhere(), body(id=self.new_id(), start=self.when()))

    def insert_all_day(self):
        day = self.when().date()
        dates = {"start": {"date": str(day)}, "end": {"date": str(day + timedelta(days=2))}}
        self.api.insert_event(self.somewhere(), {"id": self.new_id(), "summary": "Off", **dates})

    def insert_series(self):
        rule = self.random.choice(RULES)
        self.api.insert_event(self.somewhere(), series(*rule, id=self.new_id()))

    def patch(self):
        calendar, event = self.pick()
        self.api.patch_event(calendar, event["id"], {"summary": f"S{self.random.random()}"})

    def shift(self):
        calendar, event = self.pick()
        moved = body(start=self.when())
        self.api.patch_event(calendar, event["id"], {"start": moved["start"], "end": moved["end"]})

    def change_rule(self):
        calendar, event = self.pick(masters=True)
        self.api.patch_event(calendar, event["id"], {"recurrence": self.random.choice(RULES)})

    def delete(self):
        calendar, event = self.pick()
        self.api.delete_event(calendar, event["id"])

    def undelete(self):
        calendar, event = self.pick(deleted=True)
        self.api.undelete_event(calendar, event["id"])

    def move(self):
        calendar, event = self.pick()
        self.api.move_event(calendar, event["id"], self.somewhere())

    def _instance(self):
        calendar, event = self.pick(masters=True)
        near = self.api.instances_between(
            BOB if calendar == self.shared else ADA,
            calendar,
            START - timedelta(days=1),
            START + timedelta(days=60),
        )
        mine = [e for e in near if e.get("recurringEventId") == event["id"]]
        if not mine:
            raise ApiError(404, "notFound", "Nothing to pick")
        start = self.random.choice(mine)["originalStartTime"]
        return calendar, event["id"], start.get("dateTime") or start["date"]

    def cancel_instance(self):
        self.api.cancel_instance(*self._instance())

    def change_instance(self):
        moved = body("Moved", start=self.when())
        self.api.change_instance(*self._instance(), moved)

    def split(self):
        calendar, master, start = self._instance()
        self.api.split_series(calendar, master, start, {"summary": "Later part"})

    def listing(self):
        change = self.random.choice(
            [
                lambda: self.api.share(
                    self.shared, ADA, self.random.choice(["reader", "writer", "freeBusyReader"])
                ),
                lambda: self.api.add_to_list(self.shared, ADA),
                lambda: self.api.unshare(self.shared, ADA),
                lambda: self.api.remove_from_list(self.shared, ADA),
                lambda: self.api.hide(self.somewhere(), ADA),
                lambda: self.api.unhide(self.somewhere(), ADA),
                lambda: self.api.set_color(self.somewhere(), ADA, str(self.random.randrange(1, 9))),
            ]
        )
        change()

    def expire(self):
        if self.random.random() < 0.7:
            self.api.expire_sync_tokens(self.random.choice([None, *self.calendars]))
        else:
            self.api.expire_page_tokens()

    def fault(self):
        status, reason = self.random.choice(
            [(503, "backendError"), (429, "rateLimitExceeded"), (403, "userRateLimitExceeded"),
             (401, "authError"), (404, "notFound"), (403, "forbidden"), (410, "fullSyncRequired")]
        )  # fmt: skip
        self.fake.faults.add(
            Fault(path="/calendar/v3/", status=status, reason=reason, skip=self.random.randrange(4))
        )

    # ── pulls, and what must hold after them ─────────────────────────────────────────────────

    def live(self, monkeypatch):
        """One turn: edits, then a pull during which more may happen, then the comparison."""
        for _ in range(self.random.randrange(2, 7)):
            self.edit()
        if self.random.random() < 0.4:
            self.fault()
        with monkeypatch.context() as patch:
            if self.random.random() < 0.4:
                self.edit_during_runs(patch)
            if self.random.random() < 0.3:
                self.end_chunks_early(patch)
            self.ada.later(timedelta(hours=1))
        self.fake.faults.clear()
        # Whatever failed has its turn again within a day.
        self.ada.later(timedelta(days=1, hours=7))
        self.ada.later(timedelta(minutes=20))
        self.compare()

    def edit_during_runs(self, patch):
        take = pull_chunk.Chunk._take
        left = [3]

        def editing(chunk, work, fetched):
            if left[0] and self.random.random() < 0.5:
                left[0] -= 1
                self.edit()
            take(chunk, work, fetched)

        patch.setattr(pull_chunk.Chunk, "_take", editing)

    def end_chunks_early(self, patch):
        over = pull_chunk.Chunk._is_over
        left = [4]

        def early(chunk):
            if left[0] and self.random.random() < 0.5:
                left[0] -= 1
                return True
            return over(chunk)

        patch.setattr(pull_chunk.Chunk, "_is_over", early)

    def compare(self):
        listed = {entry["id"]: entry for entry in self.api.full_calendar_list(ADA)}
        mirrored = {row.google_id: row for row in Calendar.objects.live()}
        assert {key: row.data for key, row in mirrored.items()} == listed
        for key, calendar in mirrored.items():
            pull = self.ada.pull(key) if calendar.pulled else None
            if pull is None:
                continue
            assert pull.phase == ""
            assert self.ada.mirrored(key) == self.ada.truth(key), key
            removed = set(
                Event.objects.filter(calendar=calendar, removed_at__isnull=False).values_list(
                    "google_id", flat=True
                )
            )
            assert not removed & set(self.ada.truth(key))
            self.compare_occurrences(calendar)
        assert not SeenItem.objects.exists()
        hidden = Occurrence.objects.filter(event__removed_at__isnull=False)
        assert not hidden.exists()
        assert not Occurrence.objects.filter(event__status="cancelled").exists()
        assert Grant.objects.get().state == Grant.State.ACTIVE

    def compare_occurrences(self, calendar):
        if calendar.google_id == self.shared or not self.fake.switches.unsynchronised_start_counts:
            # Who sees times only gets no rules to expand; the RFC has it that each start counts.
            return
        theirs = theirs_between(self.fake, ADA, calendar.google_id, FROM, TO)
        assert ours_between(calendar, FROM, TO) == theirs


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_mirror_equals_a_full_list(fake_google, monkeypatch, seed):
    history = History(fake_google, seed)
    # One call at a time, and chance from the seed: a failure can be had again.
    monkeypatch.setattr(pull_settle, "_uniform", Random(seed).random)
    monkeypatch.setitem(settings.GOFFLINE, "CONCURRENCY", 1)
    history.ada.settle()
    history.compare()
    for _ in range(STEPS):
        history.live(monkeypatch)
