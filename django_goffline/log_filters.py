"""Keeps what the callback and the consent links carry in their addresses out of logs and error reports.

Google's answer brings ``code`` and ``state`` in the query, a consent link its token in the path. Web servers
and Django's loggers write addresses down. There are two guards:

- ``hide_address`` takes the secrets out of a request itself, first thing in our views: whatever reports on
  that request afterwards (``django.request``, mails to admins, Sentry) finds a mask.
- ``RedactQuery`` is a logging filter for what is written before or around our views, such as
  ``django.server``. Put it on the handlers, so that it sees the records of every logger::

    LOGGING = {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redact_query": {"()": "django_goffline.log_filters.RedactQuery"}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "filters": ["redact_query"]},
        },
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        },
    }

A web server or proxy in front of Django keeps a log of its own; ``docs/howto/deploy`` shows how to leave the
query out there. Source of the rule: RFC 9700 §4.2.4 and §4.3.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from django.http import HttpRequest, QueryDict

MASK = "[redacted]"

# A query goes as a whole once it holds one of Google's answers: what else is in it belongs to a person.
_QUERY = re.compile(r"\?(?=[^\s\"'<>]*\b(?:code|state)(?:=|%3D))[^\s\"'<>]*", re.IGNORECASE)
_LINK = re.compile(r"(/connect/)[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")

#: Where a WSGI or ASGI server puts (parts of) the address.
_ADDRESSES = ("PATH_INFO", "REQUEST_URI", "RAW_URI", "SCRIPT_URI", "SCRIPT_URL", "HTTP_REFERER")


def redact(text: str) -> str:
    """``text`` without the queries of Google's answers and without the tokens of consent links."""
    return _LINK.sub(rf"\1{MASK}", _QUERY.sub(f"?{MASK}", text))


class RedactQuery(logging.Filter):
    """A logging filter that lets every record pass, redacted."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the message, its arguments included; a record without secrets stays as it is."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            # A malformed record is logging's to complain of; its raw parts are redacted all the same.
            record.msg, record.args = redact(f"{record.msg} {record.args}"), ()
            return True
        redacted = redact(message)
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True


def hide_address(request: HttpRequest, *secrets: str) -> None:
    """Take the query, and ``secrets`` where the path holds them, out of ``request`` for whoever reports on it later."""
    request.GET = QueryDict()
    request.META["QUERY_STRING"] = ""
    request.path = _without(request.path, secrets)
    request.path_info = _without(request.path_info, secrets)
    for name in _ADDRESSES:
        if isinstance(request.META.get(name), str):
            request.META[name] = _without(redact(request.META[name]), secrets)
    match = request.resolver_match
    if secrets and match is not None:
        match.kwargs = {name: _masked(value, secrets) for name, value in match.kwargs.items()}
        match.captured_kwargs = {}  # type: ignore[attr-defined]  # unknown to django-stubs


def _without(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def _masked(value: Any, secrets: tuple[str, ...]) -> Any:
    return MASK if value in secrets else value
