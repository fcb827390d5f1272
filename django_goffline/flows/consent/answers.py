"""Answers: what Google sent back to the redirect URI, and what is wrong with it.

Two judgements, both pure of HTTP and of writing: one before the code is used, one over what the exchange brought.
Sources: RFC 6749 §4.1.2.1 (errors), RFC 9207 (issuer), RFC 9700 §4.4 (mix-up), OpenID Connect Core §3.1.3.7 (claims).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser

from ... import gateway
from ...conf import settings
from ...models import ConsentAttempt, ConsentOutcome, ConsentRequest, token_hash
from ...protocol.endpoints import is_loopback
from ...protocol.errors import ConsentAnswerError
from ...protocol.id_token import Identity, read_id_token, same_email
from ...protocol.oauth import TokenReply
from .links import is_token_like

#: Google promises 256 bytes at most; this leaves room and still bounds what is sent on.
LONGEST_CODE = 2048

_OF_POLICY = frozenset({"admin_policy_enforced", "access_not_configured"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackAnswer:
    """The parameters of Google's answer that count, as they came; empty where absent. No repr shows state or code."""

    state: str = field(repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    error_subtype: str = ""
    iss: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why an answer must not become a grant, and the fact behind it, for the operator. Never a secret."""

    outcome: ConsentOutcome
    detail: str = ""


def judge_answer(
    attempt: ConsentAttempt, answer: CallbackAnswer, user: AbstractBaseUser | None
) -> Verdict | None:
    """What forbids using the answer's code; None if nothing does. The browser and the state are proved by now."""
    endpoints = gateway.endpoints()
    if (attempt.issuer, attempt.token_endpoint) != (endpoints.issuer, endpoints.token):
        return Verdict(outcome=ConsentOutcome.ENDPOINTS_CHANGED)
    # Error answers too: they may come from the wrong server just as well (RFC 9207 §2.4).
    if answer.iss and answer.iss != attempt.issuer:
        return Verdict(outcome=ConsentOutcome.ANSWER_INVALID, detail="issuer")
    if answer.error:
        return _judge_error(answer)
    if not _is_code(answer.code):
        return Verdict(outcome=ConsentOutcome.ANSWER_INVALID, detail="code")
    if not endpoints.token.startswith("https://") and not is_loopback(endpoints.token):
        return Verdict(outcome=ConsentOutcome.ANSWER_INVALID, detail="insecure")
    if _is_wrong_user(attempt, user):
        return Verdict(outcome=ConsentOutcome.WRONG_USER)
    if attempt.request.client.paused_at is not None:
        return Verdict(outcome=ConsentOutcome.INTERRUPTED, detail="the OAuth client is paused")
    return None


def read_identity(attempt: ConsentAttempt, reply: TokenReply, *, now: datetime) -> Identity:
    """Who agreed, by the answer's ID token. Raises ``ConsentAnswerError``."""
    client = attempt.request.client
    identity = read_id_token(
        reply.id_token,
        client_id=client.client_id,
        issuers=gateway.issuers(),
        nonce_matches=lambda nonce: (
            is_token_like(nonce) and hmac.compare_digest(token_hash(nonce), attempt.nonce_hash)
        ),
        now=now,
        channel_url=attempt.token_endpoint,
        hosted_domain=client.hosted_domain,
    )
    if not (identity.sub.isascii() and identity.sub.isprintable()):
        # "Case-sensitive ASCII" (OpenID Connect Core §2): it becomes a key of ours.
        raise ConsentAnswerError("sub_missing")
    return identity


def judge_identity(request: ConsentRequest, identity: Identity) -> Verdict | None:
    """Whether another Google account answered than the one that was asked for."""
    wrong = Verdict(outcome=ConsentOutcome.WRONG_ACCOUNT)
    if request.expected_sub and identity.sub != request.expected_sub:
        return wrong
    if request.expected_email and not (
        identity.email_verified and same_email(identity.email, request.expected_email)
    ):
        return wrong
    return None


def is_proved(attempt: ConsentAttempt, user: AbstractBaseUser | None) -> bool:
    """Whether an answer that passed all checks may be used without the asker's word.

    The account proves it (it was expected, and checked), or the addressed user by being logged in. A direct
    URL's asker proves it too by carrying it out in person.
    """
    request = attempt.request
    if request.expected_sub or request.expected_email:
        return True
    if user is None:
        return False
    if user.pk == request.user_id:
        return True
    return request.direct and user.pk == request.asked_by_id


def _judge_error(answer: CallbackAnswer) -> Verdict:
    if not _OF_POLICY.isdisjoint((answer.error, answer.error_subtype)):
        return Verdict(outcome=ConsentOutcome.ADMIN_POLICY)
    if answer.error == "access_denied":
        return Verdict(outcome=ConsentOutcome.REFUSED)
    # Only a word of the registry's form is kept: the parameter is anybody's text.
    known = answer.error.replace("_", "").isalnum() and answer.error.isascii()
    return Verdict(
        outcome=ConsentOutcome.GOOGLE_ERROR,
        detail=answer.error if known and len(answer.error) <= 64 else "",
    )


def _is_code(code: str) -> bool:
    return 0 < len(code) <= LONGEST_CODE and code.isascii() and code.isprintable()


def _is_wrong_user(attempt: ConsentAttempt, user: AbstractBaseUser | None) -> bool:
    request = attempt.request
    if request.user is not None and not request.user.is_active:
        return True
    if request.direct:
        return False
    here = None if user is None else user.pk
    if attempt.started_by_id is not None and attempt.started_by_id != here:
        return True
    return (
        settings.CONSENT_LOGIN == "addressed"
        and request.user_id is not None
        and request.user_id != here
    )
