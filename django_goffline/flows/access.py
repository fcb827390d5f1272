"""One valid access token, or a chunk of them: the stored one while it is fresh, else a refresh on the common road.

Inside an open transaction a stored fresh token is still given; anything that needs Google raises before a byte is
sent.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db.models import Q
from django.views.decorators.debug import sensitive_variables

from ..bulk import RowUpdate, update_rows
from ..conf import settings
from ..exceptions import (
    GrantPausedError,
    NeedsConsentError,
    OpenTransactionError,
    TryLaterError,
    UnreadableSecretError,
)
from ..lifecycle import TOKEN_LIFETIME, next_refresh
from ..models import Grant, OAuthClient
from .refresh_chunk import lease_length, refresh_chunk
from .transactions import atomically, refuse_open_transaction, repeatedly

#: A token must live longer than this to be given out: longer than a chunk's lease, and than the 3:45 minutes before
#: expiry at which google-auth asks for another.
MARGIN = timedelta(minutes=4)
#: Where no refresh succeeds, a token that lives at least this long is still better than none.
LAST_RESORT = timedelta(seconds=20)
#: Seconds to wait for another worker that is refreshing the grant.
PATIENCE = 10.0
PAUSE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Access tokens of several grants, by primary key."""

    by_grant: Mapping[int, str] = field(default_factory=dict, repr=False)
    busy: frozenset[int] = frozenset()
    """Grants that another worker is refreshing, or wrote meanwhile: ask again in seconds."""
    unusable: frozenset[int] = frozenset()
    """Paused, lost, held back or failing: no token now."""


@sensitive_variables("found")
def tokens_for(grants: Iterable[Grant], *, now: datetime, using: str) -> Tokens:
    """Tokens of many grants: those that are fresh, and the rest refreshed together in one chunk.

    Raises ``OpenTransactionError`` inside a transaction, unless all are fresh.
    """
    given = {grant.pk: grant for grant in grants}
    found = _fresh(given.values(), now=now, rejected="")
    _mark_used([given[pk] for pk in found], now=now, using=using)
    rest = [pk for pk in given if pk not in found]
    if not rest:
        return Tokens(by_grant=found)
    got = _obtain(rest, now=now, using=using, rejected="")
    return Tokens(by_grant={**found, **got.by_grant}, busy=got.busy, unusable=got.unusable)


@sensitive_variables("rejected", "stored")
def access_token(grant: Grant, *, now: datetime, using: str, rejected: str = "") -> str:
    """An access token of ``grant`` that lives at least some minutes, and is not ``rejected`` (Google said 401).

    Waits up to ``PATIENCE`` seconds for another worker that is at it. Raises ``GrantPausedError``,
    ``NeedsConsentError``, ``TryLaterError``, or ``OpenTransactionError``.
    """
    started = time.monotonic()
    instant = now
    while True:
        row = Grant.objects.using(using).select_related("client").get(pk=grant.pk)
        refuse_unusable(row, instant)
        stored = _fresh([row], now=instant, rejected=rejected)
        if stored:
            _mark_used([row], now=instant, using=using)
            return stored[row.pk]
        refuse_open_transaction(using)
        got = _obtain([row.pk], now=instant, using=using, rejected=rejected)
        if row.pk in got.by_grant:
            return got.by_grant[row.pk]
        if row.pk in got.unusable or time.monotonic() - started > PATIENCE:
            return _last_resort(row, now=instant, using=using, rejected=rejected)
        time.sleep(PAUSE)
        instant = now + timedelta(seconds=time.monotonic() - started)


def refuse_unusable(grant: Grant, now: datetime) -> None:
    """Raise the ``GrantUnusableError`` that fits a grant (with its client) from which no token can be had."""
    if grant.state == Grant.State.PAUSED:
        approve = grant.reason == Grant.AWAITING_APPROVAL
        step = "approve it" if approve else "resume it"
        raise GrantPausedError(f"the grant of {grant} is paused: {step} in the admin (Grants)")
    if grant.state != Grant.State.ACTIVE:
        told = grant.diagnosis or f"the grant of {grant} is {grant.get_state_display()}."
        raise NeedsConsentError(
            f"{told} Next step: api.start_consent(repairs=grant), and send the link"
        )
    if grant.client.paused_at is not None:
        raise GrantPausedError(
            f"the OAuth client {grant.client} is paused ({grant.client.paused_reason}): repair it and resume it in the "
            "admin (OAuth clients)"
        )


@sensitive_variables("rejected", "token", "tokens")
def _fresh(grants: Iterable[Grant], *, now: datetime, rejected: str) -> dict[int, str]:
    tokens: dict[int, str] = {}
    for grant in grants:
        if grant.state == Grant.State.ACTIVE and grant.has_fresh_token(now, margin=MARGIN):
            try:
                token = grant.access_token.reveal()
            except UnreadableSecretError:
                # A refresh brings a readable one, or says what is wrong.
                continue
            if token != rejected:
                tokens[grant.pk] = token
    return tokens


@sensitive_variables("rejected", "tokens")
def _obtain(pks: list[int], *, now: datetime, using: str, rejected: str) -> Tokens:
    refuse_open_transaction(using)
    grants = Grant.objects.using(using)
    # A grant with a reason waits for its time: a death is confirmed minutes later, an administrator asked daily.
    ready = grants.refreshable(now).filter(
        Q(reason="") | Q(due_at__lte=now), client__in=OAuthClient.objects.using(using).usable(now)
    )
    claim = repeatedly(lambda: ready.claim_now(pks, now=now, length=lease_length()), using=using)
    # Somebody may have refreshed them since they were read.
    tokens = _fresh(claim.rows, now=now, rejected=rejected)
    grants.release(claim.lease, list(tokens), now=now)
    stale = [grant for grant in claim.rows if grant.pk not in tokens]
    got = refresh_chunk(replace(claim, rows=stale), now=now, using=using, wanted=True)
    tokens |= got.tokens
    busy = set(got.overtaken)
    unclaimed = set(pks) - {grant.pk for grant in claim.rows}
    if unclaimed:
        rows = list(grants.filter(pk__in=unclaimed))
        tokens |= _fresh(rows, now=now, rejected=rejected)
        busy |= {row.pk for row in rows if row.is_leased(now) and row.pk not in tokens}
    return Tokens(
        by_grant=tokens,
        busy=frozenset(busy),
        unusable=frozenset(pks) - busy - tokens.keys(),
    )


@sensitive_variables("rejected", "token")
def _last_resort(grant: Grant, *, now: datetime, using: str, rejected: str) -> str:
    row = Grant.objects.using(using).select_related("client").get(pk=grant.pk)
    refuse_unusable(row, now)
    if row.has_fresh_token(now, margin=LAST_RESORT):
        try:
            token: str = row.access_token.reveal()
        except UnreadableSecretError:
            token = ""
        if token and token != rejected:
            return token
    if not row.refresh_token:
        raise NeedsConsentError(
            f"the grant of {row} has no refresh token. Next step: api.start_consent(repairs=grant), and send the link"
        )
    until = f", next attempt at {row.due_at:%Y-%m-%d %H:%M:%S} UTC" if row.due_at else ""
    why = row.diagnosis or row.error_kind or "another worker is refreshing it"
    raise TryLaterError(
        f"no access token for the grant of {row} now ({why}){until}: try again later"
    )


def _mark_used(grants: list[Grant], *, now: datetime, using: str) -> None:
    """At most hourly, note that grants are in use: from then on their tokens are replaced ahead of expiry."""
    stale = [g for g in grants if g.used_at is None or g.used_at <= now - TOKEN_LIFETIME]
    if not stale:
        return
    try:
        refuse_open_transaction(using)
    except OpenTransactionError:
        # It would keep a lock on the grant for as long as the caller's transaction lasts.
        return
    updates = [
        RowUpdate(
            pk=grant.pk,
            values={"used_at": now, "due_at": _due_in_use(grant, now)},
            expected={"generation": grant.generation, "lease_id": ""},
        )
        for grant in stale
    ]
    atomically(lambda: update_rows(Grant, updates, using=using), using=using)


def _due_in_use(grant: Grant, now: datetime) -> datetime:
    due = next_refresh(
        grant.access_expires_at,
        used_at=now,
        now=now,
        keep_alive=timedelta(seconds=settings.KEEP_ALIVE),
        refresh_ahead=timedelta(seconds=settings.REFRESH_AHEAD),
        uniform=0.0,
    )
    return min(due, grant.due_at) if grant.due_at else due
