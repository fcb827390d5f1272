"""The consent link and its page: who asks for what, on whose behalf, before anyone goes on to Google.

GET changes nothing but "seen": mail scanners and previews open links. Only the page's POST starts an attempt.
"""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from .. import gateway
from ..conf import settings
from ..exceptions import ConsentRefusedError, ConsentRequestError, KeyRingError
from ..flows import consent
from ..log_filters import hide_address
from ..models import ConsentOutcome, ConsentRequest, database_now
from ..protocol.endpoints import host_of
from . import cookies
from .access import find_request, may_open
from .pages import logged_in_user, page, show, show_message, write_alias
from .responses import SeeOther
from .wording import in_words

#: Says that we have moved the person to the redirect URI's host: a proxy that hides the host must not turn it
#: into a loop.
MOVED = "moved"


@page
@require_safe
@sensitive_variables("token", "path")
def link(request: HttpRequest, token: str) -> HttpResponseBase:
    """The address that was sent: puts its token into a cookie and goes on to a clean address."""
    moved = MOVED in request.GET
    path = request.path
    hide_address(request, token)
    using = write_alias()
    asked = consent.see(token, now=database_now(using), using=using)
    if asked is None:
        return show_message(request, "unknown_link")
    elsewhere = "" if moved else _address_elsewhere(request, asked, path)
    if elsewhere:
        return SeeOther(elsewhere)
    response = SeeOther(reverse("goffline:connect", args=[asked.public_id]))
    cookies.remember_link(request, response, token)
    return response


@page
@require_http_methods(["GET", "HEAD", "POST"])
@csrf_protect
def connect(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """The page of a request, for whoever holds its link; POST goes on to Google."""
    using = write_alias()
    now = database_now(using)
    asked = find_request(public_id, using=using)
    user = logged_in_user(request)
    if asked is None or not may_open(request, asked, user):
        return show_message(request, "not_yours")
    state = consent.link_state(asked, now)
    if state != consent.LinkState.OPEN:
        return show_message(request, state.value)
    problem = consent.login_problem(asked, user)
    if problem == "login_needed":
        return redirect_to_login(request.get_full_path())
    if problem:
        return show_message(request, problem)
    if request.method == "POST":
        return _go_on(request, asked, user)
    return _ask(request, asked)


@sensitive_variables("browser_id", "url")
def _go_on(
    request: HttpRequest, asked: ConsentRequest, user: AbstractBaseUser | None
) -> HttpResponse:
    using = write_alias()
    browser_id = cookies.browser_id(request) or cookies.new_browser_id()
    try:
        url = consent.open(
            asked, browser_id=browser_id, user=user, now=database_now(using), using=using
        )
    except ConsentRefusedError as refused:
        return show_message(request, refused.code)
    except (ConsentRequestError, KeyRingError):
        return show_message(request, "misconfigured")
    response = SeeOther(url)
    cookies.remember_browser(request, response, browser_id)
    return response


def _ask(request: HttpRequest, asked: ConsentRequest) -> HttpResponse:
    return show(
        request,
        "connect",
        {
            "consent_request": asked,
            "site": host_of(str(settings.BASE_URL)) or request.get_host(),
            "person": asked.user,
            "scopes": in_words(asked.scopes),
            "refused_before": asked.outcome == ConsentOutcome.REFUSED,
        },
        form_origin=gateway.endpoints().authorization_origin(
            legacy=asked.client.authorization_style == asked.client.AuthorizationStyle.LEGACY
        ),
    )


@sensitive_variables("path")
def _address_elsewhere(request: HttpRequest, asked: ConsentRequest, path: str) -> str:
    """The same page on the redirect URI's host, if that is another.

    Google's answer comes there, and our cookies must be there by then.
    """
    try:
        there = urlsplit(gateway.redirect_uri(asked.client))
    except ConsentRequestError:
        return ""
    here = f"{request.scheme}://{request.get_host()}"
    if host_of(there.geturl()) in ("", host_of(here)):
        return ""
    return f"{there.scheme}://{there.netloc}{path}?{MOVED}=1"
