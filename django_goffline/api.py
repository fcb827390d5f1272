"""The public Python surface: seven functions.

::

    from django_goffline import api

    link = api.start_consent(user=user).url                    # send it to the person
    token = api.access_token(user=user, scopes=[CONTACTS])     # fresh, for any Google API
    api.session(grant).get("https://www.googleapis.com/…")     # requests, authorized
    api.credentials(grant)                                     # for Google's own libraries
    api.pull_now(calendar)
    api.occurrences(start, end, user=user)
    api.revoke(grant)

``access_token``, ``session`` and ``credentials`` take a grant, or ``user=`` and ``scopes=`` (and ``client=`` where a
user has grants to several). They raise ``NoGrantError``, ``SeveralGrantsError``, ``GrantPausedError`` or
``NeedsConsentError``, whose messages name the next step, and ``TryLaterError``. Inside an open transaction they give
a stored fresh token, or raise ``OpenTransactionError`` before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from typing import Any

from django.db import router
from django.views.decorators.debug import sensitive_variables
from requests import Session

from . import gateway
from .conf import settings
from .exceptions import ConsentRequestError
from .flows import consent, refresh
from .flows import revoke as revoking
from .flows.choose import choose_grant
from .flows.google_auth import ExpiringToken, make_credentials
from .flows.sessions import GoogleSession
from .models import Calendar, Grant, OAuthClient, Occurrence, ScheduledPull, database_now
from .models.occurrences import OccurrenceQuerySet
from .nudges import nudge

__all__ = [
    "access_token",
    "credentials",
    "occurrences",
    "pull_now",
    "revoke",
    "session",
    "start_consent",
]

#: Life that is assumed of a token whose end Google did not name.
_UNKNOWN_LIFE = timedelta(minutes=5)


def start_consent(
    *,
    client: OAuthClient | None = None,
    scopes: Iterable[str] = (),
    user: Any = None,
    asked_by: Any = None,
    purpose: str = "",
    expected_email: str = "",
    repairs: Grant | None = None,
    lifetime: timedelta | None = None,
    direct: bool = False,
    next_url: str = "",
) -> consent.StartedConsent:
    """Ask ``user`` (None: a shared mailbox) for consent; ``.url`` is the link to send, known only now.

    ``repairs`` asks again for a grant that was lost or lacks scopes. ``direct`` gives Google's own address in place
    of our page, for an hour. ``client`` may be left out where there is only one. Raises ``ConsentRequestError``.
    """
    using = _using()
    if client is None:
        client = repairs.client if repairs is not None else _only_client(using)
    return consent.start(
        client=client,
        scopes=scopes,
        user=user,
        asked_by=asked_by,
        purpose=purpose,
        expected_email=expected_email,
        repairs=repairs,
        lifetime=lifetime,
        direct=direct,
        next_url=next_url,
        now=database_now(using),
        using=using,
    )


def access_token(
    grant: Grant | None = None,
    *,
    user: Any = None,
    scopes: Iterable[str] = (),
    client: OAuthClient | None = None,
) -> str:
    """An access token that lives at least some minutes; refreshed if need be."""
    using = _using()
    chosen = choose_grant(grant, user=user, scopes=scopes, client=client, using=using)
    return _token(chosen, "")


def session(
    grant: Grant | None = None,
    *,
    user: Any = None,
    scopes: Iterable[str] = (),
    client: OAuthClient | None = None,
) -> Session:
    """A ``requests.Session`` for Google's APIs: it brings and refreshes its token, has time-outs, and backs off.

    It sends the token to Google's API hosts alone, never along a redirect; other hosts raise ``ForeignHostError``.
    Whether the grant is usable is found out at the first call.
    """
    chosen = choose_grant(grant, user=user, scopes=scopes, client=client, using=_using())
    timeout = float(settings.HTTP_TIMEOUT)
    return GoogleSession(
        token=lambda rejected: _token(chosen, rejected),
        endpoints=gateway.endpoints(),
        timeout=(min(gateway.CONNECT_TIMEOUT, timeout), timeout),
        adapter=gateway.adapter(),
    )


def credentials(
    grant: Grant | None = None,
    *,
    user: Any = None,
    scopes: Iterable[str] = (),
    client: OAuthClient | None = None,
) -> Any:
    """``google.oauth2.credentials.Credentials`` for Google's own libraries; their refreshes go through the grant.

    Needs the extra ``django-goffline[google]``; raises ``ImproperlyConfigured`` without it.
    """
    chosen = choose_grant(grant, user=user, scopes=scopes, client=client, using=_using())

    def source(rejected: str) -> ExpiringToken:
        using = _using()
        token = _token(chosen, rejected)
        row = Grant.objects.using(using).get(pk=chosen.pk)
        return ExpiringToken(
            token=token,
            expires_at=row.access_expires_at or database_now(using) + _UNKNOWN_LIFE,
        )

    return make_credentials(source, scopes=chosen.granted_scopes)


def pull_now(target: Grant | Calendar, *, full: bool = False) -> int:
    """Pull all lists of a grant, or one calendar's events, now, in the background; the number of pulls woken.

    ``full`` reads them from the beginning. Lists that rest (of a grant that is not active, of a calendar that is not
    pulled) are not woken. A grant that was consented to a moment ago has no pulls before the next tick.
    """
    using = _using()
    now = database_now(using)
    pulls = ScheduledPull.objects.using(using).wakeable()
    if isinstance(target, Calendar):
        pulls = pulls.filter(
            grant_id=target.grant_id, resource="calendar_events", key=target.google_id
        )
    else:
        pulls = pulls.filter(grant_id=target.pk)
    woken = pulls.request_full(now) if full else pulls.wake(now)
    if woken:
        nudge("goffline.pull", using=using)
    return woken


def revoke(grant: Grant) -> bool:
    """End a grant: tokens are forgotten at once, revoked at Google in the background. False if it was over before."""
    using = _using()
    grants = Grant.objects.using(using).filter(pk=grant.pk)
    return bool(revoking.revoke(grants, now=database_now(using), using=using))


def occurrences(
    start: datetime,
    end: datetime,
    *,
    user: Any = None,
    grant: Grant | None = None,
    calendars: Iterable[Calendar] | None = None,
    zone: tzinfo | None = None,
) -> OccurrenceQuerySet:
    """What is on between two instants, soonest first: of a user, of a grant, of some calendars, or of all.

    All-day events count as days in ``zone`` (default: that of ``start``). Raises ``ValueError`` for naive instants or
    an empty span.
    """
    rows = Occurrence.objects.between(start, end, calendars=calendars, zone=zone)
    if grant is not None:
        rows = rows.filter(calendar__grant=grant)
    if user is not None:
        rows = rows.filter(calendar__grant__user=user)
    return rows


def _using() -> str:
    return router.db_for_write(Grant)


@sensitive_variables("rejected")
def _token(grant: Grant, rejected: str) -> str:
    using = _using()
    return refresh.access_token(grant, now=database_now(using), using=using, rejected=rejected)


def _only_client(using: str) -> OAuthClient:
    clients = list(OAuthClient.objects.using(using)[:2])
    if len(clients) != 1:
        step = "pass client=" if clients else "import one first (goffline_import_client)"
        raise ConsentRequestError(f"there is not exactly one OAuth client: {step}")
    return clients[0]
