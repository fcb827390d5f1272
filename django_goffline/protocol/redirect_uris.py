"""Google's rules for redirect URIs, so that a wrong one is named here and not on Google's error page.

What takes a list that Google keeps is left to Google: public suffixes beyond the well-known private endings, and URL
shorteners. Source: "Using OAuth 2.0 for Web Server Applications", redirect URI validation rules; RFC 8252 §7.3 for
installed clients.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

#: Endings that are on no public suffix list, so that Google refuses them.
PRIVATE_ENDINGS = (
    ".local",
    ".test",
    ".internal",
    ".localhost",
    ".lan",
    ".home",
    ".corp",
    ".example",
    ".invalid",
    ".localdomain",
)

_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]")
_CLIMBING = re.compile(r"(?:/|\\|%2f|%5c)(?:\.|%2e){2}", re.IGNORECASE)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def redirect_uri_problem(uri: str, *, kind: str) -> str | None:
    """Which rule of Google's ``uri`` breaks for a client of ``kind`` (``web`` or ``installed``); None if none."""
    if not uri or _NOT_PRINTABLE.search(uri):
        return "it must consist of printable ASCII characters"
    if uri.startswith("urn:ietf:wg:oauth:2.0:oob"):
        return "it must be an address: Google no longer supports the out-of-band form"
    if "*" in uri or "\\" in uri or "%00" in uri or _BAD_PERCENT.search(uri):
        return "it must not contain '*', a backslash, a NUL, or an invalid percent-encoding"
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "it is not a valid URL"
    if parts.scheme not in ("http", "https"):
        return "it must begin with https:// (or http:// on localhost)"
    if not host:
        return "it must name a host"
    if parts.fragment or uri.endswith("#"):
        return "it must not contain a fragment ('#')"
    if "@" in parts.netloc:
        return "it must not contain a user name or password"
    if _CLIMBING.search(parts.path):
        return "its path must not contain '/..'"
    if kind == "installed":
        return (
            None
            if host in _LOCAL
            else "an installed client's must be on 127.0.0.1, [::1] or localhost"
        )
    if host in _LOCAL:
        return None
    return _public_host_problem(parts.scheme, host)


def _public_host_problem(scheme: str, host: str) -> str | None:
    if scheme != "https":
        return "it must use https, except on localhost"
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return "its host must not be an IP address, except a loopback one"
    if "." not in host.strip(".") or host.endswith(PRIVATE_ENDINGS):
        return "its host must end in a public top-level domain"
    if host == "googleusercontent.com" or host.endswith(".googleusercontent.com"):
        return "its host must not be googleusercontent.com"
    return None
