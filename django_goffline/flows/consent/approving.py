"""Approve: the asker sees which account answered, and accepts or discards it.

Without this, a forwarded link would put a stranger's data under the wrong name: consents that prove neither
the addressed user nor the account end in grants that are paused and wait for this.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models

from ...models import Activity, ConsentOutcome, ConsentRequest, Grant
from ...nudges import nudge
from ...signals import grant_activated, send_on_commit
from ..records import note
from ..revoke import revoke
from ..transactions import atomically

#: ``reason`` of a grant that its asker did not want.
DISCARDED = "discarded"


def may_approve(user: AbstractBaseUser, grant: Grant) -> bool:
    """Whether ``user`` may accept or discard ``grant``: by permission, or as the asker of somebody else's consent.

    Who asked in their own name can't confirm themselves without the permission ``goffline.approve_grant``.
    """
    if not user.is_active:
        return False
    has_perm = getattr(user, "has_perm", None)
    if has_perm is not None and has_perm("goffline.approve_grant"):
        return True
    return (
        grant.consent_requests.filter(asked_by=user.pk, outcome=ConsentOutcome.AWAITING_APPROVAL)
        .exclude(user=user.pk)
        .exists()
    )


def approve(
    grants: models.QuerySet[Grant], *, by: AbstractBaseUser | None, now: datetime, using: str
) -> int:
    """Accept those of ``grants`` that await approval: usable from now on. Returns how many."""
    waiting = list(_waiting(grants, using=using))
    approved = [grant for grant in waiting if _approve(grant, by=by, now=now, using=using)]
    if approved:
        nudge("goffline.tick", using=using)
    return len(approved)


def discard(
    grants: models.QuerySet[Grant], *, by: AbstractBaseUser | None, now: datetime, using: str
) -> int:
    """Turn away those of ``grants`` that await approval; returns how many.

    They are revoked: tokens are forgotten at once, and Google is told unless the same account has another grant here.
    """
    return sum(
        _discard(grant, by=by, now=now, using=using) for grant in _waiting(grants, using=using)
    )


def _waiting(grants: models.QuerySet[Grant], *, using: str) -> models.QuerySet[Grant]:
    return (
        grants.using(using)
        .filter(state=Grant.State.PAUSED, reason=Grant.AWAITING_APPROVAL)
        .select_related("client")
    )


def _approve(grant: Grant, *, by: AbstractBaseUser | None, now: datetime, using: str) -> bool:
    def work() -> bool:
        mine = Grant.objects.using(using).filter(pk=grant.pk, generation=grant.generation)
        if not mine.approve(now=now):
            return False
        _settle_requests(
            grant,
            ConsentOutcome.PARTIAL if grant.missing_scopes else ConsentOutcome.GRANTED,
            using=using,
        )
        note(
            Activity(
                at=now,
                kind=Activity.Kind.GRANT_APPROVED,
                client_id=grant.client_id,
                grant=grant,
                actor="" if by is None else str(by)[:255],
                text=str(grant),
            ),
            using=using,
        )
        current = Grant.objects.using(using).select_related("client", "user").get(pk=grant.pk)
        send_on_commit(grant_activated, sender=Grant, using=using, grant=current)
        return True

    return atomically(work, using=using)


def _discard(grant: Grant, *, by: AbstractBaseUser | None, now: datetime, using: str) -> bool:
    def work() -> bool:
        mine = Grant.objects.using(using).filter(pk=grant.pk, generation=grant.generation)
        # The generation is the fence: a consent that came meanwhile is another answer, to be looked at anew.
        if not mine.update(reason=DISCARDED):
            return False
        _settle_requests(grant, ConsentOutcome.WRONG_ACCOUNT, using=using)
        revoke(mine, by=by, why=DISCARDED, now=now, using=using)
        return True

    return atomically(work, using=using)


def _settle_requests(grant: Grant, outcome: ConsentOutcome, *, using: str) -> None:
    ConsentRequest.objects.using(using).filter(
        grant=grant.pk, outcome=ConsentOutcome.AWAITING_APPROVAL
    ).update(outcome=outcome)
