"""The admin. One file a model or a family of them; ``register`` puts all of them on a site.

The default site is registered when Django discovers this package. A site of one's own::

    from django_goffline.admin import register

    register(my_site)
"""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import AdminSite, ModelAdmin
from django.db.models import Model

from ..models import (
    Activity,
    Calendar,
    ConsentRequest,
    Event,
    Grant,
    Heartbeat,
    Metric,
    OAuthClient,
    Occurrence,
    PendingRevocation,
    ScheduledPull,
)
from .calendars import CalendarAdmin, EventAdmin, OccurrenceAdmin
from .clients import OAuthClientAdmin
from .consents import ConsentRequestAdmin
from .grants import GrantAdmin
from .pulls import ScheduledPullAdmin
from .records import ActivityAdmin, HeartbeatAdmin, MetricAdmin, PendingRevocationAdmin

ADMIN_CLASSES: dict[type[Model], type[ModelAdmin]] = {  # type: ignore[type-arg]
    OAuthClient: OAuthClientAdmin,
    ConsentRequest: ConsentRequestAdmin,
    Grant: GrantAdmin,
    ScheduledPull: ScheduledPullAdmin,
    Calendar: CalendarAdmin,
    Event: EventAdmin,
    Occurrence: OccurrenceAdmin,
    Activity: ActivityAdmin,
    Metric: MetricAdmin,
    Heartbeat: HeartbeatAdmin,
    PendingRevocation: PendingRevocationAdmin,
}


def register(site: AdminSite) -> None:
    """Register all rows that people look at on ``site``."""
    for model, admin_class in ADMIN_CLASSES.items():
        site.register(model, admin_class)


register(admin.site)
