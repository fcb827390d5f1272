"""Complete: Google's answer, consumed once, becomes a grant or a plain reason why not.

In this order, and no other: find the attempt by its state; check the browser (a wrong one consumes nothing);
consume the attempt in one UPDATE (transaction 1); judge the answer; exchange the code outside of any
transaction; judge what came; record (transaction 2). Tokens of an answer that is refused are dropped: they
are stored nowhere, and not revoked either, since that would end every token of that person for the project
(RFC 7009; google-reference §3.6).
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from ... import gateway
from ...exceptions import ConsentRefusedError, KeyRingError, UnreadableSecretError
from ...models import Activity, ConsentAttempt, ConsentOutcome, ConsentRequest, Grant, token_hash
from ...protocol.errors import (
    ClientBrokenError,
    ConsentAnswerError,
    GoogleError,
    PolicyError,
    TransientError,
)
from ...protocol.oauth import TokenReply, exchange_code
from ..clients import pause_broken
from ..records import note
from ..transactions import atomically, refuse_open_transaction
from .answers import (
    CallbackAnswer,
    Verdict,
    is_proved,
    judge_answer,
    judge_identity,
    read_identity,
)
from .links import LinkState, is_token_like, link_state
from .record import Consented, record

logger = logging.getLogger("django_goffline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How an attempt ended: with a grant, whose ``missing`` scopes the person did not give, or without one."""

    attempt: ConsentAttempt
    outcome: ConsentOutcome
    grant: Grant | None = None
    missing: tuple[str, ...] = ()


class AttemptClosedError(ConsentRefusedError):
    """The answer belongs to an attempt that can't be used (any more); nothing was consumed.

    ``code`` is ``used`` or a ``LinkState``.
    """

    def __init__(self, code: str, attempt: ConsentAttempt) -> None:
        super().__init__(code)
        self.attempt = attempt


@sensitive_variables("answer", "browser_id")
def complete(
    answer: CallbackAnswer,
    *,
    browser_id: str,
    user: AbstractBaseUser | None,
    now: datetime,
    using: str,
) -> Completed:
    """Take Google's answer, come by the browser of ``browser_id`` in which ``user`` (or nobody) is logged in.

    Raises ``ConsentRefusedError`` with the code ``unknown_state`` or ``wrong_browser``, its
    ``AttemptClosedError`` for an attempt that is over, and ``OpenTransactionError``. Everything else,
    Google's errors included, is a ``Completed``.
    """
    refuse_open_transaction(using)
    attempt = _find(answer.state, using=using)
    if attempt is None:
        raise ConsentRefusedError("unknown_state")
    # A direct URL is bound to no browser until it is answered.
    if attempt.browser_hash and not hmac.compare_digest(
        token_hash(browser_id), attempt.browser_hash
    ):
        raise ConsentRefusedError("wrong_browser")
    _consume(attempt, browser_id=browser_id, user=user, now=now, using=using)
    try:
        verdict = judge_answer(attempt, answer, user)
        if verdict is None:
            reply = _exchange(attempt, answer.code, now=now, using=using)
            return _accept(attempt, reply, user=user, now=now, using=using)
    except _RefusedError as refused:
        verdict = refused.verdict
    return _refuse(attempt, verdict, user=user, now=now, using=using)


class _RefusedError(Exception):
    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.outcome)
        self.verdict = verdict


def _find(state: str, *, using: str) -> ConsentAttempt | None:
    if not is_token_like(state):
        return None
    return (
        ConsentAttempt.objects.using(using)
        .filter(state_hash=token_hash(state))
        .select_related("request__client", "request__user", "request__repairs")
        .first()
    )


@sensitive_variables("browser_id")
def _consume(
    attempt: ConsentAttempt,
    *,
    browser_id: str,
    user: AbstractBaseUser | None,
    now: datetime,
    using: str,
) -> None:
    """Transaction 1. It says *interrupted* until the end is written, so that a crash reads true."""
    if attempt.consumed_at is not None:
        raise AttemptClosedError("used", attempt)
    state = link_state(attempt.request, now)
    if attempt.expires_at <= now:
        state = LinkState.EXPIRED
    if state in (LinkState.COMPLETED, LinkState.WITHDRAWN, LinkState.EXPIRED):
        raise AttemptClosedError(state.value, attempt)
    browser_hash = attempt.browser_hash or (token_hash(browser_id) if browser_id else "")
    consumed = atomically(
        lambda: (
            ConsentAttempt.objects.using(using)
            .filter(pk=attempt.pk, consumed_at__isnull=True, expires_at__gt=now)
            .update(
                consumed_at=now,
                outcome=ConsentOutcome.INTERRUPTED,
                answered_by_id=None if user is None else user.pk,
                # Read already, and of no use to anybody from now on.
                code_verifier="",
                # Whoever brought the answer of a direct URL is the one who may read the result.
                browser_hash=browser_hash,
            )
        ),
        using=using,
    )
    if not consumed:
        raise AttemptClosedError("used", attempt)
    attempt.consumed_at, attempt.browser_hash = now, browser_hash
    attempt.outcome = ConsentOutcome.INTERRUPTED


@sensitive_variables("code")
def _exchange(attempt: ConsentAttempt, code: str, *, now: datetime, using: str) -> TokenReply:
    try:
        return exchange_code(
            gateway.transport(),
            gateway.endpoints(),
            gateway.credentials(attempt.request.client),
            code=code,
            redirect_uri=attempt.redirect_uri,
            code_verifier=attempt.code_verifier.reveal(),
            now=now,
        )
    except (UnreadableSecretError, KeyRingError) as error:
        logger.error("consent %s: %s", attempt.request.public_id, error)
        verdict = Verdict(outcome=ConsentOutcome.INTERRUPTED, detail="unreadable secret")
    except TransientError as error:
        # The code may be spent: it is never sent twice (RFC 6749 §4.1.2).
        verdict = Verdict(outcome=ConsentOutcome.INTERRUPTED, detail=error.kind)
    except ClientBrokenError as error:
        pause_broken(attempt.request.client, error, now=now, using=using)
        verdict = Verdict(outcome=ConsentOutcome.GOOGLE_ERROR, detail=error.code or error.kind)
    except PolicyError:
        verdict = Verdict(outcome=ConsentOutcome.ADMIN_POLICY)
    except GoogleError as error:
        logger.error("consent %s: the code exchange failed: %s", attempt.request.public_id, error)
        verdict = Verdict(outcome=ConsentOutcome.GOOGLE_ERROR, detail=error.code or error.kind)
    raise _RefusedError(verdict)


def _accept(
    attempt: ConsentAttempt,
    reply: TokenReply,
    *,
    user: AbstractBaseUser | None,
    now: datetime,
    using: str,
) -> Completed:
    try:
        identity = read_identity(attempt, reply, now=now)
    except ConsentAnswerError as error:
        outside = error.code == "hosted_domain"
        outcome = ConsentOutcome.WRONG_DOMAIN if outside else ConsentOutcome.ANSWER_INVALID
        raise _RefusedError(Verdict(outcome=outcome, detail=error.code)) from None
    verdict = judge_identity(attempt.request, identity)
    if verdict is not None:
        raise _RefusedError(verdict)
    consented = Consented(
        attempt=attempt, reply=reply, identity=identity, proved=is_proved(attempt, user), by=user
    )
    try:
        recorded = record(consented, now=now, using=using)
    except ConsentRefusedError as error:
        if error.code == ConsentOutcome.NO_REFRESH_TOKEN:
            raise _RefusedError(Verdict(outcome=ConsentOutcome.NO_REFRESH_TOKEN)) from None
        # The link was answered in another tab, or withdrawn, while Google was asked.
        raise AttemptClosedError(error.code, attempt) from None
    return Completed(
        attempt=attempt,
        outcome=recorded.outcome,
        grant=recorded.grant,
        missing=recorded.missing,
    )


def _refuse(
    attempt: ConsentAttempt,
    verdict: Verdict,
    *,
    user: AbstractBaseUser | None,
    now: datetime,
    using: str,
) -> Completed:
    """Write why; the request stays open, so that its person may start afresh."""
    request = attempt.request

    def work() -> None:
        ConsentAttempt.objects.using(using).filter(pk=attempt.pk).update(outcome=verdict.outcome)
        ConsentRequest.objects.using(using).filter(
            pk=request.pk, completed_at__isnull=True, withdrawn_at__isnull=True
        ).update(outcome=verdict.outcome)
        note(
            Activity(
                at=now,
                kind=Activity.Kind.CONSENT_REFUSED,
                client_id=request.client_id,
                request=request,
                actor="" if user is None else str(user)[:255],
                text=": ".join(filter(None, (str(verdict.outcome.label), verdict.detail))),
            ),
            using=using,
        )

    atomically(work, using=using)
    attempt.outcome = verdict.outcome
    return Completed(attempt=attempt, outcome=verdict.outcome)
