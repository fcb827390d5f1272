"""Grants: one person's lasting consent, kept alive.

State is stored, freshness is computed: a grant is *active*, *paused*, *needs consent* or *revoked*; "expired" and
"failing" are answers from the clock and a counter. Every token write, consent, revoke and pause raises the generation.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from ..fields import EncryptedTextField, IdentifierField, Secret
from ..protocol.scopes import missing
from .clients import OAuthClient
from .leases import Leased, LeasedQuerySet


class GrantQuerySet(LeasedQuerySet["Grant"]):
    """Grants in business words."""

    def active(self) -> GrantQuerySet:
        """Grants that are refreshed and pulled."""
        return self.filter(state=Grant.State.ACTIVE)

    def refreshable(self, now: datetime) -> GrantQuerySet:
        """Active grants that have a refresh token and that Google does not hold back at ``now``."""
        free = models.Q(held_until__isnull=True) | models.Q(held_until__lte=now)
        return self.active().filter(free).exclude(refresh_token="")

    def pause(self, *, reason: str) -> int:
        """Stop refreshing and pulling; what a worker has under way no longer counts."""
        return self.active().update(
            state=Grant.State.PAUSED,
            reason=reason,
            due_at=None,
            generation=F("generation") + 1,
            lease_id="",
            lease_until=None,
        )

    def resume(self, *, now: datetime) -> int:
        """Go on after a pause, due at once; grants that await approval are not resumed but approved."""
        return (
            self.filter(state=Grant.State.PAUSED)
            .exclude(reason=Grant.AWAITING_APPROVAL)
            .update(state=Grant.State.ACTIVE, reason="", due_at=now, generation=F("generation") + 1)
        )

    def approve(self, *, now: datetime) -> int:
        """Accept grants whose account the consent did not prove: usable from now on."""
        return self.filter(state=Grant.State.PAUSED, reason=Grant.AWAITING_APPROVAL).update(
            state=Grant.State.ACTIVE, reason="", due_at=now, generation=F("generation") + 1
        )


class Grant(Leased):
    """A Google account's consent to a client, on behalf of a user of this site or of nobody (a shared mailbox)."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PAUSED = "paused", _("paused")
        NEEDS_CONSENT = "needs_consent", _("needs consent")
        REVOKED = "revoked", _("revoked")

    #: ``reason`` of a paused grant that waits for the asker's word.
    AWAITING_APPROVAL = "awaiting_approval"

    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="google_grants",
        verbose_name=_("user"),
    )
    # Never null, so that uniqueness holds for grants without a user on every database.
    owner_key = IdentifierField(max_length=255, blank=True, default="", editable=False)
    sub = IdentifierField(_("Google account ID"), max_length=255)
    email = models.EmailField(_("Google account"), max_length=254, blank=True, default="")
    hosted_domain = models.CharField(_("hosted domain"), max_length=255, blank=True, default="")
    wanted_scopes = models.JSONField(_("wanted scopes"), default=list)
    granted_scopes = models.JSONField(_("granted scopes"), default=list)
    refresh_token = EncryptedTextField(_("refresh token"), blank=True, default="")
    access_token = EncryptedTextField(_("access token"), blank=True, default="")
    access_expires_at = models.DateTimeField(_("access token ends"), null=True, blank=True)
    refresh_expires_at = models.DateTimeField(_("consent ends"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.ACTIVE)
    reason = models.CharField(_("reason"), max_length=64, blank=True, default="")
    diagnosis = models.TextField(_("diagnosis"), blank=True, default="")
    error_kind = models.CharField(_("last failure"), max_length=64, blank=True, default="")
    failure_streak = models.PositiveIntegerField(_("failures in a row"), default=0)
    authorized_at = models.DateTimeField(_("consented"), null=True, blank=True)
    refreshed_at = models.DateTimeField(_("refreshed"), null=True, blank=True)
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    held_until = models.DateTimeField(_("held back by Google until"), null=True, blank=True)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [
            models.UniqueConstraint(
                fields=["client", "sub", "owner_key"], name="goffline_grant_client_sub_owner"
            )
        ]
        indexes = [models.Index(fields=["client", "due_at"], name="goffline_grant_due")]
        permissions = [
            ("approve_grant", _("Can approve grants")),
            ("refresh_grant", _("Can refresh grants")),
            ("pause_grant", _("Can pause and resume grants")),
            ("revoke_grant", _("Can revoke grants")),
        ]

    def __str__(self) -> str:
        return self.email or self.sub

    @staticmethod
    def owner_key_of(user: Any) -> str:
        """The owner's part of a grant's key: the user's primary key, or empty for nobody."""
        return "" if user is None else str(user.pk)

    @classmethod
    def sealed(cls, name: Literal["access_token", "refresh_token"], token: str) -> Secret:
        """A token on its way into the column ``name``, masked wherever it is printed."""
        column = cls._meta.get_field(name)
        assert isinstance(column, EncryptedTextField)
        return column.secret(token)

    @property
    def missing_scopes(self) -> tuple[str, ...]:
        """Wanted scopes that the person did not grant."""
        return missing(self.wanted_scopes, self.granted_scopes)

    def has_fresh_token(self, now: datetime, *, margin: timedelta) -> bool:
        """Whether the stored access token lives beyond ``now + margin``. An unknown expiry counts as expired."""
        return bool(
            self.access_token
            and self.access_expires_at is not None
            and self.access_expires_at > now + margin
        )


class PendingRevocation(models.Model):
    """A token on its way to be revoked. No foreign key: it outlives grant, user and client."""

    token = EncryptedTextField()
    client_name = models.CharField(max_length=200, blank=True, default="")
    project = models.CharField(max_length=255, blank=True, default="")
    sub = IdentifierField(max_length=255, blank=True, default="")
    revocation_endpoint = models.CharField(max_length=1000)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=0)
    error_kind = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("pending revocation")
        verbose_name_plural = _("pending revocations")

    def __str__(self) -> str:
        return f"{self.sub}"
