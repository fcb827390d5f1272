"""What ``goffline_doctor`` looks at. Each function looks at one thing, and says for each finding what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core import checks
from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone

from .. import gateway
from ..conf import settings
from ..exceptions import ConsentRequestError, KeyRingError, UnreadableSecretError
from ..models import Grant, Heartbeat, OAuthClient, PendingRevocation, ScheduledPull
from ..protocol.errors import GoogleError
from ..protocol.redirect_uris import redirect_uri_problem

#: Seconds that one endpoint has to answer.
PATIENCE = 8.0
STALE_AFTER = timedelta(minutes=15)
CLOCK_TOLERANCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report; with an ``advice`` it is something to do."""

    text: str
    advice: str = ""


def system_checks() -> Iterator[Finding]:
    """This package's checks, those of the tables included."""
    found = [
        message
        for message in checks.run_checks(databases=list(connections))
        if str(message.id).startswith("goffline.") and not message.is_silenced()
    ]
    for message in found:
        yield Finding(text=f"{message.id}: {message.msg}", advice=str(message.hint))
    if not found:
        yield Finding(text="system checks: nothing found")


def clients(*, now: datetime, using: str) -> Iterator[Finding]:
    """Each client: its redirect URI, whether its secret opens, whether it may be used."""
    rows = list(OAuthClient.objects.using(using))
    if not rows:
        yield Finding(
            text="there is no OAuth client",
            advice="Import one: manage.py goffline_import_client FILE.",
        )
        yield _redirect_uri_to_register()
    for client in rows:
        try:
            uri = gateway.redirect_uri(client)
        except ConsentRequestError as error:
            yield Finding(text=f"client {client.name!r}: {error}", advice="Set BASE_URL.")
        else:
            problem = (
                redirect_uri_problem(uri, kind=client.kind)
                if gateway.endpoints().is_google()
                else None
            )
            yield Finding(
                text=f"client {client.name!r}: redirect URI {uri}"
                + (f": Google refuses it, {problem}" if problem else ""),
                advice="Correct BASE_URL or the client's redirect URI." if problem else "",
            )
        yield from _state_of(client, now)


def _redirect_uri_to_register() -> Finding:
    """What to type into Google's console before there is a client's file."""
    try:
        uri = gateway.redirect_uri(OAuthClient())
    except ConsentRequestError as error:
        return Finding(text=str(error), advice="Set BASE_URL.")
    return Finding(text=f"redirect URI to register for a web client: {uri}")


def _state_of(client: OAuthClient, now: datetime) -> Iterator[Finding]:
    try:
        if not client.client_secret.reveal():
            yield Finding(
                text=f"client {client.name!r} has no secret",
                advice="Import its file again, or set the secret in the admin.",
            )
    except (UnreadableSecretError, KeyRingError) as error:
        yield Finding(
            text=f"client {client.name!r}: {error}",
            advice="Put the key that sealed it back into ENCRYPTION_KEYS, or import the file again.",
        )
    if client.paused_at:
        yield Finding(
            text=f"client {client.name!r} is paused: {client.paused_reason or 'by hand'}",
            advice="Repair the cause, then resume it in the admin (OAuth clients).",
        )
    elif not client.is_usable(now):
        yield Finding(
            text=f"client {client.name!r} is held back by Google until {client.held_until}",
            advice="Wait. If it comes often, raise PULL_EVERY or ask Google for more quota.",
        )


def endpoints() -> Iterator[Finding]:
    """Whether each server answers at all: any status is an answer."""
    transport, google = gateway.transport(), gateway.endpoints()
    for name, url in (
        ("token endpoint", google.token),
        ("authorization page", google.authorization),
        ("Calendar API", google.calendar),
    ):
        started = time.monotonic()
        try:
            answer = transport.send("GET", url, deadline=started + PATIENCE)
        except GoogleError as error:
            yield Finding(
                text=f"{name} {url}: {error}",
                advice="Let this machine reach it over https: firewall, proxy (HTTPS_PROXY), DNS, certificates.",
            )
        else:
            took = (time.monotonic() - started) * 1000
            yield Finding(text=f"{name} {url} answers ({answer.status}) in {took:.0f} ms")


def clock(*, now: datetime) -> Iterator[Finding]:
    """This machine's clock against the database's, by which everything is due."""
    off = timezone.now() - now
    if abs(off) > CLOCK_TOLERANCE:
        yield Finding(
            text=f"this machine's clock is {off.total_seconds():.0f} s off the database's",
            advice="Run a time service (NTP) on both.",
        )


def tick(*, now: datetime, using: str) -> Iterator[Finding]:
    """Whether beat and a worker are at work."""
    last = (
        Heartbeat.objects.using(using).filter(kind=Heartbeat.TICK).order_by("-last_seen_at").first()
    )
    patience = timedelta(seconds=max(3 * settings.TICK_EVERY, 60.0))
    if last is None:
        yield Finding(
            text="no tick was ever seen",
            advice="Run a beat and a worker: celery -A <project> beat, celery -A <project> worker; "
            "with a queue of its own the worker needs -Q.",
        )
    elif now - last.last_seen_at > patience:
        yield Finding(
            text=f"the last tick was at {last.last_seen_at:%Y-%m-%d %H:%M:%S} UTC, on {last.worker}",
            advice="Look whether beat, worker and broker run.",
        )
    else:
        yield Finding(text="the tick is running")


def late_rows(*, now: datetime, using: str) -> Iterator[Finding]:
    """Rows that have been due for too long."""
    before = now - STALE_AFTER
    usable = OAuthClient.objects.using(using).usable(now)
    kinds: dict[str, QuerySet[Any]] = {
        "grants": Grant.objects.using(using).refreshable(now).due(before),
        "pulls": ScheduledPull.objects.using(using).due(before),
    }
    minutes = STALE_AFTER.total_seconds() / 60
    for name, rows in kinds.items():
        if number := rows.filter(client__in=usable).count():
            yield Finding(
                text=f"{number} {name} have been due for more than {minutes:.0f} minutes",
                advice="If the tick runs: start more workers, or raise MAX_DRAINS, CONCURRENCY or PULL_EVERY.",
            )
    if number := PendingRevocation.objects.using(using).filter(due_at__lte=before).count():
        yield Finding(
            text=f"{number} tokens wait to be revoked at Google",
            advice="Look at the admin, Pending revocations, and at the endpoints above.",
        )


def waiting_for_people(*, using: str) -> Iterator[Finding]:
    """What only a person can decide."""
    grants = Grant.objects.using(using)
    if number := grants.filter(state=Grant.State.NEEDS_CONSENT).count():
        yield Finding(
            text=f"{number} grants need a new consent",
            advice="Admin, Grants: make repairing consent links; each grant says why it died.",
        )
    waiting = grants.filter(state=Grant.State.PAUSED, reason=Grant.AWAITING_APPROVAL)
    if number := waiting.count():
        yield Finding(
            text=f"{number} grants wait for approval",
            advice="Admin, Grants: approve or discard them.",
        )
    held = ScheduledPull.objects.using(using).filter(sweep_held_at__isnull=False)
    if number := held.count():
        yield Finding(
            text=f"{number} full runs would remove an unusual share of rows, and wait",
            advice="Admin, Scheduled pulls: look, then approve the removal.",
        )
