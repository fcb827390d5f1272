"""Scopes: what the fake knows, their aliases, and what the consent page says about each.

Source: "OAuth 2.0 Scopes for Google APIs"; Calendar discovery document. Gmail and Cloud Platform are
known because rules of token life depend on them, not because their APIs are here.
"""

from __future__ import annotations

from collections.abc import Iterable

PREFIX = "https://www.googleapis.com/auth/"
OPENID = "openid"
EMAIL = PREFIX + "userinfo.email"
PROFILE = PREFIX + "userinfo.profile"
CALENDAR = PREFIX + "calendar"

ALIASES = {"email": EMAIL, "profile": PROFILE}
IDENTITY = frozenset({OPENID, EMAIL, PROFILE})

CONSENT_TEXTS = {
    OPENID: "Associate you with your personal info on Google",
    EMAIL: "See your primary Google Account email address",
    PROFILE: "See your personal info, including any you have made publicly available",
    CALENDAR: "See, edit, share, and permanently delete all the calendars you can access",
    CALENDAR + ".readonly": "See and download any calendar you can access",
    CALENDAR + ".events": "View and edit events on all your calendars",
    CALENDAR + ".events.readonly": "View events on all your calendars",
    CALENDAR + ".events.owned": "See, create, change, and delete events on calendars you own",
    CALENDAR + ".events.owned.readonly": "See the events on calendars you own",
    CALENDAR + ".events.freebusy": "See the availability on calendars you have access to",
    CALENDAR + ".events.public.readonly": "See the events on public calendars",
    CALENDAR + ".freebusy": "View your availability in your calendars",
    CALENDAR + ".calendarlist": "See, add, and remove calendars you are subscribed to",
    CALENDAR + ".calendarlist.readonly": "See the list of calendars you are subscribed to",
    CALENDAR + ".calendars": "See and change the properties of calendars you have access to",
    CALENDAR + ".calendars.readonly": "See the title, description, and other properties",
    CALENDAR + ".acls": "See and change the sharing permissions of calendars you own",
    CALENDAR + ".acls.readonly": "See the sharing permissions of calendars you own",
    CALENDAR + ".settings": "See and change your Calendar settings",
    CALENDAR + ".settings.readonly": "View your Calendar settings",
    CALENDAR + ".app.created": "Make secondary calendars, and see and change events on them",
    "https://mail.google.com/": "Read, compose, send, and permanently delete all your email",
    PREFIX + "gmail.readonly": "View your email messages and settings",
    PREFIX + "cloud-platform": "See, edit, configure, and delete your Google Cloud data",
    PREFIX + "drive.readonly": "See and download all your Google Drive files",
}


def canonical(scope: str) -> str:
    """The URI of an alias; any other scope as it is."""
    return ALIASES.get(scope, scope)


def unknown(scopes: Iterable[str]) -> list[str]:
    """The scopes that no API of Google has, in their order. Scopes are case-sensitive."""
    return [scope for scope in scopes if canonical(scope) not in CONSENT_TEXTS]


def expanded(scopes: Iterable[str], *, add_openid: bool) -> frozenset[str]:
    """Canonical scopes; with ``add_openid``, ``openid`` comes along with e-mail or profile."""
    result = {canonical(scope) for scope in scopes}
    if add_openid and result & IDENTITY:
        result.add(OPENID)
    return frozenset(result)


def is_gmail(scope: str) -> bool:
    """Whether a password change kills a token with this scope."""
    return scope == "https://mail.google.com/" or scope.startswith(PREFIX + "gmail.")
