"""Due rows and leases: the row is the queue.

A row that has work carries ``due_at``; a worker takes a lease on it (an id and an end) and gives it back with
the result. A lease only prevents double work. Correctness hangs on the row's ``generation``: results are
written where the generation is still the one that the request was made with, whatever became of the lease.

All statements here are set-wise. A claim is: candidates (one read, outside of the transaction), then a
transaction that locks and re-checks them, writes the lease, and reads the rows back. PostgreSQL and MariaDB
skip rows that others hold; SQLite, which has one writer at a time, begins with the write.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Self, TypeVar

from django.db import connections, models, transaction
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

Row = TypeVar("Row", bound="Leased")

#: How many chunks of the oldest due rows a claim looks at, to share them out between owners.
FAIRNESS_DEPTH = 4


def database_now(using: str) -> datetime:
    """The database's clock, aware UTC: the one ``now`` of a chunk. A worker whose own clock is off harms nobody."""
    vendor = connections[using].vendor
    sql = {
        "postgresql": "SELECT clock_timestamp()",
        "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
        "mysql": "SELECT UTC_TIMESTAMP(6)",
    }[vendor]
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        value: datetime | str = cursor.fetchone()[0]
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A claim's proof: its id, when it was taken, when it ends."""

    id: str
    taken_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Generic[Row]):
    """What a claim got: the lease and the rows under it, oldest due first."""

    lease: Lease
    rows: Sequence[Row]


class LeasedQuerySet(models.QuerySet[Row]):
    """What can be done with due rows, each a constant number of statements however many rows."""

    def due(self, now: datetime) -> Self:
        """Rows that have work at ``now`` and that nobody holds."""
        return self.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=now), due_at__lte=now)

    def claim(
        self, *, now: datetime, limit: int, length: timedelta, fair_by: str | None = None
    ) -> Claim[Row]:
        """Take a lease of ``length`` on at most ``limit`` due rows of this queryset, oldest first.

        ``fair_by`` names a column (a foreign key's ``_id``): rows are shared out between its values by turns,
        over the oldest few chunks. Filters on the queryset hold for the candidates.
        """
        candidates = self._candidates(now=now, limit=limit, fair_by=fair_by)
        due = self._everything().filter(pk__in=candidates).due(now)
        return due._take(candidates, now=now, length=length)

    def claim_now(self, pks: Sequence[int], *, now: datetime, length: timedelta) -> Claim[Row]:
        """Take a lease on these rows of the queryset, due or not, unless somebody holds them: work that cannot wait."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
        return self.filter(free, pk__in=pks)._take(pks, now=now, length=length)

    def _take(self, candidates: Sequence[int], *, now: datetime, length: timedelta) -> Claim[Row]:
        lease = Lease(id=uuid.uuid4().hex, taken_at=now, ends_at=now + length)
        if not candidates:
            return Claim(lease=lease, rows=())
        held = {"lease_id": lease.id, "lease_until": lease.ends_at, "claimed_at": now}
        mine = self.model._default_manager.using(self.db).filter(pk__in=candidates)
        with transaction.atomic(using=self.db):
            if connections[self.db].features.has_select_for_update_skip_locked:
                locked = list(self.select_for_update(skip_locked=True).values_list("pk", flat=True))
                if locked:
                    mine.filter(pk__in=locked).update(**held)
            else:
                self.update(**held)
            rows = list(mine.filter(lease_id=lease.id))
        order = {pk: position for position, pk in enumerate(candidates)}
        rows.sort(key=lambda row: order[row.pk])
        return Claim(lease=lease, rows=rows)

    def _everything(self) -> LeasedQuerySet[Row]:
        return type(self)(self.model, using=self.db)

    def release(self, lease: Lease, pks: Sequence[int], *, now: datetime) -> int:
        """Give rows back as they were: their due time stays, unless a person asked meanwhile."""
        if not pks:
            return 0
        return self.filter(pk__in=pks, lease_id=lease.id).update(
            lease_id="",
            lease_until=None,
            due_at=models.Case(
                models.When(wake_requested_at__gt=F("claimed_at"), then=models.Value(now)),
                default=F("due_at"),
            ),
        )

    def _candidates(self, *, now: datetime, limit: int, fair_by: str | None) -> list[int]:
        oldest = self.due(now).order_by("due_at", "pk")
        if fair_by is None:
            return list(oldest.values_list("pk", flat=True)[:limit])
        turns = (
            self.model._default_manager.using(self.db)
            .filter(pk__in=list(oldest.values_list("pk", flat=True)[: limit * FAIRNESS_DEPTH]))
            .annotate(
                turn=Window(RowNumber(), partition_by=[F(fair_by)], order_by=[F("due_at"), F("pk")])
            )
            .order_by("turn", "due_at", "pk")
        )
        return list(turns.values_list("pk", flat=True)[:limit])

    def renew(self, lease: Lease, *, until: datetime) -> int:
        """Lengthen a lease over whatever rows are still under it; the number of them."""
        return self.filter(lease_id=lease.id).update(lease_until=until)

    def hand_back(self, lease: Lease, pks: Sequence[int], *, due_at: datetime) -> int:
        """Give rows back unfinished, due at ``due_at``; rows that somebody else holds by now are left alone."""
        if not pks:
            return 0
        return self.filter(pk__in=pks, lease_id=lease.id).update(
            lease_id="", lease_until=None, due_at=due_at
        )

    def wake(self, now: datetime) -> int:
        """A person's wish: due now. A leased row keeps its due time; its settle sees the wish and obeys."""
        return self.update(
            wake_requested_at=now,
            due_at=models.Case(
                models.When(lease_until__gt=now, then=F("due_at")), default=models.Value(now)
            ),
        )


class Leased(models.Model):
    """A row that may have work: when, and who has it."""

    due_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Next work; empty while parked."
    )
    lease_id = models.CharField(max_length=32, blank=True, default="", editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    wake_requested_at = models.DateTimeField(null=True, blank=True, editable=False)
    generation = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        abstract = True

    def is_leased(self, now: datetime) -> bool:
        """Whether a worker holds the row at ``now``."""
        return self.lease_until is not None and self.lease_until > now
