"""Keep grants alive: the next chunk of due ones, or one on demand.

A chunk belongs to one OAuth client, the one whose grant has waited longest. Grants of paused or held clients, grants
that Google holds back, and grants without a refresh token are not due, whatever their row says.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from functools import partial

from django.db.models import OuterRef, Subquery

from ..conf import settings
from ..exceptions import NeedsConsentError, TryLaterError
from ..models import Grant, OAuthClient
from ..models.grants import GrantQuerySet
from .access import PATIENCE, PAUSE, Tokens, access_token, refuse_unusable, tokens_for
from .refresh_chunk import lease_length, refresh_chunk
from .transactions import refuse_open_transaction, repeatedly

__all__ = [
    "Tokens",
    "access_token",
    "due_grants",
    "refresh_due",
    "refresh_one",
    "tokens_for",
]

#: Claims that may come back empty because another drain took the same rows first.
CLAIM_ATTEMPTS = 3


def due_grants(*, now: datetime, using: str) -> GrantQuerySet:
    """Grants that a drain would refresh at ``now``."""
    usable = OAuthClient.objects.using(using).usable(now)
    due = Grant.objects.using(using).refreshable(now).filter(client__in=usable)
    return due.due(now)


def refresh_due(*, now: datetime, using: str) -> int:
    """Refresh one chunk of due grants; how many were claimed, 0 when nothing is due."""
    refuse_open_transaction(using)
    for _ in range(CLAIM_ATTEMPTS):
        client = _longest_waiting(now, using)
        if client is None:
            return 0
        mine = Grant.objects.using(using).refreshable(now).filter(client=client)
        claim = repeatedly(
            partial(mine.claim, now=now, limit=settings.CHUNK_SIZE, length=lease_length()),
            using=using,
        )
        if claim.rows:
            refresh_chunk(claim, now=now, using=using)
            return len(claim.rows)
    return 0


def refresh_one(grant: Grant, *, now: datetime, using: str) -> Grant:
    """Refresh this grant now, fresh or not, and return its row as it is then; ``error_kind`` says how it failed.

    Raises the ``GrantUnusableError`` that fits a grant that cannot be refreshed, and ``TryLaterError`` when another
    worker holds it for too long.
    """
    refuse_open_transaction(using)
    started = time.monotonic()
    rows = Grant.objects.using(using)
    while True:
        row = rows.select_related("client").get(pk=grant.pk)
        refuse_unusable(row, now)
        if not row.refresh_token:
            raise NeedsConsentError(
                f"the grant of {row} has no refresh token: ask for consent again"
            )
        claim = repeatedly(
            lambda: rows.refreshable(now).claim_now([grant.pk], now=now, length=lease_length()),
            using=using,
        )
        if claim.rows:
            refresh_chunk(claim, now=now, using=using, wanted=True)
            return rows.select_related("client").get(pk=grant.pk)
        elapsed = time.monotonic() - started
        held = row.held_until or row.client.held_until
        if elapsed > PATIENCE or (held is not None and held > now + timedelta(seconds=elapsed)):
            raise TryLaterError(
                f"the grant of {row} is held by another worker or by Google: try again later"
            )
        time.sleep(PAUSE)


def _longest_waiting(now: datetime, using: str) -> OAuthClient | None:
    mine = Grant.objects.using(using).refreshable(now).filter(client=OuterRef("pk"))
    oldest = mine.due(now).order_by("due_at").values("due_at")[:1]
    return (
        OAuthClient.objects.using(using)
        .usable(now)
        .annotate(oldest=Subquery(oldest))
        .filter(oldest__isnull=False)
        .order_by("oldest")
        .first()
    )
