"""The life of a grant: (facts, outcome, now) → decision. Pure: no clock, no chance, no database.

``protocol/verdicts.py`` says what an answer means; this module says what follows for the grant. The rules: only
``invalid_grant`` on a refresh is evidence of a grant's death, and a single one is confirmed some minutes later; a
client's failure blames no user; everything else backs off with jitter. Nothing is ever deleted because of an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .protocol.errors import (
    ClientBrokenError,
    GoogleError,
    GrantDeadError,
    PolicyError,
    ThrottledError,
)
from .protocol.oauth import TokenReply
from .protocol.scopes import EMAIL, OPENID, PROFILE

ACTIVE = "active"
PAUSED = "paused"
NEEDS_CONSENT = "needs_consent"
REVOKED = "revoked"

CONFIRMING = "confirming"
"""Reason of an active grant whose refresh met one ``invalid_grant``, to be confirmed once."""

CONFIRM_AFTER = timedelta(minutes=5)
POLICY_RETRY = timedelta(days=1)
CLIENT_RETRY = timedelta(minutes=10)
BACKOFF_BASE = timedelta(seconds=30)
BACKOFF_CAP = timedelta(hours=1)
TESTING_LIFETIME = timedelta(days=7)
SIX_MONTHS = timedelta(days=180)
TOKEN_LIFETIME = timedelta(hours=1)
"""Of an access token at Google."""
SHORTEST_WAIT = timedelta(minutes=1)
DEADLINE_TOLERANCE = timedelta(hours=1)
"""How far from its announced end a consent may die and still have died of it."""

# OAuth's error_subtype of a session that the Workspace's own policy ended: no doubt to confirm.
_SESSION_ENDED = frozenset({"invalid_rapt", "rapt_required"})
_IDENTITY = frozenset({OPENID, EMAIL, PROFILE})
_GMAIL = ("https://mail.google.com/", "https://www.googleapis.com/auth/gmail.")


CAUSES = {
    "workspace_session": "The Google Workspace's session-length policy asks for a new sign-in.",
    "testing_status": "The Google project has the publishing status Testing, where consent ends after seven days.",
    "time_limited": "The person gave access for a limited time, which is over.",
    "unused": "The grant was not used for six months.",
    "revoked_by_person": (
        "The person has probably withdrawn access in their Google account, or the account was closed."
    ),
    "password_changed": "The person changed their password, which ends access to Gmail.",
    "too_many_tokens": "The account has more than a hundred grants for this client; Google drops the oldest.",
    "admin_policy": "A Google Workspace administrator blocks this app or service.",
}
"""Why a refresh token dies, as a sentence for each code."""

NEXT_STEPS = {
    "workspace_session": (
        "Ask the Workspace's administrator to exempt this app from the session length, then send a new consent link."
    ),
    "testing_status": "Publish the app in Google's console (Audience), then send a new consent link.",
    "time_limited": "Send a new consent link.",
    "unused": "Send a new consent link, and keep the beat running: it refreshes idle grants in time.",
    "revoked_by_person": "Ask the person, and send a new consent link if they agree.",
    "password_changed": "Send a new consent link.",
    "too_many_tokens": "Send a new consent link.",
    "admin_policy": "Ask the Workspace's administrator to allow the client; the grant is tried again daily.",
}
"""What the operator does about each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFacts:
    """What is known of an active grant when an outcome arrives."""

    reason: str = ""
    failure_streak: int = 0
    authorized_at: datetime | None = None
    refreshed_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    used_at: datetime | None = None
    granted_scopes: tuple[str, ...] = ()
    """As Google granted them; empty counts as unknown."""
    client_in_testing: bool = False
    """Whether the client's project has the publishing status Testing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Why a grant probably died, and the one thing to do next. English; whoever shows it translates."""

    causes: tuple[str, ...]
    """Stable codes, the likeliest first; ``CAUSES`` has a sentence for each."""
    next_step: str

    @property
    def text(self) -> str:
        """The likeliest cause and the next step, to be stored and read."""
        return f"{CAUSES[self.causes[0]]} {self.next_step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshDecision:
    """What is to be written after a refresh, and whom else it concerns. Tokens are kept whatever it says."""

    state: str = ACTIVE
    reason: str = ""
    diagnosis: str = ""
    due_at: datetime | None = None
    """None: not by itself any more."""
    failure_streak: int = 0
    error_kind: str = ""
    hold_client_until: datetime | None = None
    """No call for any grant of the client before."""
    hold_grant_until: datetime | None = None
    """No call for this grant before."""
    pause_client_reason: str = ""
    """Not empty: the client is broken, and waits for its operator."""

    @property
    def lost(self) -> bool:
        """Whether the grant needs its person."""
        return self.state == NEEDS_CONSENT


def backoff(
    streak: int,
    *,
    uniform: float,
    retry_after: float | None = None,
    base: timedelta = BACKOFF_BASE,
    cap: timedelta = BACKOFF_CAP,
) -> timedelta:
    """Wait after ``streak`` failures in a row: truncated exponential, half of it jitter; never less than Retry-After.

    ``uniform`` is drawn from [0, 1) by the caller.
    """
    full = min(base * 2.0 ** min(max(streak - 1, 0), 20), cap)
    wait = full * (0.5 + uniform / 2)
    return max(wait, timedelta(seconds=(retry_after or 0.0) * (1 + uniform / 10)))


def next_pull(interval: timedelta, *, now: datetime, uniform: float) -> datetime:
    """When a pull that succeeded is due again: its interval, varied by 25 % (Calendar API, "Usage limits")."""
    return now + interval * (0.75 + uniform / 2)


def next_refresh(
    expires_at: datetime | None,
    *,
    used_at: datetime | None,
    now: datetime,
    keep_alive: timedelta,
    refresh_ahead: timedelta,
    uniform: float,
) -> datetime:
    """When a refreshed grant is due again: ahead of expiry if it is in use, else to be kept alive.

    A million idle grants must not cost twenty-four million calls a day.
    """
    in_use = used_at is not None and used_at > now - TOKEN_LIFETIME
    if in_use and expires_at is not None:
        # A token that lives shorter than we look ahead must not be refreshed without a pause.
        return max(expires_at - refresh_ahead, now + (expires_at - now) / 2, now + SHORTEST_WAIT)
    return now + keep_alive * (0.75 + uniform / 2)


def decide_refresh(
    facts: GrantFacts,
    outcome: TokenReply | GoogleError,
    *,
    now: datetime,
    keep_alive: timedelta,
    refresh_ahead: timedelta,
    uniform: float,
) -> RefreshDecision:
    """What follows from a refresh of an active grant. ``uniform`` is drawn from [0, 1) by the caller."""
    if isinstance(outcome, TokenReply):
        return RefreshDecision(
            due_at=next_refresh(
                outcome.expires_at,
                used_at=facts.used_at,
                now=now,
                keep_alive=keep_alive,
                refresh_ahead=refresh_ahead,
                uniform=uniform,
            )
        )
    streak = facts.failure_streak + 1
    failing = RefreshDecision(
        reason=facts.reason if facts.reason == CONFIRMING else "",
        failure_streak=streak,
        error_kind=outcome.kind,
        due_at=now + backoff(streak, uniform=uniform, retry_after=outcome.retry_after),
    )
    if isinstance(outcome, GrantDeadError):
        return _after_invalid_grant(facts, outcome, failing, now=now, uniform=uniform)
    if isinstance(outcome, PolicyError):
        return replace(
            failing,
            reason="admin_policy",
            diagnosis=f"{CAUSES['admin_policy']} {NEXT_STEPS['admin_policy']}",
            due_at=now + POLICY_RETRY * (1 + uniform / 10),
        )
    if isinstance(outcome, ClientBrokenError):
        # The operator's problem: the grant keeps its record clean.
        return RefreshDecision(
            reason=facts.reason,
            failure_streak=facts.failure_streak,
            due_at=now + CLIENT_RETRY * (1 + uniform),
            pause_client_reason=outcome.code or outcome.kind,
        )
    if isinstance(outcome, ThrottledError):
        if outcome.scope == "client":
            return replace(failing, hold_client_until=failing.due_at)
        return replace(failing, hold_grant_until=failing.due_at)
    return failing


def diagnose(facts: GrantFacts, error: GoogleError, *, now: datetime) -> Diagnosis:
    """Why a grant probably died, from the error, its age and its dates.

    Source of the causes: Google's "Using OAuth 2.0 to Access Google APIs", refresh token expiration.
    """
    causes: list[str] = []
    if error.subtype in _SESSION_ENDED:
        causes.append("workspace_session")
    if _seven_days_are_over(facts, now):
        causes.append("testing_status")
    last = facts.refreshed_at or facts.authorized_at
    if last is not None and now - last >= SIX_MONTHS:
        causes.append("unused")
    if (
        facts.refresh_expires_at is not None
        and facts.refresh_expires_at <= now + DEADLINE_TOLERANCE
    ):
        causes.append("time_limited")
    causes.append("revoked_by_person")
    if any(scope.startswith(_GMAIL) for scope in facts.granted_scopes):
        causes.append("password_changed")
    causes.append("too_many_tokens")
    return Diagnosis(causes=tuple(causes), next_step=NEXT_STEPS[causes[0]])


def _seven_days_are_over(facts: GrantFacts, now: datetime) -> bool:
    if facts.authorized_at is None or (
        facts.granted_scopes and _IDENTITY.issuperset(facts.granted_scopes)
    ):
        return False
    age = now - facts.authorized_at
    # A row may not know its project's status: a death on the seventh day speaks for itself.
    on_the_day = abs(age - TESTING_LIFETIME) < timedelta(hours=12)
    return on_the_day or (facts.client_in_testing and age >= TESTING_LIFETIME)


def _after_invalid_grant(
    facts: GrantFacts,
    error: GrantDeadError,
    failing: RefreshDecision,
    *,
    now: datetime,
    uniform: float,
) -> RefreshDecision:
    if facts.reason != CONFIRMING and error.subtype not in _SESSION_ENDED:
        # Whether Google ever says it wrongly is not known: ask once more before a person is troubled.
        return replace(failing, reason=CONFIRMING, due_at=now + CONFIRM_AFTER * (1 + uniform / 5))
    diagnosis = diagnose(facts, error, now=now)
    return replace(
        failing,
        state=NEEDS_CONSENT,
        reason=diagnosis.causes[0],
        diagnosis=diagnosis.text,
        due_at=None,
    )
