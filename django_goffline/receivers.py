"""Receivers: deleted grants take their revocation along, and what signals tell goes to the log, for operators.

Lines name rows by their keys: no address of a person, never a secret.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from .flows.revoke import keep_tokens_of_deleted
from .models import ConsentRequest, Grant, OAuthClient, database_now
from .signals import client_paused, consent_completed, grant_activated, grant_lost

logger = logging.getLogger("django_goffline")


@receiver(pre_delete, sender=Grant, dispatch_uid="goffline_revoke_deleted")
def revoke_deleted(sender: type[Grant], instance: Grant, using: str, **kwargs: Any) -> None:
    """Deletion by the admin, a queryset or a cascade: the token must still be revoked."""
    keep_tokens_of_deleted(instance, now=database_now(using), using=using)


@receiver(consent_completed, dispatch_uid="goffline_log_consent_completed")
def log_consent_completed(
    sender: type[ConsentRequest],
    request: ConsentRequest,
    grant: Grant,
    missing: tuple[str, ...],
    **kwargs: Any,
) -> None:
    """Somebody agreed, to all or some of it."""
    logger.info(
        "consent %s completed: grant %s, %d scopes missing", request.pk, grant.pk, len(missing)
    )


@receiver(grant_activated, dispatch_uid="goffline_log_grant_activated")
def log_grant_activated(sender: type[Grant], grant: Grant, **kwargs: Any) -> None:
    """A grant is usable."""
    logger.info("grant %s is active", grant.pk)


@receiver(grant_lost, dispatch_uid="goffline_log_grant_lost")
def log_grant_lost(
    sender: type[Grant], grant: Grant, reason: str, diagnosis: str, **kwargs: Any
) -> None:
    """A grant needs its person again."""
    logger.warning("grant %s is lost (%s). %s", grant.pk, reason, diagnosis)


@receiver(client_paused, dispatch_uid="goffline_log_client_paused")
def log_client_paused(
    sender: type[OAuthClient], client: OAuthClient, reason: str, **kwargs: Any
) -> None:
    """An operator has something to repair; until then nothing moves for this client."""
    logger.error(
        "OAuth client %s (%s) is paused: Google answers %r. Compare its id and secret with Google's console, see "
        "that the API is enabled there, then resume the client in the admin",
        client.pk,
        client.name,
        reason,
    )
