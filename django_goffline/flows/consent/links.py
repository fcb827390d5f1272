"""Links: who holds one, in what state it is, who must be logged in; and how links are taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from ...conf import settings
from ...models import Activity, ConsentRequest, token_hash
from ..records import note
from ..transactions import atomically

#: Longer words are no tokens of ours: they are not even hashed.
LONGEST_TOKEN = 200


class LinkState(models.TextChoices):
    """Whether a request can still be answered; all but the first are also codes of ``ConsentRefusedError``."""

    OPEN = "open", _("open")
    COMPLETED = "completed", _("answered already")
    WITHDRAWN = "withdrawn", _("withdrawn")
    EXPIRED = "expired", _("expired")
    PAUSED = "paused", _("the site's connection to Google is paused")


def is_token_like(text: str) -> bool:
    """Whether ``text`` could be a random token of ours: short, and ASCII (other text may not even be encodable)."""
    return 0 < len(text) <= LONGEST_TOKEN and text.isascii()


def see(token: str, *, now: datetime, using: str) -> ConsentRequest | None:
    """The request of a link, noted as seen; None for a token of no link.

    Nothing else changes: mail scanners open links.
    """
    if not is_token_like(token):
        return None
    mine = ConsentRequest.objects.using(using).filter(link_hash=token_hash(token))
    mine.filter(seen_at__isnull=True).update(seen_at=now)
    return mine.select_related("client", "user", "asked_by").first()


def link_state(request: ConsentRequest, now: datetime) -> LinkState:
    """Whether ``request`` can still be answered at ``now``, and if not, why."""
    if request.completed_at is not None:
        return LinkState.COMPLETED
    if request.withdrawn_at is not None:
        return LinkState.WITHDRAWN
    if request.expires_at <= now or (request.user is not None and not request.user.is_active):
        return LinkState.EXPIRED
    if request.client.paused_at is not None:
        return LinkState.PAUSED
    return LinkState.OPEN


def login_problem(
    request: ConsentRequest, user: AbstractBaseUser | None
) -> Literal["", "login_needed", "wrong_user"]:
    """What ``GOFFLINE["CONSENT_LOGIN"]`` has against ``user`` (None: nobody is logged in) opening this request."""
    rule = settings.CONSENT_LOGIN
    if rule == "off" or (rule == "addressed" and request.user_id is None):
        return ""
    if user is None:
        return "login_needed"
    if rule == "addressed" and user.pk != request.user_id:
        return "wrong_user"
    return ""


def withdraw(
    requests: models.QuerySet[ConsentRequest],
    *,
    by: AbstractBaseUser | None = None,
    now: datetime,
    using: str,
) -> int:
    """Take unanswered requests back: links and attempts under way are worthless at once. Returns how many."""
    candidates = list(
        requests.using(using)
        .filter(completed_at__isnull=True, withdrawn_at__isnull=True)
        .only("pk", "client_id")
    )

    def work() -> int:
        taken = [
            request
            for request in candidates
            if ConsentRequest.objects.using(using).filter(pk=request.pk).withdraw(now)
        ]
        note(
            *(
                Activity(
                    at=now,
                    kind=Activity.Kind.CONSENT_WITHDRAWN,
                    client_id=request.client_id,
                    request=request,
                    actor="" if by is None else str(by)[:255],
                )
                for request in taken
            ),
            using=using,
        )
        return len(taken)

    return atomically(work, using=using)
