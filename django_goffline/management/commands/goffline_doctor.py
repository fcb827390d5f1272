"""Examines an installation, and says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, router

from ...models import Grant, database_now
from .. import examination
from ..examination import Finding


class Command(BaseCommand):
    """Runs although checks fail: it is for finding out why."""

    help = (
        "Run the checks, try the endpoints, print redirect URIs, look for a missing tick and late rows. "
        "Exit status 1 if there is something to do."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to call Google."""
        parser.add_argument(
            "--offline", action="store_true", help="don't try whether the endpoints answer"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each finding; those with something to do end in a ``CommandError``."""
        problems = 0
        try:
            for finding in self._findings(offline=options["offline"]):
                problems += bool(finding.advice)
                self._show(finding)
        except DatabaseError as error:
            raise CommandError(
                f"The tables can't be read ({type(error).__name__}): run manage.py migrate."
            ) from None
        if problems:
            raise CommandError(f"{problems} things to do.")
        self.stdout.write(self.style.SUCCESS("All is well."))

    def _findings(self, *, offline: bool) -> Iterator[Finding]:
        using = router.db_for_read(Grant)
        yield from examination.system_checks()
        now = database_now(using)
        yield from examination.clock(now=now)
        yield from examination.clients(now=now, using=using)
        if not offline:
            yield from examination.endpoints()
        yield from examination.tick(now=now, using=using)
        yield from examination.late_rows(now=now, using=using)
        yield from examination.waiting_for_people(using=using)

    def _show(self, finding: Finding) -> None:
        if finding.advice:
            self.stdout.write(self.style.ERROR(f"!!  {finding.text}"))
            self.stdout.write(f"    {finding.advice}")
        else:
            self.stdout.write(f"ok  {finding.text}")
