"""Google's URLs as one frozen value: the only thing that a fake or a proxy replaces.

Values are those of Google's OpenID Connect discovery document and of the Calendar v3 discovery document
(https://accounts.google.com/.well-known/openid-configuration,
https://developers.google.com/workspace/calendar/api/v3/reference).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, fields
from typing import Self
from urllib.parse import urlsplit

GOOGLE_ISSUER = "https://accounts.google.com"
#: Google signs ID tokens under either spelling (OpenID Connect guide, "Validating an ID token").
GOOGLE_ISSUER_ALIASES = ("accounts.google.com",)

_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """The lower-case host of a URL, with its port unless it is the scheme's own; '' if there is none.

    Raises ``ValueError`` for a URL that cannot be taken apart.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    if host and parts.port is not None and parts.port != _DEFAULT_PORTS.get(parts.scheme):
        return f"{host}:{parts.port}"
    return host


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine: ``localhost`` or a loopback address (RFC 8252 §7.3)."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where Google is. Raises ``ValueError`` for a Calendar base without its closing slash."""

    authorization: str
    """The authorization page, v2: takes ``prompt``."""
    authorization_legacy: str
    """The authorization page, v1: takes ``approval_prompt``."""
    token: str
    """Exchanges codes and refreshes tokens."""
    revocation: str
    """Revokes a token (RFC 7009)."""
    userinfo: str
    """Tells whose token it is."""
    jwks: str
    """The public keys of the issuer."""
    calendar: str
    """Base of the Calendar API, with a closing slash."""
    issuer: str = GOOGLE_ISSUER
    """The issuer that answers carry (RFC 9207) and ID tokens are made by."""
    issuer_aliases: tuple[str, ...] = GOOGLE_ISSUER_ALIASES
    """Other spellings of the issuer that an ID token may carry."""

    def __post_init__(self) -> None:
        if not self.calendar.endswith("/"):
            raise ValueError("The Calendar endpoint must end with a slash.")

    @classmethod
    def at(
        cls,
        base_url: str,
        *,
        issuer: str = GOOGLE_ISSUER,
        issuer_aliases: tuple[str, ...] = GOOGLE_ISSUER_ALIASES,
    ) -> Self:
        """All of Google behind one base URL: a fake, or a proxy that keeps Google's paths."""
        base = base_url.rstrip("/")
        return cls(
            authorization=f"{base}/o/oauth2/v2/auth",
            authorization_legacy=f"{base}/o/oauth2/auth",
            token=f"{base}/token",
            revocation=f"{base}/revoke",
            userinfo=f"{base}/v1/userinfo",
            jwks=f"{base}/oauth2/v3/certs",
            calendar=f"{base}/calendar/v3/",
            issuer=issuer,
            issuer_aliases=issuer_aliases,
        )

    @property
    def issuers(self) -> tuple[str, ...]:
        """Every spelling of the issuer that an ID token may carry."""
        return (self.issuer, *self.issuer_aliases)

    def urls(self) -> tuple[str, ...]:
        """The endpoint URLs, in the order of the fields; names of issuers are not among them."""
        return tuple(
            getattr(self, field.name) for field in fields(self) if "issuer" not in field.name
        )

    def hosts(self) -> frozenset[str]:
        """The hosts that a token or a secret may be sent to, as ``host_of`` writes them."""
        return frozenset(host_of(url) for url in self.urls())

    def is_google(self) -> bool:
        """Whether every endpoint is Google's own, over TLS."""
        secure = all(urlsplit(url).scheme == "https" for url in self.urls())
        return secure and self.hosts() <= GOOGLE.hosts()

    def insecure_urls(self) -> tuple[str, ...]:
        """Endpoints that would carry secrets in clear text over a network."""
        return tuple(
            url for url in self.urls() if urlsplit(url).scheme != "https" and not is_loopback(url)
        )

    def authorization_origin(self, *, legacy: bool = False) -> str:
        """Scheme, host and port of the authorization page, as a Content-Security-Policy names it."""
        url = self.authorization_legacy if legacy else self.authorization
        return f"{urlsplit(url).scheme}://{host_of(url)}"


GOOGLE = Endpoints(
    authorization="https://accounts.google.com/o/oauth2/v2/auth",
    authorization_legacy="https://accounts.google.com/o/oauth2/auth",
    token="https://oauth2.googleapis.com/token",  # noqa: S106 - an address, not a password
    revocation="https://oauth2.googleapis.com/revoke",
    userinfo="https://openidconnect.googleapis.com/v1/userinfo",
    jwks="https://www.googleapis.com/oauth2/v3/certs",
    calendar="https://www.googleapis.com/calendar/v3/",
)
"""The real Google."""
