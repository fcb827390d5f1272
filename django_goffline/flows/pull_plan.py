"""The plan of a chunk of pulls: what each of them asks for next, and which of them cannot be asked for now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from ..conf import settings
from ..models import Grant, ScheduledPull
from ..protocol.errors import ScopeMissingError
from ..resources import get, scopes_allow
from . import pull_outcomes as outcomes
from .access import tokens_for
from .mirror import Mirror
from .pull_run import needs_full, take_up
from .pull_settle import Settlement, Work


def plan(
    pulls: Sequence[ScheduledPull], settlement: Settlement, *, now: datetime, using: str
) -> list[Work]:
    """The pulls that can be pulled now, taken up and with a token each; the others go to the settlement.

    A constant number of statements, and the token calls for grants whose token is not fresh. At most
    ``CONCURRENCY`` full runs start; further ones are due at once, in another chunk.
    """
    works = [
        work
        for work in _with_grants(
            _mirrors(pulls, settlement, using=using), settlement, now=now, using=using
        )
        if _scopes_allow(work, settlement)
    ]
    grants = {work.grant.pk: work.grant for work in works}
    tokens = tokens_for(grants.values(), now=now, using=using)
    ready: list[Work] = []
    full_runs = 0
    for work in works:
        pull, resource = work.pull, work.resource
        if work.grant.pk not in tokens.by_grant:
            busy = work.grant.pk in tokens.busy
            settlement.hand_back(work, due_at=now + (outcomes.BUSY if busy else outcomes.NO_TOKEN))
            continue
        if needs_full(pull, resource, now=now):
            full_runs += 1
            if full_runs > settings.CONCURRENCY:
                settlement.hand_back(work, due_at=now)
                continue
        take_up(pull, resource, now=now)
        work.token = tokens.by_grant[work.grant.pk]
        ready.append(work)
    return ready


def _mirrors(
    pulls: Sequence[ScheduledPull], settlement: Settlement, *, using: str
) -> Iterator[Mirror]:
    by_resource: dict[str, list[ScheduledPull]] = {}
    for pull in pulls:
        by_resource.setdefault(pull.resource, []).append(pull)
    for name, mine in by_resource.items():
        resource = get(name)
        parents = resource.parents(mine, using=using) if resource else {}
        for pull in mine:
            if resource is None or pull.pk not in parents:
                settlement.park(pull)
            else:
                yield Mirror(pull=pull, resource=resource, parent=parents[pull.pk], using=using)


def _with_grants(
    mirrors: Iterator[Mirror], settlement: Settlement, *, now: datetime, using: str
) -> Iterator[Work]:
    found = list(mirrors)
    wanted = {mirror.pull.grant_id for mirror in found}
    grants = Grant.objects.using(using).select_related("client").in_bulk(wanted)
    for mirror in found:
        due_at = mirror.pull.due_at or now
        if mirror.pull.grant_id in grants:
            yield Work(
                mirror=mirror,
                grant=grants[mirror.pull.grant_id],
                lag_seconds=max(0, int((now - due_at).total_seconds())),
            )
        else:
            settlement.park(mirror.pull)


def _scopes_allow(work: Work, settlement: Settlement) -> bool:
    if scopes_allow(work.resource, work.grant.granted_scopes):
        return True
    settlement.fail(work, ScopeMissingError())
    return False
