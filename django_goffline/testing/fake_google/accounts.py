"""Accounts, OAuth clients, and everything issued to them: plain values, no rules.

Mutable where time or a person changes them; every secret is left out of the representation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

TESTING = "testing"
PRODUCTION = "production"


@dataclass(slots=True, kw_only=True)
class Account:
    """A Google account. ``sub`` never changes; ``email`` is the account's address."""

    sub: str
    email: str
    name: str
    hosted_domain: str | None = None
    # A suspended or deleted account: refreshes and API calls fail.
    blocked: bool = False
    # Cloud session control asks for a new sign-in: the error_subtype of refreshes until consent.
    rapt_subtype: str | None = None
    # Whether this person sees a checkbox per scope; domain-wide trust turns it off.
    granular: bool = True
    # Time-based access: how long the next consent of this person lasts. None: no limit.
    access_lifetime: timedelta | None = None

    @property
    def given_name(self) -> str:
        """The first word of the name."""
        return self.name.partition(" ")[0]

    @property
    def family_name(self) -> str:
        """The rest of the name."""
        return self.name.partition(" ")[2]


@dataclass(slots=True, kw_only=True)
class FakeClient:
    """An OAuth client of a project. ``kind`` is ``web`` or ``installed``.

    ``secrets`` are the enabled ones, newest last: two at most, while one is being rotated.
    ``test_users`` None lets every account into a project in Testing. ``internal_to`` is the
    Workspace domain that an internal app belongs to.
    """

    client_id: str
    kind: str
    redirect_uris: list[str]
    project_id: str
    publishing_status: str
    secrets: list[str] = field(repr=False)
    test_users: set[str] | None = None
    internal_to: str | None = None
    deleted_at: datetime | None = None

    @property
    def client_secret(self) -> str:
        """The newest secret."""
        return self.secrets[-1]

    def admits(self, email: str) -> bool:
        """Whether this account may consent: in Testing, only those on the list."""
        listed = self.test_users is None or email in self.test_users
        return listed or self.publishing_status != TESTING


@dataclass(slots=True, kw_only=True)
class AuthorizationRequest:
    """A valid authorization request: what the consent page is about, then what the code is bound to."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    code_challenge: str | None = field(default=None, repr=False)
    code_challenge_method: str = "plain"
    offline: bool = False
    prompts: frozenset[str] = frozenset()
    include_granted_scopes: bool = False
    login_hint: str | None = None
    opened_at: datetime


@dataclass(slots=True, kw_only=True)
class Code:
    """An authorization code, bound to its request and to the account that agreed.

    ``with_refresh_token`` was decided at consent; ``lifetime`` is time-based access.
    """

    value: str = field(repr=False)
    request: AuthorizationRequest
    sub: str
    scopes: frozenset[str]
    issued_at: datetime
    with_refresh_token: bool
    lifetime: timedelta | None = None
    redeemed: bool = False


@dataclass(slots=True, kw_only=True)
class RefreshToken:
    """A refresh token: alive until ``died_at``, ``expires_at``, or six months without use."""

    value: str = field(repr=False)
    sub: str
    client_id: str
    project_id: str
    scopes: frozenset[str]
    issued_at: datetime
    last_used_at: datetime
    expires_at: datetime | None = None
    died_at: datetime | None = None
    # The authorization code it came from, to die with a code that is used twice.
    code: str | None = field(default=None, repr=False)
    # Refused once although it lives; see the switch ``first_refresh_refused``.
    refused: bool = False


@dataclass(slots=True, kw_only=True)
class AccessToken:
    """An access token. ``offline`` tells whether a refresh token stands behind it (tokeninfo)."""

    value: str = field(repr=False)
    sub: str
    client_id: str
    project_id: str
    scopes: frozenset[str]
    expires_at: datetime
    offline: bool
    revoked: bool = False
    code: str | None = field(default=None, repr=False)


@dataclass(slots=True, kw_only=True)
class Consent:
    """What a person has granted to a project, and through which of its clients offline."""

    scopes: set[str] = field(default_factory=set)
    offline_clients: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminPolicy:
    """A Workspace administrator's restriction: of some scopes, or None for all."""

    scopes: frozenset[str] | None = None

    def blocks(self, scopes: frozenset[str]) -> bool:
        """Whether any of these scopes is restricted."""
        return self.scopes is None or bool(self.scopes & scopes)
