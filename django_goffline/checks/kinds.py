"""Kinds and ranges of the settings: one closed table, one small function a kind.

Each function takes a value and returns what is wrong with it, as the end of a sentence, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from ..protocol.endpoints import GOOGLE, Endpoints
from ..protocol.scopes import unknown_scopes

Kind = Callable[[Any], str | None]


def text(value: Any) -> str | None:
    """A string."""
    return None if isinstance(value, str) else "must be a string"


def flag(value: Any) -> str | None:
    """True or False."""
    return None if isinstance(value, bool) else "must be True or False"


def _is_list_of_text(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, (str, bytes))
        and all(isinstance(item, str) for item in value)
    )


def texts(value: Any) -> str | None:
    """A list of strings; the usual mistake is one string."""
    return None if _is_list_of_text(value) else "must be a list of strings"


def scopes(value: Any) -> str | None:
    """A list of scopes that Google knows."""
    if not _is_list_of_text(value):
        return "must be a list of scopes"
    for scope, near in unknown_scopes(value).items():
        return f"holds {scope!r}, which is no scope" + (f"; did you mean {near!r}?" if near else "")
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def seconds(*, most: float | None = None) -> Kind:
    """A number of seconds above 0, and at most ``most``."""

    def problem(value: Any) -> str | None:
        if not _is_number(value) or not value > 0:
            return "must be a number of seconds above 0"
        if most is not None and value > most:
            return f"must be at most {most:.0f} seconds"
        return None

    return problem


def whole(*, least: int, most: int | None = None) -> Kind:
    """A whole number from ``least`` to ``most``."""

    def problem(value: Any) -> str | None:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            return f"must be a whole number of at least {least}"
        if most is not None and value > most:
            return f"must be at most {most}"
        return None

    return problem


def one_of(*choices: str) -> Kind:
    """One of some words."""

    def problem(value: Any) -> str | None:
        return None if value in choices else f"must be one of {', '.join(map(repr, choices))}"

    return problem


def intervals(value: Any) -> str | None:
    """Seconds, or a mapping of resource name to seconds."""
    if not isinstance(value, Mapping):
        return (
            "must be a number of seconds above 0, or a mapping of resource name to that"
            if seconds()(value)
            else None
        )
    for name, interval in value.items():
        if not isinstance(name, str) or seconds()(interval):
            return f"must map resource names to numbers of seconds above 0, not {name!r} to {interval!r}"
    return None


def days_around(value: Any) -> str | None:
    """Two whole numbers of days: back and ahead."""
    pair = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2
    if not pair or any(whole(least=0, most=3660)(day) for day in value):
        return "must be two whole numbers of days from 0 to 3660: back and ahead"
    return None


def _is_url(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def addresses(value: Any) -> str | None:
    """None, one base URL, or a mapping of fields of ``Endpoints``."""
    if value is None or _is_url(value):
        return None
    if not isinstance(value, Mapping):
        return "must be None, a URL that begins with https:// or http://, or a mapping of endpoints"
    names = {field.name for field in fields(Endpoints)}
    for name, url in value.items():
        if name not in names:
            return f"has {name!r}, which is not one of {', '.join(sorted(names))}"
        if name == "issuer_aliases":
            if not _is_list_of_text(url):
                return "must have a list of strings as 'issuer_aliases'"
        elif name != "issuer" and not _is_url(url):
            return f"must have a URL that begins with https:// or http:// as {name!r}"
    if not value.get("calendar", GOOGLE.calendar).endswith("/"):
        return "must have a 'calendar' that ends with a slash"
    return None


KINDS: dict[str, Kind] = {
    "ALLOW_FOREIGN_ENDPOINTS": flag,
    "ATTEMPT_LIFETIME": seconds(most=86400),
    "BASE_URL": text,
    "CHUNK_SIZE": whole(least=1, most=10_000),
    "CONCURRENCY": whole(least=1, most=1000),
    "CONSENT_LIFETIME": seconds(),
    "CONSENT_LOGIN": one_of("addressed", "any", "off"),
    "DEFAULT_SCOPES": scopes,
    "DIRECT_URL_LIFETIME": seconds(most=86400),
    "DRAIN_SECONDS": seconds(),
    "ENCRYPTION_KEYS": texts,
    "ENDPOINTS": addresses,
    "HTTP_TIMEOUT": seconds(),
    # Google forgets a refresh token that was not used for six months.
    "KEEP_ALIVE": seconds(most=150 * 86400),
    "KEEP_ACTIVITY_DAYS": whole(least=1),
    "KEEP_METRICS_DAYS": whole(least=1),
    "KEEP_REMOVED_DAYS": whole(least=1),
    "LEASE_SECONDS": seconds(),
    "MAX_DRAINS": whole(least=1),
    "OCCURRENCE_WINDOW": days_around,
    "PULL_EVERY": intervals,
    "QUEUE": text,
    # An access token lives an hour.
    "REFRESH_AHEAD": seconds(most=3000),
    "TICK_EVERY": seconds(),
}
"""Every setting's kind; a test holds it against ``conf.NAMES``."""
