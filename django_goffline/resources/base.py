"""What a pullable list is.

A resource says how to ask for a page, and what its items are as rows. Runs, checkpoints, cursors, sweeps, schedules
and errors are the engine's (``flows/pull.py``, ``flows/mirror.py``). Nothing here calls the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Exists, OuterRef, Q

from ..models import Grant, ScheduledPull
from ..models.calendars import Mirrored
from ..protocol.calendar import ApiRequest
from ..protocol.scopes import missing

#: Parameters of a query that do not change which items it means.
_SHAPE_ONLY = frozenset({"maxResults", "pageToken", "prettyPrint", "syncToken"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An item as it is to be stored."""

    google_id: str
    fingerprint: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Values of the model's own fields; every row of a page names the same ones, unless it is removed."""
    removed: bool = False
    """A tombstone: the stored row is marked as removed, an unknown one is ignored."""
    only_if_unknown: bool = False
    """What is stored already says more than this item: leave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A page's items as rows, one for each id, and how many items had no usable id."""

    rows: Sequence[Row]
    unusable: int = 0


@dataclass(slots=True, kw_only=True)
class Changes:
    """What a page or a step of a sweep changed, by Google id."""

    incremental: bool = False
    since: datetime | None = None
    """Of an incremental page: what is older than this should be known."""
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    revived: list[str] = field(default_factory=list)
    """Those among ``changed`` that had been removed."""
    removed: list[str] = field(default_factory=list)
    swept: bool = False
    """Whether the removals come from a sweep rather than from tombstones."""
    doubtful: bool = False
    """Set by ``after_changes`` when only a full run can tell what is true now: it follows at once."""

    @property
    def written(self) -> list[str]:
        """Ids of rows that are there and new or different."""
        return [*self.created, *self.changed]

    def __len__(self) -> int:
        return len(self.created) + len(self.changed) + len(self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A list that should have a pull: of which grant, and which one of its lists."""

    grant_id: int
    client_id: int
    key: str
    granted_scopes: Sequence[str]


def scopes_allow(resource: Resource, granted: Iterable[str]) -> bool:
    """Whether the granted scopes cover one of the sets that the resource can do with."""
    have = tuple(granted)
    return any(not missing(wanted, have) for wanted in resource.scopes)


class Resource:
    """One kind of list. Subclass it, set the attributes, write ``first_request``, ``next_request``, ``rows``."""

    name: ClassVar[str]
    scopes: ClassVar[tuple[frozenset[str], ...]]
    """Sets of scopes, any one of which suffices."""
    model: ClassVar[type[Mirrored]]
    parent: ClassVar[str] = "grant"
    """The model's foreign key to what a list belongs to."""
    interval: ClassVar[float | None] = None
    """Seconds between pulls where neither the pull nor the settings say; None: the settings' default."""
    full_every: ClassVar[timedelta | None] = None
    """How often the whole list is read, where deltas do not tell everything."""
    insert_only: ClassVar[frozenset[str]] = frozenset()
    """Columns that are given at a row's creation and never written again: they belong to people."""

    def first_request(self, pull: ScheduledPull, page_token: str) -> ApiRequest:
        """A page of a full run; the first one without ``page_token``."""
        raise NotImplementedError

    def next_request(self, pull: ScheduledPull, cursor: str, page_token: str) -> ApiRequest:
        """A page of what changed since ``cursor``."""
        raise NotImplementedError

    def rows(self, items: Sequence[Mapping[str, Any]], *, parent: Any, now: datetime) -> Rows:
        """Google's items as rows. Must not raise for what an item says."""
        raise NotImplementedError

    def fingerprint(self, pull: ScheduledPull) -> str:
        """Which query the pull's cursor belongs to: another one asks for a full run."""
        query = self.first_request(pull, "").query
        fixed = sorted(part for part in query if part[0] not in _SHAPE_ONLY)
        return hashlib.sha256(repr((self.name, fixed)).encode()).hexdigest()

    def parents(self, pulls: Sequence[ScheduledPull], *, using: str) -> dict[int, Any]:
        """What the rows of each pull belong to, by the pull's key; a pull without one is parked."""
        grants = Grant.objects.using(using).in_bulk([pull.grant_id for pull in pulls])
        return {pull.pk: grants[pull.grant_id] for pull in pulls if pull.grant_id in grants}

    def after_changes(
        self, changes: Changes, *, parent: Any, rows: Sequence[Row], now: datetime, using: str
    ) -> None:
        """What else follows from a page or a step of a sweep, inside its transaction."""

    def announce(self, changes: Changes, *, parent: Any, run: int, using: str) -> None:
        """Send the resource's signal on commit."""

    # ── reconciliation: which lists should have a pull ───────────────────────────────────────

    def missing(self, *, limit: int, using: str) -> list[Target]:
        """Lists of active grants that have no pull yet, at most ``limit``: here one for each grant."""
        pull = ScheduledPull.objects.filter(grant=OuterRef("pk"), resource=self.name)
        grants = Grant.objects.using(using).active().filter(~Exists(pull)).order_by()
        found = grants.values_list("pk", "client_id", "granted_scopes")[:limit]
        return [
            Target(grant_id=pk, client_id=client_id, key="", granted_scopes=scopes)
            for pk, client_id, scopes in found
        ]

    def wanted(self) -> Q | Exists:
        """Condition on pulls (of active grants): lists that are still to be pulled."""
        return Q()

    def parent_filter(self, parent: models.Model) -> dict[str, Any]:
        """The filter for the rows of one list."""
        return {f"{self.parent}_id": parent.pk}
