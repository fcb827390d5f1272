"""The table of a list that this package does not know; see ``test_generic.py``."""

from __future__ import annotations

from django.db import models

from django_goffline.models import Grant
from django_goffline.models.calendars import Mirrored


class Label(Mirrored):
    """A label of an account. No constraint to grants: this app has no migrations, its tables are made first."""

    grant = models.ForeignKey(Grant, models.DO_NOTHING, related_name="+", db_constraint=False)
    name = models.CharField(max_length=100, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["grant", "google_id"], name="label_grant_google_id")
        ]

    def __str__(self) -> str:
        return self.name
