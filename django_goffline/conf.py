"""Settings: one dict, ``settings.GOFFLINE``, read late and typed here.

The class attributes below are the defaults *and* the documentation; every read goes to Django's settings, so
``override_settings`` works and nothing is cached or written back. ``checks.py`` validates the dict as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings as django_settings

from .protocol.scopes import CALENDAR_READONLY, EMAIL, OPENID


class GofflineSettings:
    """Typed view of ``settings.GOFFLINE``. Durations are seconds unless the name says days."""

    #: Where people reach this deployment, scheme and host, with a path only if the site lives below one.
    #: Consent links and the redirect URI are built from it, never from a request's Host header.
    BASE_URL: str = ""

    #: Key ring, newest first: ``"<id>:<base64url of 32 bytes>"``. The first encrypts, all decrypt.
    #: ``manage.py goffline_generate_key`` prints one. Never derived from ``SECRET_KEY``.
    ENCRYPTION_KEYS: Sequence[str] = ()

    #: What a consent asks for when neither the caller nor the client's row says.
    DEFAULT_SCOPES: Sequence[str] = (OPENID, EMAIL, CALENDAR_READONLY)

    #: None is Google. A base URL (a fake or a proxy) or a mapping of ``Endpoints`` fields replaces it.
    ENDPOINTS: str | Mapping[str, Any] | None = None

    #: Endpoints outside Google and loopback are an error unless this says they are meant.
    ALLOW_FOREIGN_ENDPOINTS: bool = False

    #: Interval of the beat's tick.
    TICK_EVERY: float = 30.0

    #: Interval of a pull: one number, or a mapping of resource name to number.
    PULL_EVERY: float | Mapping[str, float] = 900.0

    #: A used grant's access token is replaced this long before it ends.
    REFRESH_AHEAD: float = 300.0

    #: An unused grant is refreshed this often: Google forgets a token unused for six months.
    KEEP_ALIVE: float = 30 * 86400.0

    #: Life of a consent link.
    CONSENT_LIFETIME: float = 7 * 86400.0

    #: Life of one attempt: from leaving our page to Google's answer.
    ATTEMPT_LIFETIME: float = 1800.0

    #: Life of a direct Google URL, at most a day.
    DIRECT_URL_LIFETIME: float = 3600.0

    #: Who must be logged in to open a link: ``"addressed"`` (the user that a request names; nobody
    #: where it names none), ``"any"`` user, or ``"off"``.
    CONSENT_LOGIN: str = "addressed"

    #: Rows that one claim takes.
    CHUNK_SIZE: int = 100

    #: Requests in flight at once in one worker process.
    CONCURRENCY: int = 16

    #: Drains (tasks that claim chunk after chunk) of one kind at once, over all workers.
    MAX_DRAINS: int = 8

    #: Time budget of one drain: shorter than a tick.
    DRAIN_SECONDS: float = 20.0

    #: Length of a lease. No request is sent whose deadline lies outside it.
    LEASE_SECONDS: float = 180.0

    #: Total time of one HTTP exchange, body included.
    HTTP_TIMEOUT: float = 30.0

    #: Celery queue of our tasks; empty is the project's default queue.
    QUEUE: str = ""

    #: Days back and ahead in which occurrences are kept as rows.
    OCCURRENCE_WINDOW: tuple[int, int] = (30, 400)

    #: Days after which removed events and calendars, activity, and metrics are pruned.
    KEEP_REMOVED_DAYS: int = 90
    KEEP_ACTIVITY_DAYS: int = 365
    KEEP_METRICS_DAYS: int = 90

    def __getattribute__(self, name: str) -> Any:
        default = super().__getattribute__(name)
        if not name.isupper():
            return default
        given = getattr(django_settings, "GOFFLINE", {})
        return given.get(name, default) if isinstance(given, Mapping) else default

    def pull_every(self, resource: str, own_default: float | None = None) -> float:
        """Interval of a resource's pulls in seconds: the setting's word for it, its own default, the setting."""
        given = self.PULL_EVERY
        if isinstance(given, Mapping):
            return float(given.get(resource) or own_default or vars(type(self))["PULL_EVERY"])
        return float(own_default or given)


#: Every name that ``settings.GOFFLINE`` may hold.
NAMES: frozenset[str] = frozenset(name for name in vars(GofflineSettings) if name.isupper())

settings = GofflineSettings()
