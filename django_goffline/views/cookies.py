"""The two cookies of our pages.

- *browser*: one random id a browser, hashed into each attempt. It proves that the person who comes back from
  Google is the one who set out (RFC 9700 §4.7); many tabs and links share it.
- *links*: the tokens of the links opened last, so that no address of ours carries one.

Both are HttpOnly and SameSite=Lax: Google's answer is a top-level navigation, with which Lax cookies travel.
On https they are Secure and carry the prefix ``__Host-``, so that no sibling subdomain can plant them (RFC
6265bis §4.1.3.2).
"""

from __future__ import annotations

import re
import secrets

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ..conf import settings

# "token" in their names: Django hides the values of such cookies in its error reports.
BROWSER = "goffline_browser_token"
LINKS = "goffline_link_tokens"
#: Links that one browser may have in hand at once; the oldest make room.
MOST_LINKS = 8
#: A browser stays the same for as long as an attempt may take, and its results are worth reading.
BROWSER_SECONDS = 7 * 86400

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")


def browser_id(request: HttpRequest) -> str:
    """The browser's id, or an empty string for one that has none yet."""
    value = request.COOKIES.get(_name(request, BROWSER), "")
    return value if _TOKEN.fullmatch(value) else ""


def new_browser_id() -> str:
    """A fresh id, of 256 bits."""
    return secrets.token_urlsafe(32)


def remember_browser(request: HttpRequest, response: HttpResponseBase, value: str) -> None:
    """Hand ``value`` to the browser, or prolong it."""
    _set(request, response, BROWSER, value, max_age=BROWSER_SECONDS)


def link_tokens(request: HttpRequest) -> list[str]:
    """Tokens of the links that this browser opened, the latest first."""
    value = request.COOKIES.get(_name(request, LINKS), "")
    return [token for token in value.split(".") if _TOKEN.fullmatch(token)][:MOST_LINKS]


def remember_link(request: HttpRequest, response: HttpResponseBase, token: str) -> None:
    """Put ``token`` in front of the browser's links, until the browser closes."""
    others = [other for other in link_tokens(request) if other != token]
    _set(request, response, LINKS, ".".join([token, *others][:MOST_LINKS]), max_age=None)


def _is_https(request: HttpRequest) -> bool:
    # Behind a proxy that Django was not told of, the request seems to be plain http; the setting knows better.
    return request.is_secure() or str(settings.BASE_URL).startswith("https://")


def _name(request: HttpRequest, name: str) -> str:
    return f"__Host-{name}" if _is_https(request) else name


def _set(
    request: HttpRequest, response: HttpResponseBase, name: str, value: str, *, max_age: int | None
) -> None:
    response.set_cookie(
        _name(request, name),
        value,
        max_age=max_age,
        path="/",
        secure=_is_https(request),
        httponly=True,
        samesite="Lax",
    )
