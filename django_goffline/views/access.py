"""Who may look at what: a request's page, an attempt's result.

A public id in an address is no right: the link's token, the bound browser or a login is.
"""

from __future__ import annotations

import hmac
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from ..models import ConsentAttempt, ConsentRequest, token_hash
from . import cookies


def find_request(public_id: UUID, *, using: str) -> ConsentRequest | None:
    """The request with this id, with what its pages show."""
    return (
        ConsentRequest.objects.using(using)
        .filter(public_id=public_id)
        .select_related("client", "user", "asked_by")
        .first()
    )


def find_attempt(public_id: UUID, *, using: str) -> ConsentAttempt | None:
    """The attempt with this id, with what its page shows."""
    return (
        ConsentAttempt.objects.using(using)
        .filter(public_id=public_id)
        .select_related("request__client", "request__user", "request__asked_by", "request__grant")
        .first()
    )


def may_open(request: HttpRequest, asked: ConsentRequest, user: AbstractBaseUser | None) -> bool:
    """Whether this browser holds the link, has set out by it before, or is logged in as the addressed user."""
    if asked.direct:
        return False
    if asked.link_hash and any(
        hmac.compare_digest(token_hash(token), asked.link_hash)
        for token in cookies.link_tokens(request)
    ):
        return True
    if user is not None and user.pk == asked.user_id:
        return True
    browser_id = cookies.browser_id(request)
    return bool(browser_id) and asked.attempts.filter(browser_hash=token_hash(browser_id)).exists()


def is_bound(request: HttpRequest, attempt: ConsentAttempt) -> bool:
    """Whether this is the browser of the attempt."""
    browser_id = cookies.browser_id(request)
    return bool(browser_id and attempt.browser_hash) and hmac.compare_digest(
        token_hash(browser_id), attempt.browser_hash
    )


def may_read(request: HttpRequest, attempt: ConsentAttempt, user: AbstractBaseUser | None) -> bool:
    """Whether this is the browser of the attempt, or the addressed user or the asker is logged in."""
    if is_bound(request, attempt):
        return True
    asked = attempt.request
    return user is not None and user.pk in (asked.user_id, asked.asked_by_id)
