"""Refreshes grants in the foreground."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router

from ...exceptions import GrantUnusableError
from ...flows.refresh import refresh_due, refresh_one
from ...models import Grant, database_now
from ..selection import choose_grants


class Command(BaseCommand):
    """What a worker does, without one."""

    help = "Refresh the grants that are due, or one grant now. Exit status 1 if one fails."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which ones."""
        parser.add_argument(
            "--grant", default="", help="this one, due or not: primary key, account id or e-mail"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Refresh, and say how it went."""
        using = router.db_for_write(Grant)
        if options["grant"]:
            self._some(choose_grants(options["grant"], using=using), using)
            return
        total = 0
        while done := refresh_due(now=database_now(using), using=using):
            total += done
        self.stdout.write(f"{total} grants were due.")

    def _some(self, grants: list[Grant], using: str) -> None:
        failed = 0
        for grant in grants:
            try:
                row = refresh_one(grant, now=database_now(using), using=using)
                problem = row.error_kind
            except GrantUnusableError as error:
                problem = str(error) or type(error).__name__
            failed += bool(problem)
            self.stdout.write(f"{grant}: {problem or 'refreshed'}")
        if failed:
            raise CommandError(f"{failed} of {len(grants)} failed. `goffline_status` says more.")
