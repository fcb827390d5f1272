"""Take an error answer apart: which reasons does it give, and when may one come back?

Google writes errors in four shapes (classic Calendar, google.rpc.ErrorInfo, OAuth, and a list around one of these), in
HTML, or not at all; "Handle API errors" of the Calendar documentation shows the classic one, RFC 6749 §5.2 the OAuth
one. What comes out is a handful of short, checked words: no message text leaves this module, for messages may quote
what was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

#: No answer may hold a row back for longer than a day (seconds).
LONGEST_RETRY_AFTER = 86_400.0

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_CHALLENGE_ERROR = re.compile(r'error="([a-z_]{1,64})"')
_CONSOLE_HOSTS = frozenset({"console.developers.google.com", "console.cloud.google.com"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an error answer says, in words that are safe to store and to show."""

    status: int
    reasons: tuple[str, ...] = ()
    """Every reason found, the most specific first, without repetition."""
    subtype: str = ""
    """OAuth's ``error_subtype``."""
    quota_limit: str = ""
    """The name of the quota that was exceeded, such as ``defaultPerMinutePerUser``."""
    activation_url: str = ""
    """Where the operator can enable the API; only ever a page of Google's console."""
    retry_after: float | None = None
    """Seconds that the server asks us to wait."""


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> Findings:
    """Collect what an error answer says; never raises, whatever the body is."""
    lowered = {name.lower(): value for name, value in headers.items()}
    document = _document(body)
    error = document.get("error")
    reasons: list[str] = []
    quota_limit = activation_url = ""
    if isinstance(error, dict):
        for detail in _dicts(error.get("details")):
            reasons.append(_word(detail.get("reason")))
            metadata = detail.get("metadata")
            if isinstance(metadata, dict):
                quota_limit = quota_limit or _word(metadata.get("quota_limit"))
                activation_url = activation_url or _console_url(metadata.get("activationUrl"))
        for item in _dicts(error.get("errors")):
            reasons.append(_word(item.get("reason")))
            activation_url = activation_url or _console_url(item.get("extendedHelp"))
    else:
        reasons.append(_word(error))
    reasons.extend(_CHALLENGE_ERROR.findall(lowered.get("www-authenticate", "")))
    if isinstance(error, dict):
        reasons.append(_word(error.get("status")))
    return Findings(
        status=status,
        reasons=tuple(dict.fromkeys(reason for reason in reasons if reason)),
        subtype=_word(document.get("error_subtype")),
        quota_limit=quota_limit,
        activation_url=activation_url,
        retry_after=_retry_after(lowered),
    )


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(document, list) and document:
        document = document[0]
    return document if isinstance(document, dict) else {}


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _word(value: object) -> str:
    # Only identifiers pass: a free text could quote a token or a code that we sent.
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _console_url(value: object) -> str:
    if not isinstance(value, str) or len(value) > 500 or not value.isprintable():
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme == "https" and parts.netloc in _CONSOLE_HOSTS else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER)
    # A date is read against the server's own Date header: nobody's clock but the server's takes part.
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, IndexError):
        return None
    return min(max(wait.total_seconds(), 0.0), LONGEST_RETRY_AFTER)
