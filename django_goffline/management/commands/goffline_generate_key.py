"""Prints a key for ``GOFFLINE["ENCRYPTION_KEYS"]``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from ...crypto import generate_key


class Command(BaseCommand):
    """Works without any setting: it is what the check for a missing key tells people to run."""

    help = (
        "Print a new key for GOFFLINE['ENCRYPTION_KEYS']. Keep it where you keep other secrets; "
        "put it first in the list, and keep the older ones behind it."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the key, and nothing else."""
        self.stdout.write(generate_key(f"{timezone.now():%Y%m%d}"))
