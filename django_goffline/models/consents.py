"""Consent requests and their attempts: consent is a row, not a session.

A request is what an asker wants of somebody: client, scopes, expected account, an end. Its link's token is stored
hashed. Each time the person sets out for Google an attempt is made: state and nonce hashed, the PKCE verifier
encrypted, the browser bound, consumed at most once (RFC 9700 §2.1 and §4.7).
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..fields import EncryptedTextField, IdentifierField, Secret
from .clients import OAuthClient


def token_hash(token: str) -> str:
    """What is stored of a random token: SHA-256, hex. The tokens have 256 bits of entropy: no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


class ConsentOutcome(models.TextChoices):
    """How a consent request, or one attempt of it, ended."""

    PENDING = "", _("open")
    GRANTED = "granted", _("granted")
    PARTIAL = "partial", _("granted in part")
    AWAITING_APPROVAL = "awaiting_approval", _("granted, awaiting approval")
    REFUSED = "refused", _("refused by the person")
    WRONG_ACCOUNT = "wrong_account", _("answered by another Google account")
    WRONG_DOMAIN = "wrong_domain", _("answered from another domain")
    WRONG_USER = "wrong_user", _("answered by another user of this site")
    NO_REFRESH_TOKEN = "no_refresh_token", _("Google gave no lasting access")
    ADMIN_POLICY = "admin_policy", _("blocked by the Google Workspace administrator")
    ANSWER_INVALID = "answer_invalid", _("Google's answer did not pass our checks")
    ENDPOINTS_CHANGED = "endpoints_changed", _("the site's configuration changed meanwhile")
    GOOGLE_ERROR = "google_error", _("Google reported an error")
    INTERRUPTED = "interrupted", _("interrupted")


class ConsentRequestQuerySet(models.QuerySet["ConsentRequest"]):
    """Consent requests in business words."""

    def open(self, now: datetime) -> ConsentRequestQuerySet:
        """Neither answered nor withdrawn nor expired."""
        return self.filter(completed_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=now)

    def withdraw(self, now: datetime) -> int:
        """Make links worthless at once; returns how many were still unanswered.

        Their tokens stay known, so that whoever opens such a link reads that it was withdrawn.
        """
        return self.filter(completed_at__isnull=True, withdrawn_at__isnull=True).update(
            withdrawn_at=now
        )


class ConsentRequest(models.Model):
    """Somebody's wish for somebody's consent."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client = models.ForeignKey(
        OAuthClient, on_delete=models.CASCADE, related_name="consent_requests"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("addressed user"),
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("asked by"),
    )
    purpose = models.CharField(_("purpose"), max_length=300, blank=True, default="")
    scopes = models.JSONField(_("scopes"), default=list)
    expected_email = models.EmailField(
        _("expected Google account"), max_length=254, blank=True, default=""
    )
    repairs = models.ForeignKey(
        "goffline.Grant",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("repairs the grant"),
    )
    expected_sub = IdentifierField(max_length=255, blank=True, default="", editable=False)
    include_granted_scopes = models.BooleanField(default=False)
    link_hash = models.CharField(  # noqa: DJ001 - null: two withdrawn links must not collide
        max_length=64, null=True, unique=True, editable=False
    )
    direct = models.BooleanField(_("direct Google URL"), default=False, editable=False)
    next_url = models.CharField(max_length=2000, blank=True, default="", editable=False)
    created_at = models.DateTimeField(_("asked"), editable=False)
    expires_at = models.DateTimeField(_("expires"))
    seen_at = models.DateTimeField(_("link opened"), null=True, blank=True, editable=False)
    opened_at = models.DateTimeField(_("went on to Google"), null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)
    outcome = models.CharField(
        _("outcome"), max_length=32, choices=ConsentOutcome.choices, blank=True, default=""
    )
    grant = models.ForeignKey(
        "goffline.Grant",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="consent_requests",
        verbose_name=_("grant"),
    )

    objects = ConsentRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent request")
        verbose_name_plural = _("consent requests")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.public_id}"

    def is_open(self, now: datetime) -> bool:
        """Whether the link may still be used at ``now``."""
        return self.completed_at is None and self.withdrawn_at is None and self.expires_at > now


class ConsentAttempt(models.Model):
    """One journey to Google and back."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    request = models.ForeignKey(ConsentRequest, on_delete=models.CASCADE, related_name="attempts")
    state_hash = models.CharField(max_length=64, unique=True)
    code_verifier = EncryptedTextField(default="")
    nonce_hash = models.CharField(max_length=64)
    browser_hash = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="Empty: a direct Google URL, bound to no browser.",
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    redirect_uri = models.CharField(max_length=1000)
    issuer = models.CharField(max_length=255)
    token_endpoint = models.CharField(max_length=1000)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    outcome = models.CharField(
        max_length=32, choices=ConsentOutcome.choices, blank=True, default=""
    )
    missing_scopes = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = _("consent attempt")
        verbose_name_plural = _("consent attempts")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.public_id}"

    @classmethod
    def sealed(cls, code_verifier: str) -> Secret:
        """A verifier on its way into its column, masked wherever it is printed."""
        column = cls._meta.get_field("code_verifier")
        assert isinstance(column, EncryptedTextField)
        return column.secret(code_verifier)
