"""Checks of ``settings.GOFFLINE``: names, kinds, keys, addresses."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from ..conf import NAMES, settings
from ..crypto import key_ring
from ..exceptions import KeyRingError
from ..gateway import endpoints
from ..protocol.endpoints import GOOGLE, Endpoints, host_of, is_loopback
from ..protocol.redirect_uris import redirect_uri_problem
from .kinds import KINDS


def see(id_: str) -> str:
    """Where a check is explained."""
    return f"See docs/reference/checks.md#goffline-{id_.lower()}."


def error(id_: str, message: str, hint: str) -> Error:
    """The error ``goffline.<id_>``."""
    return Error(message, hint=f"{hint} {see(id_)}", id=f"goffline.{id_}")


def warning(id_: str, message: str, hint: str) -> Warning:
    """The warning ``goffline.<id_>``."""
    return Warning(message, hint=f"{hint} {see(id_)}", id=f"goffline.{id_}")


def _given() -> Mapping[str, Any]:
    given = getattr(django_settings, "GOFFLINE", {})
    return given if isinstance(given, Mapping) else {}


def _kind_problem(name: str) -> str | None:
    return KINDS[name](_given()[name]) if name in _given() else None


@register(Tags.security)
def encryption_keys(**kwargs: Any) -> list[CheckMessage]:
    """E001, E002: without a ring of keys nothing can be stored."""
    if _kind_problem("ENCRYPTION_KEYS"):
        return []
    if not settings.ENCRYPTION_KEYS:
        return [
            error(
                "E001",
                "GOFFLINE['ENCRYPTION_KEYS'] is missing: tokens could not be stored.",
                "Print a key with `manage.py goffline_generate_key`, and put it there.",
            )
        ]
    try:
        key_ring()
    except KeyRingError as problem:
        return [
            error(
                "E002",
                f"{problem}.",
                "Print a key with `manage.py goffline_generate_key`; each entry is one whole printed line.",
            )
        ]
    return []


@register(Tags.urls)
def base_url(**kwargs: Any) -> list[CheckMessage]:
    """E003, E004, W001: the redirect URI is built from ``BASE_URL``, and Google has rules for it."""
    if _kind_problem("BASE_URL"):
        return []
    url = settings.BASE_URL
    if not url:
        return [
            warning(
                "W001",
                "GOFFLINE['BASE_URL'] is missing: consent links and redirect URIs cannot be built.",
                "Set it to the address where people reach this site, such as 'https://example.com'.",
            )
        ]
    problem = _base_url_problem(url)
    if problem is None:
        return []
    if url.startswith("http://") and not is_loopback(url):
        return [
            error(
                "E004",
                f"GOFFLINE['BASE_URL'] is {url!r}: consent would travel in clear text, and Google refuses it.",
                "Serve the site over https; plain http is for localhost.",
            )
        ]
    return [
        error(
            "E003",
            f"GOFFLINE['BASE_URL'] is {url!r}: {problem}.",
            "Set it to scheme and host, such as 'https://example.com', with a path only if the site lives below one.",
        )
    ]


def _base_url_problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "it is not a valid URL"
    if not parts.scheme or "://" not in url:
        return "it has no scheme; it must begin with https:// (or http:// on localhost)"
    if "?" in url:
        return "it must not contain a query ('?')"
    return redirect_uri_problem(url, kind="web")


def _endpoints() -> Endpoints | None:
    return None if _kind_problem("ENDPOINTS") else endpoints()


@register(Tags.security)
def insecure_endpoints(**kwargs: Any) -> list[CheckMessage]:
    """E004: secrets never travel in clear text over a network."""
    found = _endpoints()
    return [
        error(
            "E004",
            f"GOFFLINE['ENDPOINTS'] has {url!r}: tokens and the client secret would travel in clear text.",
            "Serve it over https; plain http is for localhost.",
        )
        for url in dict.fromkeys(found.insecure_urls() if found else ())
    ]


@register(Tags.security)
def foreign_endpoints(**kwargs: Any) -> list[CheckMessage]:
    """E005: tokens and the client secret go where the endpoints point to."""
    found = _endpoints()
    if found is None or found.is_google() or settings.ALLOW_FOREIGN_ENDPOINTS:
        return []
    elsewhere = (url for url in found.urls() if not is_loopback(url))
    foreign = sorted({host_of(url) for url in elsewhere} - GOOGLE.hosts())
    if not foreign:
        return []
    return [
        error(
            "E005",
            f"GOFFLINE['ENDPOINTS'] sends tokens and the client secret to {', '.join(foreign)}, which is not Google.",
            "Take ENDPOINTS out; or, if these servers are meant, set GOFFLINE['ALLOW_FOREIGN_ENDPOINTS'] to True.",
        )
    ]


@register()
def unknown_names(**kwargs: Any) -> list[CheckMessage]:
    """E006: a misspelt name would be a setting that does nothing."""
    found: list[CheckMessage] = []
    for name in sorted(map(str, _given().keys() - NAMES)):
        near = difflib.get_close_matches(name.upper(), sorted(NAMES), n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "Take it out."
        found.append(error("E006", f"GOFFLINE[{name!r}] is not a setting.", hint))
    return found


@register()
def kinds_of_values(**kwargs: Any) -> list[CheckMessage]:
    """E007: every setting has a kind, and a range where others would do harm."""
    if not isinstance(getattr(django_settings, "GOFFLINE", {}), Mapping):
        return [error("E007", "GOFFLINE is not a dict.", "Write GOFFLINE = {…} in the settings.")]
    return [
        error(
            "E007", f"GOFFLINE[{name!r}] {problem}.", "Correct it, or take it out for the default."
        )
        for name in sorted(NAMES & _given().keys())
        if (problem := _kind_problem(name))
    ]


@register()
def requests_fit_their_lease(**kwargs: Any) -> list[CheckMessage]:
    """E007: no request is sent whose deadline lies outside of the lease, so a lease must be longer than a request."""
    if _kind_problem("HTTP_TIMEOUT") or _kind_problem("LEASE_SECONDS"):
        return []
    if settings.HTTP_TIMEOUT * 2 <= settings.LEASE_SECONDS:
        return []
    return [
        error(
            "E007",
            "GOFFLINE['LEASE_SECONDS'] is less than twice HTTP_TIMEOUT: leases would end before their requests.",
            "Make LEASE_SECONDS at least twice as long as HTTP_TIMEOUT.",
        )
    ]
