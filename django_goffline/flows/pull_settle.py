"""The settle of a chunk of pulls: what became of each, written together."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .. import bulk
from ..models import Activity, Grant, Lease, ScheduledPull
from ..protocol.errors import GoogleError
from ..resources import Resource
from ..signals import pull_finished, send_on_commit
from . import pull_outcomes as outcomes
from .mirror import Mirror
from .records import Count, count, note
from .transactions import atomically


@dataclass(eq=False, slots=True, kw_only=True)
class Work:
    """A pull of the chunk with all that its run needs, and what it has cost."""

    mirror: Mirror
    grant: Grant
    token: str = ""
    lag_seconds: int = 0
    renewed: bool = False
    """Whether its access token was replaced in this chunk."""
    calls: int = 0
    bytes: int = 0
    rows: int = 0

    @property
    def pull(self) -> ScheduledPull:
        """The row, as far as its run has come."""
        return self.mirror.pull

    @property
    def resource(self) -> Resource:
        """What kind of list it is."""
        return self.mirror.resource


class Settlement:
    """Collects what became of the pulls of one claim; ``write`` is one update for all of them."""

    def __init__(self, *, lease: Lease, now: datetime, using: str) -> None:
        self._lease = lease
        self._now = now
        self._using = using
        self._pulls: dict[int, ScheduledPull] = {}
        self._activity: list[Activity] = []
        self._counts: list[Count] = []

    def succeed(self, work: Work) -> None:
        """A run is through."""
        pull = work.pull
        outcomes.succeed(pull, work.resource, now=self._now, uniform=_uniform())
        if pull.last_changes:
            named = f"{pull.resource} {pull.key}".strip()
            self._tell(pull, Activity.Kind.PULLED, f"{named}: {pull.last_changes} changes")
        self._close(work, pull.last_outcome)

    def fail(self, work: Work, error: GoogleError) -> None:
        """A run ran into an error; its checkpoint stays."""
        pull = work.pull
        outcomes.fail(pull, work.resource, error, now=self._now, uniform=_uniform())
        if outcomes.is_news(pull, error):
            named = f"{pull.resource} {pull.key}".strip()
            self._tell(pull, Activity.Kind.PULL_FAILED, f"{named}: {error}")
        self._close(work, pull.last_outcome)

    def hand_back(self, work: Work, *, due_at: datetime | None) -> None:
        """Unfinished, through no fault of its own."""
        work.pull.due_at = due_at
        self._close(work, "handed_back")

    def park(self, pull: ScheduledPull) -> None:
        """Not to be pulled: its code or its list is gone. Reconciliation wakes it when that changes."""
        pull.due_at = None
        self._add(pull)

    def write(self, claimed: Sequence[ScheduledPull]) -> None:
        """Write them where nobody else wrote; end our lease on the others."""
        updates = [
            bulk.RowUpdate(
                pk=pull.pk,
                values={name: getattr(pull, name) for name in outcomes.SETTLED},
                expected={"generation": pull.generation},
            )
            for pull in self._pulls.values()
        ]

        def work() -> set[int]:
            written = bulk.update_rows(
                ScheduledPull,
                updates,
                using=self._using,
                raise_generation=True,
                wishes_due_at=self._now,
            )
            note(*self._activity, using=self._using)
            for pk in sorted(written):
                send_on_commit(
                    pull_finished,
                    sender=ScheduledPull,
                    using=self._using,
                    pull_id=pk,
                    resource=self._pulls[pk].resource,
                    outcome=self._pulls[pk].last_outcome,
                )
            return written

        written = atomically(work, using=self._using)
        left = [pull.pk for pull in claimed if pull.pk not in written]
        if left:
            # Paused or taken over in the meantime: only our lease is ours to end.
            mine = ScheduledPull.objects.using(self._using).filter(lease_id=self._lease.id)
            mine.filter(pk__in=left).update(lease_id="", lease_until=None)
        count(self._counts, now=self._now, using=self._using)

    def _close(self, work: Work, outcome: str) -> None:
        pull = work.pull
        self._add(pull)
        self._counts.append(
            Count(
                client_id=pull.client_id,
                kind=f"pull.{pull.resource}"[:64],
                outcome=outcome,
                count=1,
                calls=work.calls,
                bytes=work.bytes,
                rows=work.rows,
                lag_seconds=work.lag_seconds,
            )
        )

    def _add(self, pull: ScheduledPull) -> None:
        pull.lease_id, pull.lease_until = "", None
        self._pulls[pull.pk] = pull

    def _tell(self, pull: ScheduledPull, kind: str, text: str) -> None:
        self._activity.append(
            Activity(
                at=self._now,
                kind=kind,
                client_id=pull.client_id,
                grant_id=pull.grant_id,
                text=text[:500],
            )
        )


def _uniform() -> float:
    return random.random()  # noqa: S311 - spreads load, no secret
