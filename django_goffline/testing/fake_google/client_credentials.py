"""Which OAuth client is speaking, and whether it proves it.

A client sends its credentials in the body or as HTTP Basic, never both. Google's two Python libraries
differ here: Basic without a ``client_id`` in the body for the exchange, the body for a refresh. Source:
RFC 6749 section 2.3.1; texts as observed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from .accounts import FakeClient
from .wire import OAuthError, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the request presents."""

    client_id: str
    secret: str | None = field(default=None, repr=False)


def claimed_client_id(request: Request) -> str | None:
    """The client ID anywhere in the request, unproved."""
    basic = _basic(request)
    if basic is not None:
        return basic.client_id
    if request.method == "POST" and "client_id" in (form := request.form()):
        return form["client_id"]
    return request.parameter("client_id")


def authenticated(
    request: Request, clients: Mapping[str, FakeClient], *, deleted_status: int
) -> FakeClient:
    """The client that this request proves to come from.

    Raises ``OAuthError``: ``invalid_request`` for credentials that are missing or sent twice,
    ``invalid_client`` for an unknown client or a secret that is not enabled, ``deleted_client``.
    """
    presented = _presented(request)
    client = clients.get(presented.client_id)
    if client is None:
        raise OAuthError(401, "invalid_client", "The OAuth client was not found.")
    if client.deleted_at is not None:
        raise OAuthError(deleted_status, "deleted_client", "The OAuth client was deleted.")
    if presented.secret is None:
        raise OAuthError(400, "invalid_request", "client_secret is missing.")
    secret = presented.secret.encode()
    if not any(hmac.compare_digest(secret, enabled.encode()) for enabled in client.secrets):
        raise OAuthError(401, "invalid_client", "Unauthorized")
    return client


def _presented(request: Request) -> Credentials:
    form = request.form()
    basic = _basic(request)
    if basic is None:
        if not form.get("client_id"):
            raise OAuthError(400, "invalid_request", "Could not determine client ID from request.")
        return Credentials(client_id=form["client_id"], secret=form.get("client_secret") or None)
    if "client_secret" in form or form.get("client_id", basic.client_id) != basic.client_id:
        raise OAuthError(400, "invalid_request", "Multiple client authentication methods used.")
    return basic


def _basic(request: Request) -> Credentials | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    client_id, _, secret = text.partition(":")
    return Credentials(client_id=unquote_plus(client_id), secret=unquote_plus(secret) or None)
