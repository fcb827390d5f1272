"""OAuth 2.0 with Google: consent URL, code exchange, refresh, revocation, as free functions over frozen values.

Sources: RFC 6749 (framework), RFC 7636 (PKCE), RFC 7009 (revocation), RFC 9700 (best current practice); Google's
"Using OAuth 2.0 for Web Server Applications" and "OpenID Connect". No repr shows a secret.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from .endpoints import Endpoints
from .errors import AnswerError
from .scopes import OPENID, normalise_scopes
from .transport import Answer, Transport
from .verdicts import api_error, exchange_error, token_error

#: Bytes of randomness in a state, nonce or verifier: 256 bits (RFC 7636 §7.1 asks for as much of a verifier).
RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Who we are to the token endpoint."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pkce:
    """A proof key for one authorization: the verifier stays here, the challenge goes out (RFC 7636)."""

    verifier: str = field(repr=False)
    challenge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReply:
    """What the token endpoint gave. Expiries are aware instants; what the answer does not name is None.

    ``scopes`` are normalised; None says nothing about them: a refresh without them keeps the previous ones.
    """

    access_token: str = field(repr=False)
    expires_at: datetime | None = None
    refresh_token: str | None = field(default=None, repr=False)
    refresh_expires_at: datetime | None = None
    scopes: tuple[str, ...] | None = None
    id_token: str | None = field(default=None, repr=False)


def new_state() -> str:
    """A fresh, unguessable state (RFC 9700 §4.7)."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def new_nonce() -> str:
    """A fresh nonce, to be met again in the ID token (OpenID Connect Core §3.1.2.1)."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def new_pkce() -> Pkce:
    """A fresh verifier and its S256 challenge (RFC 7636 §4.1 and §4.2)."""
    verifier = secrets.token_urlsafe(RANDOM_BYTES)
    digest = hashlib.sha256(verifier.encode()).digest()
    return Pkce(verifier=verifier, challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode())


def authorization_url(
    endpoints: Endpoints,
    *,
    client_id: str,
    redirect_uri: str,
    scopes: Iterable[str],
    state: str,
    nonce: str,
    code_challenge: str,
    login_hint: str = "",
    include_granted_scopes: bool = False,
    hosted_domain: str = "",
    legacy: bool = False,
) -> str:
    """Where the person agrees. The order of parameters never varies.

    Consent is forced, since Google gives a refresh token only with a shown consent screen: ``prompt=consent`` at the v2
    endpoint, or for a ``legacy`` client ``approval_prompt=force`` at the v1 endpoint. Google refuses both together.
    """
    wanted = normalise_scopes(scopes)
    # OpenID Connect asks for ``openid`` first.
    ordered = [scope for scope in wanted if scope == OPENID] + [s for s in wanted if s != OPENID]
    parameters = {
        "scope": " ".join(ordered),
        "state": state,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "client_id": client_id,
        "access_type": "offline",
    }
    parameters |= {"approval_prompt": "force"} if legacy else {"prompt": "consent"}
    parameters |= {
        "code_challenge": code_challenge,
        "code_challenge_method": "S256",
        "nonce": nonce,
    }
    if login_hint:
        parameters["login_hint"] = login_hint
    if hosted_domain:
        parameters["hd"] = hosted_domain
    if include_granted_scopes:
        parameters["include_granted_scopes"] = "true"
    endpoint = endpoints.authorization_legacy if legacy else endpoints.authorization
    return f"{endpoint}?{urlencode(parameters)}"


def exchange_code(
    transport: Transport,
    endpoints: Endpoints,
    credentials: ClientCredentials,
    *,
    code: str,
    redirect_uri: str,
    code_verifier: str,
    now: datetime,
    deadline: float | None = None,
) -> TokenReply:
    """Turn a code into tokens (RFC 6749 §4.1.3). ``now`` is the instant before the call; expiries count from it.

    Raises ``ExchangeRejectedError`` for a refused code, and the other leaves of ``GoogleError``. After a
    ``TransientError`` the code may be spent: start the consent again.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "code_verifier": code_verifier,
    }
    answer = transport.send("POST", endpoints.token, form=form, deadline=deadline)
    if answer.status != 200:
        raise exchange_error(answer.status, answer.headers, answer.content)
    return _token_reply(answer, now)


def refresh_token(
    transport: Transport,
    endpoints: Endpoints,
    credentials: ClientCredentials,
    *,
    refresh_token: str,
    now: datetime,
    deadline: float | None = None,
) -> TokenReply:
    """A new access token (RFC 6749 §6). No scope is sent: asking for one that was not granted is an error at Google.

    Raises ``GrantDeadError`` when the refresh token is dead, and the other leaves of ``GoogleError``.
    """
    form = {
        "grant_type": "refresh_token",
        "refresh_token": refresh_token,
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
    }
    answer = transport.send("POST", endpoints.token, form=form, deadline=deadline)
    if answer.status != 200:
        raise token_error(answer.status, answer.headers, answer.content)
    return _token_reply(answer, now)


def revoke_token(
    transport: Transport, endpoints: Endpoints, token: str, *, deadline: float | None = None
) -> None:
    """Revoke a token (RFC 7009), in the body and never in the URL. A token that is dead already is a success.

    At Google this ends every token of that person for the whole project.
    """
    answer = transport.send("POST", endpoints.revocation, form={"token": token}, deadline=deadline)
    if answer.status == 200:
        return
    error = token_error(answer.status, answer.headers, answer.content)
    if answer.status == 400 and "invalid_token" in error.reasons:
        return
    raise error


def fetch_userinfo(
    transport: Transport, endpoints: Endpoints, access_token: str, *, deadline: float | None = None
) -> dict[str, Any]:
    """The account's claims from the userinfo endpoint (OpenID Connect Core §5.3)."""
    answer = transport.send("GET", endpoints.userinfo, bearer=access_token, deadline=deadline)
    if answer.status != 200:
        raise api_error(answer.status, answer.headers, answer.content, cursor_sent=False)
    return _object(answer)


def _token_reply(answer: Answer, now: datetime) -> TokenReply:
    document = _object(answer)
    access_token = document.get("access_token")
    token_type = document.get("token_type") or "Bearer"
    if not isinstance(access_token, str) or not access_token or str(token_type).lower() != "bearer":
        raise AnswerError(status=answer.status)
    scope = document.get("scope")
    return TokenReply(
        access_token=access_token,
        expires_at=_after(now, document.get("expires_in")),
        refresh_token=_text(document.get("refresh_token")),
        refresh_expires_at=_after(now, document.get("refresh_token_expires_in")),
        scopes=(normalise_scopes(scope) or None) if isinstance(scope, str) else None,
        id_token=_text(document.get("id_token")),
    )


def _after(now: datetime, seconds: object) -> datetime | None:
    # Some servers send the number as a string; anything else counts as unknown, and unknown as expired.
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        return None
    try:
        return now + timedelta(seconds=int(seconds))
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _object(answer: Answer) -> dict[str, Any]:
    document = answer.json()
    if not isinstance(document, dict):
        raise AnswerError(status=answer.status)
    return document
