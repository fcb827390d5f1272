"""OAuth clients: who we are to Google, and how much of its quota we have used this minute."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from ..fields import EncryptedTextField, IdentifierField


class OAuthClientQuerySet(models.QuerySet["OAuthClient"]):
    """Clients in business words."""

    def usable(self, now: datetime) -> OAuthClientQuerySet:
        """Clients with which Google may be called at ``now``: neither paused nor held back by it."""
        return self.filter(paused_at__isnull=True).filter(
            models.Q(held_until__isnull=True) | models.Q(held_until__lte=now)
        )

    def pause(self, *, now: datetime, reason: str) -> int:
        """Stop all calls with these clients; returns how many were not paused before."""
        return self.filter(paused_at__isnull=True).update(paused_at=now, paused_reason=reason)

    def resume(self) -> int:
        """Allow calls again."""
        return self.update(paused_at=None, paused_reason="", held_until=None)

    def hold(self, *, until: datetime) -> int:
        """Hold calls back until ``until``; a later hold already in force stays."""
        return self.filter(
            models.Q(held_until__isnull=True) | models.Q(held_until__lt=until)
        ).update(held_until=until)


class OAuthClient(models.Model):
    """An OAuth client of a Google Cloud project, as the console's JSON file describes it."""

    class Kind(models.TextChoices):
        WEB = "web", _("Web application")
        INSTALLED = "installed", _("Desktop (installed) application")

    class PublishingStatus(models.TextChoices):
        PRODUCTION = "production", _("In production")
        TESTING = "testing", _("Testing (grants end after seven days)")

    class AuthorizationStyle(models.TextChoices):
        STANDARD = "standard", _("Standard (v2 endpoint, prompt=consent)")
        LEGACY = "legacy", _("Legacy (v1 endpoint, approval_prompt=force)")

    name = models.CharField(_("name"), max_length=200)
    client_id = IdentifierField(_("client ID"), max_length=255, unique=True)
    client_secret = EncryptedTextField(_("client secret"), blank=True, default="")
    project_id = models.CharField(_("project ID"), max_length=255, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices, default=Kind.WEB)
    redirect_uri = models.CharField(
        _("redirect URI"),
        max_length=1000,
        blank=True,
        default="",
        help_text=_(
            "Blank: built from GOFFLINE['BASE_URL']. Must be registered with Google exactly."
        ),
    )
    default_scopes = models.JSONField(_("default scopes"), default=list, blank=True)
    hosted_domain = models.CharField(
        _("hosted domain"),
        max_length=255,
        blank=True,
        default="",
        help_text=_("Only accounts of this Google Workspace domain may consent."),
    )
    publishing_status = models.CharField(
        _("publishing status"),
        max_length=16,
        choices=PublishingStatus.choices,
        default=PublishingStatus.PRODUCTION,
    )
    authorization_style = models.CharField(
        _("authorization style"),
        max_length=16,
        choices=AuthorizationStyle.choices,
        default=AuthorizationStyle.STANDARD,
    )
    quota_per_minute = models.PositiveIntegerField(
        _("quota per minute"),
        default=10_000,
        help_text=_("Calendar API calls that Google allows the project a minute."),
    )
    paused_at = models.DateTimeField(_("paused since"), null=True, blank=True, editable=False)
    paused_reason = models.CharField(
        _("reason"), max_length=100, blank=True, default="", editable=False
    )
    held_until = models.DateTimeField(
        _("held back by Google until"), null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = OAuthClientQuerySet.as_manager()

    class Meta:
        verbose_name = _("OAuth client")
        verbose_name_plural = _("OAuth clients")
        ordering = ["name", "pk"]
        permissions = [("make_consent_link", _("Can make consent links"))]

    def __str__(self) -> str:
        return self.name

    @property
    def project(self) -> str:
        """The Google Cloud project: its id, or its number, which opens every client id."""
        return self.project_id or self.client_id.partition("-")[0]

    def is_usable(self, now: datetime) -> bool:
        """Whether Google may be called with this client at ``now``."""
        return self.paused_at is None and (self.held_until is None or self.held_until <= now)


class QuotaBudgetQuerySet(models.QuerySet["QuotaBudget"]):
    """Charging the budget, without a lock held over HTTP."""

    def charge(self, client: OAuthClient, calls: int, *, now: datetime) -> int:
        """Reserve up to ``calls`` of this minute's quota; returns how many were granted.

        The window slides: what the minute before used counts by the share of it that lies within the last sixty seconds
        (Google's per-minute quotas are sliding windows: Calendar API usage limits).
        """
        minute = now.replace(second=0, microsecond=0)
        self.get_or_create(client=client, defaults={"minute": minute})
        mine = self.filter(client=client)
        mine.filter(minute__lt=minute).update(
            previous=models.Case(
                models.When(minute=minute - timedelta(minutes=1), then=F("spent")),
                default=models.Value(0),
            ),
            spent=0,
            minute=minute,
        )
        share = 1 - (now - minute).total_seconds() / 60
        budget = mine.get()
        free = max(0, client.quota_per_minute - budget.spent - int(budget.previous * share))
        granted = min(calls, free)
        if granted and not mine.filter(spent__lte=budget.spent).update(spent=F("spent") + granted):
            # Somebody charged in between: ask for the same again of what they left.
            return self.charge(client, calls, now=now)
        return granted

    def refund(self, client: OAuthClient, calls: int) -> None:
        """Give back what was reserved and not used."""
        if calls > 0:
            self.filter(client=client, spent__gte=calls).update(spent=F("spent") - calls)


class QuotaBudget(models.Model):
    """Calls of a client in this minute and the one before: a narrow row of its own, since every claim writes it."""

    client = models.OneToOneField(
        OAuthClient, on_delete=models.CASCADE, primary_key=True, related_name="budget"
    )
    minute = models.DateTimeField()
    spent = models.PositiveIntegerField(default=0)
    previous = models.PositiveIntegerField(default=0)

    objects = QuotaBudgetQuerySet.as_manager()

    class Meta:
        verbose_name = _("quota budget")
        verbose_name_plural = _("quota budgets")

    def __str__(self) -> str:
        return f"{self.client_id}: {self.spent}"
