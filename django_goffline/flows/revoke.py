"""Revoke grants: here at once, at Google as soon as it answers.

Tokens leave the grant in the same transaction in which it ends; they move, sealed, into rows without foreign keys,
which a drain works off. So a deleted user, client or grant takes its revocation along, and no person waits for
Google.

Revoking any token ends *all* tokens of that person for the whole Google project ("Using OAuth 2.0 for Web Server
Applications", Revoking a token). While another live grant of the same account and project is here, the token is only
forgotten: one person's leave must not cut off another's work.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F, QuerySet
from django.views.decorators.debug import sensitive_variables

from .. import gateway
from ..bulk import RowUpdate, update_rows
from ..conf import settings
from ..exceptions import UnreadableSecretError
from ..lifecycle import backoff
from ..models import Activity, Grant, PendingRevocation
from ..nudges import nudge
from ..protocol.errors import GoogleError
from ..protocol.oauth import revoke_token
from ..signals import grant_lost, send_on_commit
from .fetching import Job, fetch
from .records import note
from .transactions import atomically, refuse_open_transaction

logger = logging.getLogger("django_goffline")

#: A token that could not be revoked for so long is dropped, with a line to the operator.
GIVE_UP_AFTER = timedelta(days=7)
LONGEST_WAIT = timedelta(hours=6)
REVOKED = "revoked"


def revoke(
    grants: QuerySet[Grant],
    *,
    by: AbstractBaseUser | None = None,
    why: str = "",
    now: datetime,
    using: str,
) -> int:
    """End these grants and forget their tokens; Google is told in the background. Returns how many were live.

    ``by`` (who asked for it) and ``why`` (a word) are for the grants' story. A constant number of statements, however
    many grants.
    """
    pks = list(grants.using(using).values_list("pk", flat=True))

    def work() -> int:
        live = Grant.objects.using(using).filter(pk__in=pks).exclude(state=Grant.State.REVOKED)
        # The fence comes first: from here on no refresh under way can store a token.
        ended = live.update(
            state=Grant.State.REVOKED,
            reason=REVOKED,
            diagnosis="",
            due_at=None,
            lease_id="",
            lease_until=None,
            generation=F("generation") + 1,
        )
        if not ended:
            return 0
        rows = list(
            Grant.objects.using(using)
            .filter(pk__in=pks, state=Grant.State.REVOKED)
            .exclude(refresh_token="", access_token="")
            .select_related("client")
        )
        _keep_tokens(rows, now=now, using=using)
        Grant.objects.using(using).filter(pk__in=[row.pk for row in rows]).update(
            refresh_token="", access_token="", access_expires_at=None, refresh_expires_at=None
        )
        note(
            *(
                Activity(
                    at=now,
                    kind=Activity.Kind.GRANT_REVOKED,
                    client_id=row.client_id,
                    grant=row,
                    actor="" if by is None else str(by)[:255],
                    text=f"{row}: {why}"[:500] if why else "",
                )
                for row in rows
            ),
            using=using,
        )
        for row in rows:
            row.refresh_token = row.access_token = ""
            send_on_commit(
                grant_lost, sender=Grant, using=using, grant=row, reason=REVOKED, diagnosis=""
            )
        nudge("goffline.refresh", using=using)
        return ended

    return atomically(work, using=using) if pks else 0


def keep_tokens_of_deleted(grant: Grant, *, now: datetime, using: str) -> None:
    """A grant is about to be deleted, in whatever way: its token goes the same road as a revoked one's."""
    if grant.refresh_token or grant.access_token:
        _keep_tokens([grant], now=now, using=using)
        nudge("goffline.refresh", using=using)


def revoke_due(*, now: datetime, using: str) -> int:
    """Revoke one chunk of due tokens at Google; how many were taken up, 0 when nothing is due."""
    refuse_open_transaction(using)
    rows = PendingRevocation.objects.using(using)
    due = list(rows.filter(due_at__lte=now).order_by("due_at", "pk")[: settings.CHUNK_SIZE])
    # Their next attempt is their lease. Two workers that take the same one do no harm: a dead token is a success.
    until = now + timedelta(seconds=settings.LEASE_SECONDS)
    taken = rows.filter(pk__in=[row.pk for row in due], due_at__lte=now)
    if not due or not atomically(lambda: taken.update(due_at=until), using=using):
        return 0
    shared = _in_use_elsewhere(due, using)
    done = [row.pk for row in due if row.pk in shared]
    failures: list[RowUpdate] = []
    for fetched in fetch(_jobs([row for row in due if row.pk not in shared])):
        if fetched.error is None:
            done.append(fetched.key.pk)
        elif now - fetched.key.created_at >= GIVE_UP_AFTER:
            logger.error(
                "gave up revoking a token of Google account %s (%s): ask the person to remove the access at "
                "https://myaccount.google.com/connections",
                fetched.key.sub,
                fetched.error.kind,
            )
            done.append(fetched.key.pk)
        else:
            failures.append(_put_off(fetched.key, fetched.error, now))

    def settle() -> None:
        rows.filter(pk__in=done).delete()
        if failures:
            update_rows(PendingRevocation, failures, using=using)

    atomically(settle, using=using)
    return len(due)


@sensitive_variables("token")
def _keep_tokens(grants: Sequence[Grant], *, now: datetime, using: str) -> None:
    endpoint = gateway.endpoints().revocation
    pending: list[PendingRevocation] = []
    for grant in grants:
        try:
            # The refresh token ends the access tokens too; the reverse holds as well, but an access token may be dead.
            token = grant.refresh_token.reveal() or grant.access_token.reveal()
        except UnreadableSecretError as error:
            logger.error(
                "a token of Google account %s cannot be revoked: %s; ask the person to remove the access at "
                "https://myaccount.google.com/connections",
                grant.sub,
                error,
            )
            continue
        pending.append(
            PendingRevocation(
                token=token,
                client_name=grant.client.name,
                project=grant.client.project,
                sub=grant.sub,
                revocation_endpoint=endpoint,
                created_at=now,
                due_at=now,
            )
        )
    PendingRevocation.objects.using(using).bulk_create(pending)


def _in_use_elsewhere(pending: Iterable[PendingRevocation], using: str) -> set[int]:
    """Tokens whose revocation would end a live grant of the same account and Google project."""
    rows = list(pending)
    live = (
        Grant.objects.using(using)
        .filter(
            sub__in={row.sub for row in rows}, state__in=(Grant.State.ACTIVE, Grant.State.PAUSED)
        )
        .select_related("client")
    )
    in_use = {(grant.sub, grant.client.project) for grant in live}
    return {row.pk for row in rows if (row.sub, row.project) in in_use}


def _jobs(rows: Sequence[PendingRevocation]) -> Iterable[Job[PendingRevocation, None]]:
    transport, endpoints = gateway.transport(), gateway.endpoints()

    def call(row: PendingRevocation) -> Callable[[], None]:
        token = row.token.reveal()
        at = replace(endpoints, revocation=row.revocation_endpoint)
        return lambda: revoke_token(transport, at, token)

    for row in rows:
        try:
            yield Job(key=row, call=call(row))
        except UnreadableSecretError as error:
            # Its key may come back: the row keeps its place and is tried again after its lease.
            logger.error("a token of Google account %s cannot be revoked: %s", row.sub, error)


def _put_off(row: PendingRevocation, error: GoogleError, now: datetime) -> RowUpdate:
    wait = backoff(
        row.attempts + 1,
        uniform=random.random(),  # noqa: S311 - jitter, no secret
        retry_after=error.retry_after,
        cap=LONGEST_WAIT,
    )
    return RowUpdate(
        pk=row.pk,
        values={"attempts": row.attempts + 1, "error_kind": error.kind, "due_at": now + wait},
    )
