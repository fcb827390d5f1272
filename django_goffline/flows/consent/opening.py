"""Open: the person goes on to Google. Only a POST comes here; looking at a link starts nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models.functions import Coalesce
from django.views.decorators.debug import sensitive_variables

from ... import gateway
from ...conf import settings
from ...exceptions import ConsentRefusedError
from ...models import Activity, ConsentRequest
from ..records import note
from ..transactions import atomically
from .attempts import make_attempt
from .links import LinkState, link_state, login_problem


@sensitive_variables("browser_id")
def open(
    request: ConsentRequest,
    *,
    browser_id: str,
    user: AbstractBaseUser | None,
    now: datetime,
    using: str,
) -> str:
    """Start an attempt in the browser of ``browser_id`` and return Google's URL.

    Raises ``ConsentRefusedError`` with a ``LinkState``, ``login_needed`` or ``wrong_user`` as code;
    ``direct`` for a direct Google URL, which has one attempt, made at its start; ``ConsentRequestError`` when
    the site lost its redirect URI.
    """
    if not browser_id:
        raise ValueError("an attempt that a person starts is bound to a browser")
    if request.direct:
        raise ConsentRefusedError("direct")
    _refuse_closed(request, now)
    problem = login_problem(request, user)
    if problem:
        raise ConsentRefusedError(problem)
    redirect_uri = gateway.redirect_uri(request.client)

    def work() -> str:
        mine = ConsentRequest.objects.using(using).open(now).filter(pk=request.pk)
        if not mine.update(opened_at=Coalesce("opened_at", now)):
            raise ConsentRefusedError(_closed_meanwhile(request, now, using=using).value)
        note(
            Activity(
                at=now,
                kind=Activity.Kind.CONSENT_OPENED,
                client_id=request.client_id,
                request=request,
                actor="" if user is None else str(user)[:255],
            ),
            using=using,
        )
        return make_attempt(
            request,
            redirect_uri=redirect_uri,
            browser_id=browser_id,
            user=user,
            expires_at=min(request.expires_at, now + timedelta(seconds=settings.ATTEMPT_LIFETIME)),
            now=now,
            using=using,
        )

    return atomically(work, using=using)


def _refuse_closed(request: ConsentRequest, now: datetime) -> None:
    state = link_state(request, now)
    if state != LinkState.OPEN:
        raise ConsentRefusedError(state.value)


def _closed_meanwhile(request: ConsentRequest, now: datetime, *, using: str) -> LinkState:
    current = ConsentRequest.objects.using(using).filter(pk=request.pk).first()
    state = LinkState.EXPIRED if current is None else link_state(current, now)
    return LinkState.EXPIRED if state == LinkState.OPEN else state
