"""Credentials for Google's own client libraries (google-auth), whose refreshes go through us.

The optional extra ``google``. The object holds no refresh token and no client secret: it asks for access tokens, so
it can neither leak nor rotate what it does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiringToken:
    """An access token and its end (aware)."""

    token: str = field(repr=False)
    expires_at: datetime

    @property
    def naive_utc(self) -> datetime:
        """The end as google-auth wants it: naive, in UTC."""
        return self.expires_at.astimezone(UTC).replace(tzinfo=None)


def make_credentials(source: Callable[[str], ExpiringToken], *, scopes: Sequence[str]) -> Any:
    """A ``google.oauth2.credentials.Credentials``. ``source`` gives a token that differs from the one it is passed.

    Raises ``ImproperlyConfigured`` where google-auth is not installed.
    """
    try:
        from google.oauth2.credentials import Credentials  # noqa: PLC0415 - an optional extra; tokens work without it
    except ImportError as error:
        raise ImproperlyConfigured(
            "api.credentials() needs google-auth: pip install 'django-goffline[google]'"
        ) from error
    first = source("")
    credentials: Any = None

    def refresh_handler(request: Any, scopes: Any) -> tuple[str, datetime]:
        # google-auth asks at expiry and after a 401: either way the token that it holds is of no more use.
        fresh = source(credentials.token or "")
        return fresh.token, fresh.naive_utc

    credentials = Credentials(  # type: ignore[no-untyped-call]
        token=first.token,
        expiry=first.naive_utc,
        scopes=list(scopes),
        refresh_handler=refresh_handler,
    )
    return credentials
