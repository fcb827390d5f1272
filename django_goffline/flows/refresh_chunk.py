"""The engine of a refresh: a chunk of claimed grants goes through plan, fetch, decide and settle.

What a grant becomes is decided by ``lifecycle``; here is only how it is done. A chunk costs a constant number of
statements: one UPDATE for the grants that were refreshed, one for those that were not. A success is written where the
generation is still the one that the request was made with, even if the lease was lost meanwhile: with rotated tokens
it is the only valid one. A failure counts only under the lease as well: whoever holds the grant by then knows better.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from .. import gateway
from ..conf import settings
from ..exceptions import KeyRingError, UnreadableSecretError
from ..lifecycle import CLIENT_RETRY, GrantFacts, RefreshDecision, decide_refresh
from ..models import Claim, Grant, OAuthClient
from ..protocol.errors import ClientBrokenError, GoogleError
from ..protocol.oauth import ClientCredentials, TokenReply, refresh_token
from .clients import hold, pause_broken
from .fetching import Fetched, Job, fetch
from .records import Count, count
from .refresh_settle import Verdict, settle
from .transactions import atomically, refuse_open_transaction

logger = logging.getLogger("django_goffline")

#: Seconds before a lease's end by which every answer is in, to leave time for the settle.
LEASE_MARGIN = 10.0

SECRET_UNREADABLE = "secret_unreadable"  # noqa: S105 - a reason, not a secret


class SecretUnreadable(GoogleError):
    """The stored refresh token or client secret cannot be opened; nothing was sent."""

    kind = SECRET_UNREADABLE
    sentence = "A stored secret cannot be opened with the keys at hand."


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a chunk came to, by primary key of the grant."""

    tokens: Mapping[int, str] = field(default_factory=dict, repr=False)
    """Access tokens that were stored."""
    overtaken: frozenset[int] = frozenset()
    """Grants that somebody else wrote meanwhile, or for which there was no time: ask again."""


def lease_length() -> timedelta:
    """How long a chunk of grants is taken for."""
    return timedelta(seconds=settings.LEASE_SECONDS)


def refresh_chunk(
    claim: Claim[Grant], *, now: datetime, using: str, wanted: bool = False
) -> Refreshed:
    """Refresh claimed grants and settle them. ``wanted``: somebody needs these tokens now, so the grants are in use.

    Raises ``OpenTransactionError`` before anything is sent.
    """
    refuse_open_transaction(using)
    if not claim.rows:
        return Refreshed()
    clients = OAuthClient.objects.using(using).in_bulk({grant.client_id for grant in claim.rows})
    verdicts: list[Verdict] = []
    unsent: list[int] = []
    # A client that was deleted a moment ago takes its grants along.
    rows = [grant for grant in claim.rows if grant.client_id in clients]
    for fetched in _outcomes(rows, clients, now=now):
        if fetched.value is None and fetched.error is None:
            unsent.append(fetched.key.pk)
            continue
        outcome = fetched.value or fetched.error
        assert outcome is not None
        decision = _decide(fetched.key, clients, outcome, now=now, wanted=wanted)
        verdicts.append(Verdict(grant=fetched.key, outcome=outcome, decision=decision))

    good = [verdict for verdict in verdicts if isinstance(verdict.outcome, TokenReply)]
    blaming = [v for v in verdicts if isinstance(v.outcome, ClientBrokenError)]
    bad = [v for v in verdicts if not isinstance(v.outcome, (TokenReply, ClientBrokenError))]
    written = atomically(
        lambda: settle(claim.lease, good, bad, now=now, using=using, wanted=wanted), using=using
    )
    grants = Grant.objects.using(using)
    grants.hand_back(claim.lease, unsent, due_at=now)
    grants.hand_back(claim.lease, [v.grant.pk for v in blaming], due_at=now + CLIENT_RETRY)
    working = {verdict.grant.client_id for verdict in good}
    for verdict in {v.grant.client_id: v for v in blaming}.values():
        _blame(verdict, clients, working, now=now, using=using)
    for client_id, until in _holds(bad).items():
        hold(clients[client_id], until=until, using=using)
    count(_counts(verdicts, now), now=now, using=using)
    return Refreshed(
        tokens={
            verdict.grant.pk: verdict.outcome.access_token
            for verdict in good
            if verdict.grant.pk in written and isinstance(verdict.outcome, TokenReply)
        },
        overtaken=frozenset(unsent) | {v.grant.pk for v in good if v.grant.pk not in written},
    )


def _outcomes(
    grants: Sequence[Grant], clients: Mapping[int, OAuthClient], *, now: datetime
) -> Iterator[Fetched[Grant, TokenReply | None]]:
    started = time.monotonic()
    ends = started + settings.LEASE_SECONDS - LEASE_MARGIN
    # A call that could not end within the lease is not begun.
    last_start = max(started, ends - settings.HTTP_TIMEOUT)
    transport, endpoints = gateway.transport(), gateway.endpoints()

    def call(credentials: ClientCredentials, token: str) -> Callable[[], TokenReply | None]:
        def send() -> TokenReply | None:
            if time.monotonic() > last_start:
                return None
            return refresh_token(
                transport, endpoints, credentials, refresh_token=token, now=now, deadline=ends
            )

        return send

    jobs: list[Job[Grant, TokenReply | None]] = []
    proofs: dict[int, ClientCredentials] = {}
    for grant in grants:
        try:
            if grant.client_id not in proofs:
                proofs[grant.client_id] = gateway.credentials(clients[grant.client_id])
            token = grant.refresh_token.reveal()
        except (UnreadableSecretError, KeyRingError) as error:
            logger.error("grant %s cannot be refreshed: %s", grant.pk, error)
            yield Fetched(key=grant, error=SecretUnreadable())
        else:
            jobs.append(Job(key=grant, call=call(proofs[grant.client_id], token)))
    yield from fetch(jobs)


def _decide(
    grant: Grant,
    clients: Mapping[int, OAuthClient],
    outcome: TokenReply | GoogleError,
    *,
    now: datetime,
    wanted: bool,
) -> RefreshDecision:
    in_testing = clients[grant.client_id].publishing_status == OAuthClient.PublishingStatus.TESTING
    decision = decide_refresh(
        GrantFacts(
            reason=grant.reason,
            failure_streak=grant.failure_streak,
            authorized_at=grant.authorized_at,
            refreshed_at=grant.refreshed_at,
            refresh_expires_at=grant.refresh_expires_at,
            used_at=now if wanted else grant.used_at,
            granted_scopes=tuple(grant.granted_scopes),
            client_in_testing=in_testing,
        ),
        outcome,
        now=now,
        keep_alive=timedelta(seconds=settings.KEEP_ALIVE),
        refresh_ahead=timedelta(seconds=settings.REFRESH_AHEAD),
        uniform=random.random(),  # noqa: S311 - jitter, no secret
    )
    if isinstance(outcome, SecretUnreadable):
        return replace(
            decision,
            reason=SECRET_UNREADABLE,
            diagnosis=(
                "The stored token or the client's secret cannot be opened: put the key that sealed it back "
                "into GOFFLINE['ENCRYPTION_KEYS']."
            ),
        )
    return decision


def _blame(
    verdict: Verdict,
    clients: Mapping[int, OAuthClient],
    working: set[int],
    *,
    now: datetime,
    using: str,
) -> None:
    assert isinstance(verdict.outcome, ClientBrokenError)
    client = clients[verdict.grant.client_id]
    if client.pk in working:
        # The same client refreshed other grants a moment ago: this one's token belongs to another client.
        logger.error(
            "Google refuses %s for grant %s alone: was its token issued to another OAuth client?",
            verdict.outcome.code or verdict.outcome.kind,
            verdict.grant.pk,
        )
        return
    pause_broken(client, verdict.outcome, now=now, using=using)


def _holds(bad: Sequence[Verdict]) -> dict[int, datetime]:
    holds: dict[int, datetime] = {}
    for verdict in bad:
        until = verdict.decision.hold_client_until
        if until is not None:
            known = holds.get(verdict.grant.client_id, until)
            holds[verdict.grant.client_id] = max(known, until)
    return holds


def _counts(verdicts: Sequence[Verdict], now: datetime) -> Iterator[Count]:
    for verdict in verdicts:
        due = verdict.grant.due_at
        yield Count(
            client_id=verdict.grant.client_id,
            kind="refresh",
            outcome="ok" if isinstance(verdict.outcome, TokenReply) else verdict.outcome.kind,
            count=1,
            calls=0 if isinstance(verdict.outcome, SecretUnreadable) else 1,
            rows=1,
            lag_seconds=max(0, int((now - due).total_seconds())) if due else 0,
        )
