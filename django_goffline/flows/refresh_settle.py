"""What a chunk of refreshed grants leaves behind: one UPDATE for successes, one for failures, the stories, the signals.

A success is fenced by the generation that its request was made with, a failure by the lease as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..bulk import RowUpdate, update_rows
from ..lifecycle import RefreshDecision
from ..models import Activity, Grant, Lease
from ..protocol.errors import GoogleError
from ..protocol.oauth import TokenReply
from ..signals import grant_activated, grant_lost, send_on_commit
from .records import note

#: Failures in a row after which a grant's story says so; a shorter trouble is nobody's news.
NOTED_STREAK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A claimed grant, what Google said, and what follows."""

    grant: Grant
    outcome: TokenReply | GoogleError
    decision: RefreshDecision


def settle(
    lease: Lease,
    good: Sequence[Verdict],
    bad: Sequence[Verdict],
    *,
    now: datetime,
    using: str,
    wanted: bool,
) -> set[int]:
    """Write a chunk's results, inside a transaction; the primary keys of the grants that were written."""
    written: set[int] = set()
    revived: set[int] = set()
    if good:
        revived = _lost_meanwhile(good, using)
        updates = [_success(verdict, now=now, wanted=wanted) for verdict in good]
        written |= update_rows(
            Grant, updates, using=using, raise_generation=True, wishes_due_at=now
        )
    if bad:
        failures = [_failure(verdict, lease) for verdict in bad]
        written |= update_rows(Grant, failures, using=using, wishes_due_at=now)
    note(*_stories([v for v in (*good, *bad) if v.grant.pk in written], now), using=using)
    for verdict in bad:
        if verdict.decision.lost and verdict.grant.pk in written:
            _tell_loss(verdict, using)
    if revived & written:
        _tell_return(revived & written, using)
    return written


def _lost_meanwhile(good: Sequence[Verdict], using: str) -> set[int]:
    """Grants that a later holder of the lease gave up while this answer, a success, was on its way."""
    lost = Grant.objects.using(using).filter(
        pk__in=[verdict.grant.pk for verdict in good], state=Grant.State.NEEDS_CONSENT
    )
    # A write, so that the transaction begins with one, and the state stays what it is until the settle.
    return set(lost.values_list("pk", flat=True)) if lost.update(lease_id="") else set()


def _success(verdict: Verdict, *, now: datetime, wanted: bool) -> RowUpdate:
    grant, reply, decision = verdict.grant, verdict.outcome, verdict.decision
    assert isinstance(reply, TokenReply)
    return RowUpdate(
        pk=grant.pk,
        values={
            "access_token": Grant.sealed("access_token", reply.access_token),
            "access_expires_at": reply.expires_at,
            # Google hardly ever rotates, but if it does, the new one is the only one (RFC 6749 §6).
            "refresh_token": Grant.sealed("refresh_token", reply.refresh_token)
            if reply.refresh_token
            else grant.refresh_token,
            "refresh_expires_at": reply.refresh_expires_at or grant.refresh_expires_at,
            "granted_scopes": grant.granted_scopes if reply.scopes is None else list(reply.scopes),
            "refreshed_at": now,
            "used_at": now if wanted else grant.used_at,
            "held_until": None,
            **_common(decision),
        },
        expected={"generation": grant.generation},
    )


def _failure(verdict: Verdict, lease: Lease) -> RowUpdate:
    grant, decision = verdict.grant, verdict.decision
    return RowUpdate(
        pk=grant.pk,
        values={"held_until": decision.hold_grant_until or grant.held_until, **_common(decision)},
        expected={"generation": grant.generation, "lease_id": lease.id},
    )


def _common(decision: RefreshDecision) -> dict[str, object]:
    return {
        "state": decision.state,
        "reason": decision.reason,
        "diagnosis": decision.diagnosis,
        "error_kind": decision.error_kind,
        "failure_streak": decision.failure_streak,
        "due_at": decision.due_at,
        "lease_id": "",
        "lease_until": None,
    }


def _stories(verdicts: Sequence[Verdict], now: datetime) -> Iterator[Activity]:
    for verdict in verdicts:
        grant, decision, outcome = verdict.grant, verdict.decision, verdict.outcome
        if isinstance(outcome, TokenReply):
            if grant.failure_streak < NOTED_STREAK:
                continue
            kind, text = Activity.Kind.GRANT_RECOVERED, f"after {grant.failure_streak} failures"
        elif decision.lost:
            kind, text = Activity.Kind.GRANT_LOST, decision.diagnosis
        elif decision.failure_streak == NOTED_STREAK:
            kind, text = Activity.Kind.GRANT_FAILING, decision.diagnosis or outcome.sentence
        else:
            continue
        yield Activity(at=now, kind=kind, client_id=grant.client_id, grant=grant, text=text[:500])


def _tell_return(pks: set[int], using: str) -> None:
    for grant in Grant.objects.using(using).filter(pk__in=pks).select_related("client", "user"):
        send_on_commit(grant_activated, sender=Grant, using=using, grant=grant)


def _tell_loss(verdict: Verdict, using: str) -> None:
    grant, decision = verdict.grant, verdict.decision
    grant.state, grant.reason, grant.diagnosis = decision.state, decision.reason, decision.diagnosis
    grant.due_at, grant.lease_id, grant.lease_until = None, "", None
    send_on_commit(
        grant_lost,
        sender=Grant,
        using=using,
        grant=grant,
        reason=decision.reason,
        diagnosis=decision.diagnosis,
    )
