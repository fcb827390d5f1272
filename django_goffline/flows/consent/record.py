"""Record: transaction 2 of a completed consent. The request is closed and the grant written, or neither.

A grant is keyed by (client, ``sub``, owner). A consent raises its generation and clears its lease: whatever a
worker has under way for the old tokens no longer counts. A refresh token is never overwritten by nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F

from ...conf import settings
from ...exceptions import ConsentRefusedError
from ...lifecycle import next_refresh
from ...models import Activity, ConsentAttempt, ConsentOutcome, ConsentRequest, Grant
from ...nudges import nudge
from ...protocol.id_token import Identity
from ...protocol.oauth import TokenReply
from ...protocol.scopes import missing, normalise_scopes
from ...signals import consent_completed, grant_activated, send_on_commit
from ..records import note
from ..transactions import atomically
from .links import LinkState


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented:
    """An answer that passed every check, on its way into the tables."""

    attempt: ConsentAttempt
    reply: TokenReply
    identity: Identity
    proved: bool
    by: AbstractBaseUser | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was written."""

    outcome: ConsentOutcome
    grant: Grant
    missing: tuple[str, ...]


def record(consented: Consented, *, now: datetime, using: str) -> Recorded:
    """Close the request and write the grant.

    Raises ``ConsentRefusedError``, with nothing written, for a request that was answered or withdrawn
    meanwhile (a ``LinkState``), and for an answer without a refresh token where no working one is stored
    (``no_refresh_token``).
    """
    return atomically(lambda: _record(consented, now=now, using=using), using=using)


def _record(consented: Consented, *, now: datetime, using: str) -> Recorded:
    attempt, reply = consented.attempt, consented.reply
    request = attempt.request
    requests = ConsentRequest.objects.using(using).filter(pk=request.pk)
    if not requests.filter(completed_at__isnull=True, withdrawn_at__isnull=True).update(
        completed_at=now
    ):
        withdrawn = requests.filter(withdrawn_at__isnull=False).exists()
        raise ConsentRefusedError(LinkState.WITHDRAWN if withdrawn else LinkState.COMPLETED)
    # An answer that names no scope grants what was asked for (RFC 6749 §5.1).
    granted = request.scopes if reply.scopes is None else reply.scopes
    lacking = missing(request.scopes, granted)

    stored = _stored(consented, using=using)
    values = _values(consented, stored, granted=normalise_scopes(granted), now=now)
    if stored is None:
        stored = _insert(consented, values, using=using)
    if stored is not None:
        Grant.objects.using(using).filter(pk=stored.pk).update(
            **values, generation=F("generation") + 1
        )
    grant = _key(consented, using=using).select_related("client", "user").get()

    outcome = ConsentOutcome.PARTIAL if lacking else ConsentOutcome.GRANTED
    if grant.state == Grant.State.PAUSED and grant.reason == Grant.AWAITING_APPROVAL:
        outcome = ConsentOutcome.AWAITING_APPROVAL
    requests.update(outcome=outcome, grant=grant)
    ConsentAttempt.objects.using(using).filter(pk=attempt.pk).update(
        outcome=outcome, missing_scopes=list(lacking)
    )
    request.completed_at, request.outcome, request.grant = now, outcome, grant
    attempt.outcome, attempt.missing_scopes = outcome, list(lacking)
    note(
        Activity(
            at=now,
            kind=Activity.Kind.CONSENT_COMPLETED,
            client_id=request.client_id,
            grant=grant,
            request=request,
            actor="" if consented.by is None else str(consented.by)[:255],
            text=f"{grant}: {outcome.label}"[:500],
        ),
        using=using,
    )
    send_on_commit(
        consent_completed,
        sender=ConsentRequest,
        using=using,
        request=request,
        grant=grant,
        granted=tuple(grant.granted_scopes),
        missing=lacking,
    )
    if grant.state == Grant.State.ACTIVE:
        if stored is None or stored.state != Grant.State.ACTIVE:
            send_on_commit(grant_activated, sender=Grant, using=using, grant=grant)
        nudge("goffline.tick", using=using)
    return Recorded(outcome=outcome, grant=grant, missing=lacking)


def _key(consented: Consented, *, using: str) -> Any:
    request = consented.attempt.request
    return Grant.objects.using(using).filter(
        client=request.client_id,
        sub=consented.identity.sub,
        owner_key=Grant.owner_key_of(request.user),
    )


def _stored(consented: Consented, *, using: str) -> Grant | None:
    """The grant that is there already, locked; None if there is none."""
    grant: Grant | None = _key(consented, using=using).select_for_update().first()
    return grant


def _insert(consented: Consented, values: dict[str, Any], *, using: str) -> Grant | None:
    """Insert the grant; if another consent of the same account was faster, return that one, locked."""
    request = consented.attempt.request
    try:
        with transaction.atomic(using=using):
            Grant.objects.using(using).create(
                client_id=request.client_id,
                sub=consented.identity.sub,
                owner_key=Grant.owner_key_of(request.user),
                generation=1,
                **values,
            )
    except IntegrityError:
        found = _stored(consented, using=using)
        if found is None:
            raise
        return found
    return None


def _values(
    consented: Consented, stored: Grant | None, *, granted: tuple[str, ...], now: datetime
) -> dict[str, Any]:
    request, reply, identity = consented.attempt.request, consented.reply, consented.identity
    alive = stored is not None and stored.state in (Grant.State.ACTIVE, Grant.State.PAUSED)
    keeps_token = bool(alive and stored and stored.refresh_token)
    if reply.refresh_token is None and not keeps_token:
        raise ConsentRefusedError(ConsentOutcome.NO_REFRESH_TOKEN)
    # What others have asked of the same grant before stays wanted, unless somebody ended it.
    earlier = stored.wanted_scopes if stored and stored.state != Grant.State.REVOKED else []
    standing = _standing(consented, stored)
    values: dict[str, Any] = {
        "user_id": request.user_id,
        "email": _storable(identity.email),
        "hosted_domain": _storable(identity.hosted_domain),
        "wanted_scopes": list(normalise_scopes([*earlier, *request.scopes])),
        "granted_scopes": list(granted),
        "access_token": Grant.sealed("access_token", reply.access_token),
        "access_expires_at": reply.expires_at,
        "state": standing.state,
        "reason": standing.reason,
        "diagnosis": "",
        "error_kind": "",
        "failure_streak": 0,
        "authorized_at": now,
        "refreshed_at": now,
        "held_until": None,
        "lease_id": "",
        "lease_until": None,
        "due_at": None,
    }
    if reply.refresh_token is not None:
        values["refresh_token"] = Grant.sealed("refresh_token", reply.refresh_token)
        values["refresh_expires_at"] = reply.refresh_expires_at
    if standing.state == Grant.State.ACTIVE:
        values["due_at"] = next_refresh(
            reply.expires_at,
            used_at=stored.used_at if stored else None,
            now=now,
            keep_alive=timedelta(seconds=settings.KEEP_ALIVE),
            refresh_ahead=timedelta(seconds=settings.REFRESH_AHEAD),
            uniform=random.random(),  # noqa: S311 - jitter, no secret
        )
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    state: str
    reason: str = ""


def _standing(consented: Consented, stored: Grant | None) -> _Standing:
    """State after the consent.

    A grant that was accepted once needs no second approval: its account is the same. What an operator paused
    stays paused; what was revoked or discarded starts afresh.
    """
    if stored is not None and stored.state == Grant.State.PAUSED:
        if stored.reason != Grant.AWAITING_APPROVAL:
            return _Standing(state=stored.state, reason=stored.reason)
        accepted = False
    else:
        accepted = stored is not None and stored.state != Grant.State.REVOKED
    if consented.proved or accepted:
        return _Standing(state=Grant.State.ACTIVE)
    return _Standing(state=Grant.State.PAUSED, reason=Grant.AWAITING_APPROVAL)


def _storable(text: str) -> str:
    # PostgreSQL refuses NUL, and no column takes what is longer than an address may be.
    return text if len(text) <= 254 and text.isprintable() else ""
