"""Pages and sweeps → mirrored rows: the only writer of rows that come from Google.

One transaction for a page, and for a step of a sweep. Each begins with its fence, the update of the pull's
checkpoint where its generation is still the one known, so that of two workers on one pull the second writes
nothing. Rows whose content did not change are not written. A mirror is never empty by accident: nothing is
removed but by a tombstone or by the sweep of a full run that is through.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, QuerySet

from .. import bulk
from ..models import ScheduledPull, SeenItem
from ..models.calendars import Mirrored
from ..protocol.calendar import Page
from ..resources import Changes, Resource, Row
from .pull_run import CHECKPOINT, Phase, finish_full, is_full, sweep_is_approved, turn_page
from .transactions import atomically

logger = logging.getLogger("django_goffline")

#: Rows that one step of a sweep removes.
SWEEP_ROWS = 2000
#: A sweep that would take more than half of more than this many rows waits for a person's word.
UNUSUAL_ROWS = 50


class Overtaken(Exception):
    """Somebody else wrote the pull: paused it, or took it up in another worker. Nothing of ours was stored."""


@dataclass(slots=True, kw_only=True)
class Mirror:
    """One list's rows, and the pull whose run is written. ``pull`` moves on with each write that succeeds."""

    pull: ScheduledPull
    resource: Resource
    parent: Any
    using: str
    had_rows: bool | None = None

    def apply_page(self, page: Page, *, now: datetime) -> Changes:
        """Store a page. Raises ``Overtaken``."""
        found = self.resource.rows(page.items, parent=self.parent, now=now)
        if found.unusable:
            logger.warning(
                "pull %s (%s): %d items without a usable id",
                self.pull.pk,
                self.resource.name,
                found.unusable,
            )
        if is_full(self.pull) and self.had_rows is None:
            self._look_at_rows()
        counts_seen = is_full(self.pull) and bool(self.had_rows)
        ahead = copy.copy(self.pull)
        turn_page(ahead, page, had_rows=bool(self.had_rows))

        def work() -> Changes:
            self._fence(ahead)
            changes = self._write(found.rows, now=now, counts_seen=counts_seen)
            self._follow(changes, found.rows, now=now)
            return changes

        changes = atomically(work, using=self.using)
        self._move_on(ahead, changes)
        return changes

    def sweep(self, *, now: datetime) -> Changes:
        """One step of the sweep: remove rows that the full run did not meet; with the last, its cursor counts.

        Raises ``Overtaken``.
        """
        ahead = copy.copy(self.pull)
        stale = list(self._stale().order_by("pk").values_list("pk", "google_id")[:SWEEP_ROWS])
        last = len(stale) < SWEEP_ROWS
        if last:
            finish_full(ahead)
            ahead.sweep_held_at = None

        def work() -> Changes:
            self._fence(ahead)
            changes = Changes(removed=[google_id for _, google_id in stale], swept=True)
            self._remove([pk for pk, _ in stale], now=now)
            self._follow(changes, (), now=now)
            return changes

        changes = atomically(work, using=self.using)
        self._move_on(ahead, changes)
        if last:
            self._forget_seen()
        return changes

    def sweep_is_unusual(self) -> bool:
        """Whether a sweep would remove so much that a person should be asked: Google may hide a list for a while."""
        if sweep_is_approved(self.pull):
            return False
        stale = self._stale().count()
        if stale * 2 <= UNUSUAL_ROWS:
            return False
        total = self._rows().filter(removed_at__isnull=True).count()
        return total > UNUSUAL_ROWS and stale * 2 > total

    def hold_sweep(self, *, now: datetime) -> None:
        """Keep the rows, ask a person, and go on with the new cursor; the settle writes it."""
        finish_full(self.pull)
        self.pull.sweep_held_at = now
        logger.warning(
            "pull %s (%s): a full run met less than half of the rows; "
            "they are kept until a person approves the sweep",
            self.pull.pk,
            self.resource.name,
        )

    # ── inside ───────────────────────────────────────────────────────────────────────────────

    def _rows(self) -> QuerySet[Mirrored]:
        rows: QuerySet[Mirrored] = self.resource.model._default_manager.using(self.using)
        return rows.filter(**self.resource.parent_filter(self.parent))

    def _stale(self) -> QuerySet[Mirrored]:
        """Rows that the full run neither wrote nor saw unchanged."""
        seen = SeenItem.objects.filter(
            pull=self.pull.pk, run=self.pull.run, google_id=OuterRef("google_id")
        )
        return self._rows().filter(~Exists(seen), removed_at__isnull=True, run__lt=self.pull.run)

    def _look_at_rows(self) -> None:
        pull = self.pull
        if pull.last_full_at is None and not pull.page_token:
            # A pull made anew over old rows must not meet their run numbers again.
            top = self._rows().aggregate(top=Max("run"))["top"]
            pull.run = max(pull.run, (top or 0) + 1)
            self.had_rows = top is not None
        else:
            self.had_rows = self._rows().filter(run__lt=pull.run).exists()

    def _fence(self, ahead: ScheduledPull) -> None:
        mine = ScheduledPull.objects.using(self.using).filter(
            pk=self.pull.pk, generation=self.pull.generation
        )
        values = {name: getattr(ahead, name) for name in CHECKPOINT}
        if not mine.update(**values, generation=self.pull.generation + 1):
            raise Overtaken

    def _write(self, rows: Sequence[Row], *, now: datetime, counts_seen: bool) -> Changes:
        pull = self.pull
        changes = Changes(
            incremental=pull.phase in (Phase.INCREMENTAL, Phase.CATCH_UP),
            since=pull.run_started_at if pull.phase == Phase.CATCH_UP else pull.last_success_at,
        )
        known = {
            google_id: (pk, fingerprint, removed_at)
            for pk, google_id, fingerprint, removed_at in self._rows()
            .filter(google_id__in=[row.google_id for row in rows])
            .values_list("pk", "google_id", "fingerprint", "removed_at")
        }
        written: list[Row] = []
        tombstones: list[int] = []
        unchanged: list[str] = []
        for row in rows:
            pk, fingerprint, removed_at = known.get(row.google_id, (None, "", None))
            if row.removed:
                if pk is not None and removed_at is None:
                    tombstones.append(pk)
                    changes.removed.append(row.google_id)
            elif pk is None:
                written.append(row)
                changes.created.append(row.google_id)
            elif row.only_if_unknown or (fingerprint == row.fingerprint and removed_at is None):
                unchanged.append(row.google_id)
            else:
                written.append(row)
                changes.changed.append(row.google_id)
                if removed_at is not None:
                    changes.revived.append(row.google_id)
        self._upsert(written, now=now)
        self._remove(tombstones, now=now)
        if counts_seen and unchanged:
            seen = [
                {"pull_id": self.pull.pk, "run": self.pull.run, "google_id": google_id}
                for google_id in unchanged
            ]
            bulk.upsert(SeenItem, seen, unique=("pull", "run", "google_id"), using=self.using)
        return changes

    def _upsert(self, rows: Sequence[Row], *, now: datetime) -> None:
        if not rows:
            return
        common = {
            **self.resource.parent_filter(self.parent),
            "run": self.pull.run,
            "changed_at": now,
            "removed_at": None,
        }
        bulk.upsert(
            self.resource.model,
            [
                {
                    **common,
                    **row.columns,
                    "google_id": row.google_id,
                    "fingerprint": row.fingerprint,
                }
                for row in rows
            ],
            unique=(self.resource.parent, "google_id"),
            update=[
                "fingerprint",
                "run",
                "changed_at",
                "removed_at",
                *(name for name in rows[0].columns if name not in self.resource.insert_only),
            ],
            using=self.using,
        )

    def _remove(self, pks: Sequence[int], *, now: datetime) -> None:
        if pks:
            self._rows().filter(pk__in=pks).update(
                removed_at=now, changed_at=now, run=self.pull.run
            )

    def _follow(self, changes: Changes, rows: Sequence[Row], *, now: datetime) -> None:
        if not len(changes) and not any(row.removed for row in rows):
            return
        self.resource.after_changes(
            changes, parent=self.parent, rows=rows, now=now, using=self.using
        )
        if changes.doubtful:
            # No query has this fingerprint: the next run is a full one.
            ScheduledPull.objects.using(self.using).filter(pk=self.pull.pk).update(fingerprint="")
        if len(changes):
            self.resource.announce(changes, parent=self.parent, run=self.pull.run, using=self.using)

    def _move_on(self, ahead: ScheduledPull, changes: Changes) -> None:
        for name in CHECKPOINT:
            setattr(self.pull, name, getattr(ahead, name))
        self.pull.generation += 1
        self.pull.run_changes += len(changes)
        if changes.doubtful:
            self.pull.fingerprint = ""

    def _forget_seen(self) -> None:
        seen = SeenItem.objects.using(self.using)
        while pks := list(seen.filter(pull=self.pull.pk).values_list("pk", flat=True)[:SWEEP_ROWS]):
            seen.filter(pk__in=pks).delete()
