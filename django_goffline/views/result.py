"""The result page: what became of an attempt, at a clean address, for those whom it concerns."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_safe

from .. import gateway
from ..flows import consent
from ..models import ConsentAttempt, ConsentOutcome, database_now
from .access import find_attempt, is_bound, may_read
from .pages import logged_in_user, page, show, show_message, write_alias
from .wording import MESSAGES, OUTCOMES, Wording, in_words

_UNFINISHED = (ConsentOutcome.PENDING, ConsentOutcome.INTERRUPTED)
_CONNECTED = (
    ConsentOutcome.GRANTED,
    ConsentOutcome.PARTIAL,
    ConsentOutcome.AWAITING_APPROVAL,
)


@page
@require_safe
@csrf_protect
def result(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """What became of an attempt, and the next step; 404 for whom it does not concern."""
    using = write_alias()
    attempt = find_attempt(public_id, using=using)
    user = logged_in_user(request)
    if attempt is None or not may_read(request, attempt, user):
        return show_message(request, "not_yours")
    asked = attempt.request
    state = consent.link_state(asked, database_now(using))
    wording = _wording(attempt, state)
    # A fresh start is for the person, not for the asker who looks on.
    may_retry = (
        wording.may_retry
        and state == consent.LinkState.OPEN
        and not asked.direct
        and (is_bound(request, attempt) or (user is not None and user.pk == asked.user_id))
    )
    return _show(request, attempt, wording, may_retry=may_retry)


def _wording(attempt: ConsentAttempt, state: consent.LinkState) -> Wording:
    # Why nothing came of it is better known by now from the request itself.
    if attempt.outcome in _UNFINISHED and state != consent.LinkState.OPEN:
        return MESSAGES[state.value]
    if attempt.outcome == ConsentOutcome.AWAITING_APPROVAL:
        # The asker's word came later, and stands at the request.
        return OUTCOMES[attempt.request.outcome or attempt.outcome]
    return OUTCOMES[attempt.outcome]


def _show(
    request: HttpRequest, attempt: ConsentAttempt, wording: Wording, *, may_retry: bool
) -> HttpResponse:
    asked = attempt.request
    connected = attempt.outcome in _CONNECTED and asked.grant is not None
    context = {
        "wording": wording,
        "attempt": attempt,
        "consent_request": asked,
        "account": asked.grant.email if connected and asked.grant else "",
        "missing": in_words(attempt.missing_scopes) if connected else [],
        "client_id": asked.client.client_id
        if attempt.outcome == ConsentOutcome.ADMIN_POLICY
        else "",
        "next_url": asked.next_url if connected else "",
        "may_retry": may_retry,
    }
    origin = gateway.endpoints().authorization_origin(
        legacy=asked.client.authorization_style == asked.client.AuthorizationStyle.LEGACY
    )
    return show(
        request,
        "result",
        context,
        status=wording.status,
        form_origin=origin if may_retry else "",
    )
