"""Start: somebody's wish for somebody's consent becomes a row, and a link to send.

Everything that is wrong with a wish is said before a row is written. The link is shown once: its token is
stored hashed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_variables

from ... import gateway
from ...conf import settings
from ...exceptions import ConsentRequestError
from ...models import Activity, ConsentRequest, Grant, OAuthClient, token_hash
from ...protocol.redirect_uris import redirect_uri_problem
from ...protocol.scopes import EMAIL, OPENID, normalise_scopes, unknown_scopes
from ..records import note
from ..transactions import atomically
from .attempts import make_attempt

#: 256 bits: a link's token cannot be guessed, so its hash needs no salt.
TOKEN_BYTES = 32
LONGEST_DIRECT_LIFETIME = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedConsent:
    """A consent request that was made, and the address to send: it is known at this moment only."""

    request: ConsentRequest
    url: str = field(repr=False)


@sensitive_variables("token", "url")
def start(
    *,
    client: OAuthClient,
    scopes: Iterable[str] = (),
    user: AbstractBaseUser | None = None,
    asked_by: AbstractBaseUser | None = None,
    purpose: str = "",
    expected_email: str = "",
    repairs: Grant | None = None,
    lifetime: timedelta | None = None,
    direct: bool = False,
    loopback_redirect_uri: str = "",
    next_url: str = "",
    now: datetime,
    using: str,
) -> StartedConsent:
    """Ask for a consent of ``user`` (None: a shared mailbox, nobody's).

    ``expected_email`` or ``repairs`` name the Google account that must answer. ``direct`` makes a Google
    URL in place of a link to our page: one attempt, bound to no browser, at most a day;
    ``loopback_redirect_uri`` is where a program that listens for its answer does so (RFC 8252 §7.3).
    ``next_url`` is a local path where the person goes on afterwards. Raises ``ConsentRequestError`` that says
    what is wrong.
    """
    user = _addressed(client, user, repairs)
    _refuse_unusable(client, user)
    redirect_uri = _redirect_uri(client, loopback_redirect_uri if direct else "")
    token = "" if direct else secrets.token_urlsafe(TOKEN_BYTES)
    url = gateway.link_url(token) if token else ""
    request = ConsentRequest(
        client=client,
        user_id=None if user is None else user.pk,
        asked_by_id=None if asked_by is None else asked_by.pk,
        purpose=_plain_text(purpose),
        scopes=_wanted_scopes(client, scopes, repairs),
        expected_email=_email(expected_email),
        repairs=repairs,
        expected_sub="" if repairs is None else repairs.sub,
        # Installed clients don't support it (OAuth 2.0 for iOS & Desktop Apps, incremental authorization).
        include_granted_scopes=repairs is not None and client.kind == OAuthClient.Kind.WEB,
        link_hash=token_hash(token) if token else None,
        direct=direct,
        next_url=_local(next_url),
        created_at=now,
        expires_at=now + _lifetime(lifetime, direct=direct),
    )

    def write() -> str:
        request.pk = None
        request.save(using=using, force_insert=True)
        note(
            Activity(
                at=now,
                kind=Activity.Kind.CONSENT_ASKED,
                client=client,
                request=request,
                actor="" if asked_by is None else str(asked_by)[:255],
                text=("direct Google URL" if direct else "link")
                + (f" for {request.expected_email}" if request.expected_email else ""),
            ),
            using=using,
        )
        if not direct:
            return url
        return make_attempt(
            request,
            redirect_uri=redirect_uri,
            browser_id="",
            user=None,
            expires_at=request.expires_at,
            now=now,
            using=using,
        )

    return StartedConsent(request=request, url=atomically(write, using=using))


def _addressed(
    client: OAuthClient, user: AbstractBaseUser | None, repairs: Grant | None
) -> AbstractBaseUser | None:
    if repairs is None:
        return user
    if repairs.client_id != client.pk:
        raise ConsentRequestError("the grant to repair belongs to another OAuth client")
    if user is not None and user.pk != repairs.user_id:
        raise ConsentRequestError("the grant to repair belongs to another user")
    return repairs.user


def _refuse_unusable(client: OAuthClient, user: AbstractBaseUser | None) -> None:
    if client.paused_at is not None:
        raise ConsentRequestError(
            f"the OAuth client {client.name!r} is paused ({client.paused_reason or 'by hand'}): resume it first"
        )
    if user is not None and not user.is_active:
        raise ConsentRequestError("the user is inactive: nobody could agree in that name")


def _redirect_uri(client: OAuthClient, loopback: str) -> str:
    if loopback and client.kind != OAuthClient.Kind.INSTALLED:
        raise ConsentRequestError(
            "only a desktop ('installed') client may be answered on any port of loopback"
        )
    uri = loopback or gateway.redirect_uri(client)
    # A fake or a proxy has rules of its own; Google would show an error page that never comes back to us.
    if gateway.endpoints().is_google():
        problem = redirect_uri_problem(uri, kind=client.kind)
        if problem:
            raise ConsentRequestError(f"Google refuses the redirect URI {uri}: {problem}")
    return uri


def _wanted_scopes(client: OAuthClient, scopes: Iterable[str], repairs: Grant | None) -> list[str]:
    asked = normalise_scopes(scopes)
    if repairs is not None:
        asked = normalise_scopes([*asked, *repairs.wanted_scopes])
    wanted = normalise_scopes(
        [*(asked or client.default_scopes or settings.DEFAULT_SCOPES), OPENID, EMAIL]
    )
    wrong = unknown_scopes(wanted)
    if wrong:
        raise ConsentRequestError(
            "unknown scope: "
            + "; ".join(
                f"{scope!r}, did you mean {near!r}?" if near else repr(scope)
                for scope, near in sorted(wrong.items())
            )
        )
    return list(wanted)


def _email(address: str) -> str:
    address = address.strip()
    if address:
        try:
            validate_email(address)
        except ValidationError:
            raise ConsentRequestError(f"{address!r} is not an e-mail address") from None
        if len(address) > 254:
            raise ConsentRequestError("the e-mail address is longer than 254 characters")
    return address


def _plain_text(purpose: str) -> str:
    # PostgreSQL refuses NUL, and a line break has no place in a mail's subject.
    text = " ".join(purpose.replace("\x00", " ").split())
    if len(text) > 300:
        raise ConsentRequestError("the purpose is longer than 300 characters")
    return text


def _lifetime(lifetime: timedelta | None, *, direct: bool) -> timedelta:
    if lifetime is None:
        lifetime = timedelta(
            seconds=settings.DIRECT_URL_LIFETIME if direct else settings.CONSENT_LIFETIME
        )
    if lifetime <= timedelta(0):
        raise ConsentRequestError("a consent request must live longer than no time at all")
    if direct and lifetime > LONGEST_DIRECT_LIFETIME:
        raise ConsentRequestError("a direct Google URL lives 24 hours at most: send a link instead")
    return lifetime


def _local(next_url: str) -> str:
    if not next_url:
        return ""
    local = (
        next_url.startswith("/")
        and next_url.isprintable()
        and len(next_url) <= 2000
        and url_has_allowed_host_and_scheme(next_url, allowed_hosts=None)
    )
    if not local:
        raise ConsentRequestError("the page to go on to must be a path of this site")
    return next_url
