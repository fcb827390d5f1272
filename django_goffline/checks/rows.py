"""Checks of what the tables hold: clients in Testing, and pulls that Google would not allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags, register
from django.db import DatabaseError, router, transaction

from ..flows.rates import calls_per_minute
from ..models import OAuthClient
from .settings import warning


def _in_database(
    databases: Sequence[str] | None, look: Callable[[str], list[CheckMessage]]
) -> list[CheckMessage]:
    using = router.db_for_read(OAuthClient)
    if using not in (databases or ()):
        return []
    try:
        with transaction.atomic(using=using):
            return look(using)
    except DatabaseError:
        # Not migrated yet: this runs with the very migration that makes the tables.
        return []


@register(Tags.database)
def clients_in_testing(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """W003: Google ends the grants of a project in Testing after seven days."""

    def look(using: str) -> list[CheckMessage]:
        testing = OAuthClient.objects.using(using).filter(
            publishing_status=OAuthClient.PublishingStatus.TESTING
        )
        return [
            warning(
                "W003",
                f"The OAuth client {name!r} has the publishing status Testing: its grants end after seven days.",
                "Publish the app in Google's console (Audience), then set the client's status in the admin.",
            )
            for name in testing.values_list("name", flat=True)
        ]

    return _in_database(databases, look)


@register(Tags.database)
def pulls_within_quota(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """W004: the pulls that are scheduled, at one call each, against what Google allows a minute."""

    def look(using: str) -> list[CheckMessage]:
        rates = calls_per_minute(using=using)
        clients = OAuthClient.objects.using(using).filter(pk__in=rates)
        return [
            warning(
                "W004",
                f"The pulls of the OAuth client {client.name!r} need about {rates[client.pk]:.0f} calls a minute; "
                f"its quota is {client.quota_per_minute}. They will run late.",
                "Raise GOFFLINE['PULL_EVERY'] or the pulls' intervals, or ask Google for more quota.",
            )
            for client in clients
            if rates[client.pk] > client.quota_per_minute
        ]

    return _in_database(databases, look)
