"""One decision: what does an error answer of Google mean?

Two closed tables, one for the token endpoint, one for the APIs. Rows with reasons come first, rows that go by the
status alone come last, and the first row that matches wins. What no row names is our bug (``RequestRejectedError``):
nobody loses a grant because of an answer that we do not know. To teach it a new answer, add a row with its source:

- *OAuth*: "Using OAuth 2.0 for Web Server Applications" and "Using OAuth 2.0 to Access Google APIs";
- *Calendar*: "Handle API errors" of the Google Calendar API;
- *RFC 6749*, *RFC 6750*, *RFC 7009*, *RFC 9110*;
- *seen*: observed in public reports, not promised by Google.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from .error_bodies import Findings, read_error
from .errors import (
    AlreadyGoneError,
    AnswerError,
    ClientBrokenError,
    ConflictError,
    CursorDeadError,
    ExchangeRejectedError,
    GoogleError,
    GrantDeadError,
    ListUnavailableError,
    PolicyError,
    PreconditionError,
    RequestRejectedError,
    ScopeMissingError,
    ThrottledError,
    ThrottleScope,
    TokenRejectedError,
    TransientError,
)

HOUR = 3600.0
_REFUSED = range(400, 500)
_SERVER_TROUBLE = range(500, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One known answer, and what it means."""

    reasons: frozenset[str] = frozenset()
    """One of these must be among the answer's reasons; empty: the status alone decides."""
    statuses: Collection[int] = _REFUSED
    error: type[GoogleError]
    source: str
    silent: bool = False
    """Matches only an answer that gives no reason, such as a front end's HTML page."""
    cursor: bool = False
    """Matches only if the request carried a sync or page token."""
    scope: ThrottleScope = "user"
    wait: float | None = None
    """Seconds to wait when the server names none."""


def _any(*reasons: str) -> frozenset[str]:
    return frozenset(reasons)


TOKEN_ROWS: tuple[Row, ...] = (
    Row(
        reasons=_any("invalid_client", "deleted_client", "disabled_client", "unauthorized_client"),
        error=ClientBrokenError,
        source="RFC 6749 §5.2; OAuth, Errors; Manage OAuth Clients",
    ),
    Row(
        reasons=_any("admin_policy_enforced", "access_not_configured"),
        error=PolicyError,
        source="OAuth, Authorization errors",
    ),
    # A 5xx that says invalid_grant is no evidence: only a refusal may end a grant.
    Row(reasons=_any("invalid_grant"), error=GrantDeadError, source="RFC 6749 §5.2; OAuth"),
    Row(
        reasons=_any("redirect_uri_mismatch", "invalid_request", "invalid_scope"),
        error=RequestRejectedError,
        source="RFC 6749 §5.2; OAuth, Errors",
    ),
    Row(
        reasons=_any("unsupported_grant_type"),
        error=RequestRejectedError,
        source="RFC 6749 §5.2",
    ),
    Row(
        reasons=_any("internal_failure", "server_error", "temporarily_unavailable"),
        statuses=range(400, 600),
        error=TransientError,
        source="seen; google-auth retries these",
    ),
    Row(statuses=(403,), silent=True, error=TransientError, source="seen: HTML, automated queries"),
    Row(statuses=(408, 429), error=TransientError, source="RFC 9110 §15.5.9; RFC 6585 §4"),
    Row(statuses=_SERVER_TROUBLE, error=TransientError, source="RFC 9110 §15.6"),
)
"""Answers of the token and revocation endpoints."""

EXCHANGE_ROWS: tuple[Row, ...] = (
    Row(reasons=_any("invalid_grant"), error=ExchangeRejectedError, source="RFC 6749 §5.2; seen"),
    *TOKEN_ROWS,
)
"""Answers to a code exchange: there, ``invalid_grant`` speaks of the code and of nobody's grant."""

API_ROWS: tuple[Row, ...] = (
    Row(
        reasons=_any("userRateLimitExceeded"),
        error=ThrottledError,
        source="Calendar, 403: User rate limit exceeded",
    ),
    Row(
        reasons=_any("rateLimitExceeded", "RATE_LIMIT_EXCEEDED"),
        error=ThrottledError,
        source="Calendar, 403 and 429: Rate limit exceeded",
    ),
    Row(
        reasons=_any("quotaExceeded"),
        error=ThrottledError,
        scope="user_hours",
        wait=4 * HOUR,
        source="Calendar, 403: Calendar usage limits exceeded",
    ),
    Row(
        reasons=_any("dailyLimitExceeded", "dailyLimitExceededUnreg"),
        error=ThrottledError,
        scope="client",
        wait=HOUR,
        source="seen: legacy daily quota",
    ),
    Row(
        reasons=_any(
            "accessNotConfigured", "SERVICE_DISABLED", "BILLING_DISABLED", "CONSUMER_SUSPENDED"
        ),
        error=ClientBrokenError,
        source="seen: the API is off in the client's project",
    ),
    Row(
        reasons=_any(
            "insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficient_scope"
        ),
        error=ScopeMissingError,
        source="RFC 6750 §3.1; seen",
    ),
    Row(
        reasons=_any("domainPolicy", "admin_policy_enforced"),
        error=PolicyError,
        source="seen; OAuth, Authorization errors",
    ),
    Row(
        reasons=_any("CREDENTIALS_MISSING", "required"),
        statuses=(401, 403),
        error=RequestRejectedError,
        source="seen: no credentials sent",
    ),
    Row(
        reasons=_any("authError", "invalid_token", "UNAUTHENTICATED"),
        statuses=(401,),
        error=TokenRejectedError,
        source="Calendar, 401: Invalid credentials; RFC 6750 §3.1",
    ),
    Row(
        reasons=_any("fullSyncRequired", "updatedMinTooLongAgo"),
        statuses=(400, 410),
        error=CursorDeadError,
        source="Calendar, 410: Gone",
    ),
    Row(
        reasons=_any("deleted"),
        statuses=(410,),
        error=AlreadyGoneError,
        source="Calendar, 410: Gone",
    ),
    Row(
        reasons=_any("conditionNotMet"),
        statuses=(412,),
        error=PreconditionError,
        source="Calendar, 412: Precondition failed",
    ),
    Row(
        reasons=_any("duplicate", "conflict"),
        statuses=(409,),
        error=ConflictError,
        source="Calendar, 409",
    ),
    Row(
        reasons=_any("forbiddenForNonOrganizer"),
        error=RequestRejectedError,
        source="Calendar, 403: Forbidden for non-organizer",
    ),
    Row(
        reasons=_any("forbidden", "requiredAccessLevel"),
        statuses=(403,),
        error=ListUnavailableError,
        source="seen: no right on this calendar",
    ),
    Row(
        reasons=_any("pushNotSupportedForRequestedResource"),
        error=RequestRejectedError,
        source="seen: generated calendars",
    ),
    Row(
        reasons=_any("backendError", "internalError"),
        statuses=(403, *_SERVER_TROUBLE),
        error=TransientError,
        source="Calendar, 500: Backend error",
    ),
    # A token that Google finds malformed is refused as a bad request: one full run answers whether it was the token.
    Row(statuses=(400, 410), cursor=True, error=CursorDeadError, source="Calendar, 400 and 410"),
    Row(statuses=(400,), error=RequestRejectedError, source="Calendar, 400: Bad request"),
    Row(statuses=(401,), error=TokenRejectedError, source="Calendar, 401"),
    Row(statuses=(403,), silent=True, error=TransientError, source="seen: front end's HTML page"),
    Row(statuses=(403, 404, 410), error=ListUnavailableError, source="Calendar, 403, 404 and 410"),
    Row(statuses=(409,), error=ConflictError, source="Calendar, 409"),
    Row(statuses=(412,), error=PreconditionError, source="Calendar, 412"),
    Row(statuses=(429,), error=ThrottledError, source="Calendar, 429: Too many requests"),
    Row(statuses=(408, *_SERVER_TROUBLE), error=TransientError, source="Calendar, 500; RFC 9110"),
    # We send no If-None-Match, so "not modified" answers a question that nobody asked.
    Row(statuses=(304,), error=AnswerError, source="RFC 9110 §15.4.5"),
)
"""Answers of the Calendar API and of userinfo."""


def token_error(status: int, headers: Mapping[str, str], body: bytes) -> GoogleError:
    """What a refused refresh or revocation means."""
    return _judge(TOKEN_ROWS, read_error(status, headers, body), cursor_sent=False)


def exchange_error(status: int, headers: Mapping[str, str], body: bytes) -> GoogleError:
    """What a refused code exchange means."""
    return _judge(EXCHANGE_ROWS, read_error(status, headers, body), cursor_sent=False)


def api_error(
    status: int, headers: Mapping[str, str], body: bytes, *, cursor_sent: bool
) -> GoogleError:
    """What a refused API call means; ``cursor_sent`` if it carried a sync or page token."""
    return _judge(API_ROWS, read_error(status, headers, body), cursor_sent=cursor_sent)


def _judge(rows: Sequence[Row], findings: Findings, *, cursor_sent: bool) -> GoogleError:
    row = next((row for row in rows if _matches(row, findings, cursor_sent=cursor_sent)), None)
    error = row.error if row else RequestRejectedError
    decisive = row.reasons if row else frozenset()
    codes = [reason for reason in findings.reasons if reason in decisive or not decisive]
    wait = findings.retry_after
    if wait is None and row:
        wait = row.wait
    verdict = error(
        status=findings.status,
        code=codes[0] if codes else "",
        subtype=findings.subtype,
        reasons=findings.reasons,
        retry_after=wait,
        activation_url=findings.activation_url,
    )
    if isinstance(verdict, ThrottledError) and row:
        verdict.scope = _throttle_scope(row, findings)
    return verdict


def _matches(row: Row, findings: Findings, *, cursor_sent: bool) -> bool:
    return (
        findings.status in row.statuses
        and (not row.reasons or not row.reasons.isdisjoint(findings.reasons))
        and not (row.silent and findings.reasons)
        and not (row.cursor and not cursor_sent)
    )


def _throttle_scope(row: Row, findings: Findings) -> ThrottleScope:
    # The same reason is given for a user's and for the project's minute; only the quota's name tells them apart.
    if row.scope == "user" and findings.quota_limit and "user" not in findings.quota_limit.lower():
        return "client"
    return row.scope
