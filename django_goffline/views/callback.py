"""The callback: Google's answer comes in, and is taken out of the address at once.

It shows nothing of what happened: whatever became of an attempt is read at its result page, where the address
is clean. A request that belongs to no attempt of this browser gets a plain page, and costs one look-up.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET

from ..exceptions import ConsentRefusedError
from ..flows import consent
from ..log_filters import hide_address
from ..models import ConsentAttempt, database_now
from . import cookies
from .pages import logged_in_user, page, show_message, write_alias
from .responses import SeeOther

#: Google sends nine parameters at most; more is no answer of Google's.
MOST_PARAMETERS = 50


@page
@require_GET
@sensitive_variables("answer", "browser_id")
def callback(request: HttpRequest) -> HttpResponseBase:
    """Take Google's answer to an attempt; 303 to the attempt's result page.

    400 for a damaged address or an unknown state, 403 in another browser than the one that set out.
    """
    answer = _read(request.META.get("QUERY_STRING", ""))
    hide_address(request)
    if _is_ahead_of_time(request):
        return show_message(request, "not_now")
    if answer is None:
        return show_message(request, "malformed")
    using = write_alias()
    browser_id = cookies.browser_id(request) or cookies.new_browser_id()
    try:
        attempt = consent.complete(
            answer,
            browser_id=browser_id,
            user=logged_in_user(request),
            now=database_now(using),
            using=using,
        ).attempt
    except consent.AttemptClosedError as closed:
        attempt = closed.attempt
    except ConsentRefusedError as refused:
        return show_message(request, refused.code)
    return _to_result(request, attempt, browser_id)


@sensitive_variables("query", "pairs", "values")
def _read(query: str) -> consent.CallbackAnswer | None:
    """The answer in a query; None if a parameter is doubled (RFC 6749 §3.1) or there are too many to be Google's."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError:
        return None
    values = dict(pairs)
    if len(values) != len(pairs):
        return None
    return consent.CallbackAnswer(
        state=values.get("state", ""),
        code=values.get("code", ""),
        error=values.get("error", ""),
        error_subtype=values.get("error_subtype", ""),
        iss=values.get("iss", ""),
    )


def _is_ahead_of_time(request: HttpRequest) -> bool:
    # A browser that loads pages before anybody wants them must not use up an answer.
    purpose = request.headers.get("Sec-Purpose", "") or request.headers.get("Purpose", "")
    return "prefetch" in purpose or "prerender" in purpose


@sensitive_variables("browser_id")
def _to_result(request: HttpRequest, attempt: ConsentAttempt, browser_id: str) -> HttpResponse:
    response = SeeOther(reverse("goffline:result", args=[attempt.public_id]))
    cookies.remember_browser(request, response, browser_id)
    return response
