"""What all our pages have in common: headers, the step out of transactions, who is here, and the plain page.

Headers: RFC 9700 §4.2.4 (no referrer, no store) and §4.16 (no framing); the policy allows our own style
sheet, no script at all, and names where forms may lead. Browsers hold redirects after a form to
``form-action`` as well, so a page with a form names Google's authorization origin. Such a page sends its
referrer to ourselves: with ``no-referrer`` the browser would post ``Origin: null``, which fails Django's CSRF
check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connections, router, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.cache import add_never_cache_headers

from ..models import Grant
from .wording import MESSAGES, Wording

View = Callable[..., HttpResponseBase]


def page(view: View) -> View:
    """A view of ours: outside of ``ATOMIC_REQUESTS`` on every database, never cached, never framed, no referrer."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        # "no-store" is what matters: a shared browser must not bring a page back.
        response.headers["Cache-Control"] = "no-store, private, max-age=0"
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        response.headers.setdefault("Content-Security-Policy", _policy(form_action=("'none'",)))
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    outside: View = guarded
    for alias in connections:
        outside = transaction.non_atomic_requests(alias)(outside)
    return outside


def write_alias() -> str:
    """The database that grants and consents are written to: flows read there as well."""
    return router.db_for_write(Grant)


def logged_in_user(request: HttpRequest) -> AbstractBaseUser | None:
    """The user who is logged in here, or None; a site may have no authentication middleware."""
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None


def show(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    form_origin: str = "",
) -> HttpResponse:
    """A page. ``form_origin`` is where its form leads in the end, by way of this site."""
    response = render(request, f"goffline/{template}.html", dict(context), status=status)
    if form_origin:
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Content-Security-Policy"] = _policy(form_action=("'self'", form_origin))
    return response


def show_message(request: HttpRequest, code: str) -> HttpResponse:
    """The plain page for ``code``, without a form and without a word about whose link it is."""
    wording: Wording = MESSAGES[code]
    return show(request, "message", {"wording": wording}, status=wording.status)


def _policy(*, form_action: tuple[str, ...]) -> str:
    styles = ["'self'"]
    # Static files may live on another host.
    elsewhere = urlsplit(static("goffline/pages.css"))
    if elsewhere.netloc:
        styles.append(f"{elsewhere.scheme or 'https'}://{elsewhere.netloc}")
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {' '.join(styles)}",
            f"form-action {' '.join(form_action)}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
