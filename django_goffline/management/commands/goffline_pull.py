"""Pulls lists in the foreground, with a progress bar."""

from __future__ import annotations

import io
import sys
from typing import Any

import click
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router

from ...flows.pull import pull_due
from ...flows.reconcile import reconcile
from ...models import Grant, OAuthClient, ScheduledPull, database_now
from ...models.pulls import ScheduledPullQuerySet
from ..selection import choose_calendar, choose_grants

#: The list of calendars first, then the events of what it names; the third finds nothing new.
ROUNDS = 5


class Command(BaseCommand):
    """What a worker does, without one."""

    help = (
        "Pull the lists that are due; those of one grant or one calendar are made due first. "
        "Exit status 1 if one of these fails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which ones, and whether from the beginning."""
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--grant", default="", help="primary key, account id or e-mail")
        which.add_argument("--calendar", default="", help="primary key or Google id")
        parser.add_argument(
            "--full", action="store_true", help="read them from the beginning (with the above)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Wake, pull, say how it went."""
        using = router.db_for_write(Grant)
        if options["full"] and not (options["grant"] or options["calendar"]):
            raise CommandError("--full needs --grant or --calendar: say which lists.")
        started = database_now(using)
        reconcile(now=started, using=using)
        wanted = self._wanted(options, using)
        if wanted is not None:
            awake = wanted.wakeable()
            woken = awake.request_full(started) if options["full"] else awake.wake(started)
            if not woken:
                raise CommandError(
                    "Nothing to pull: the grant is not active, the calendar is not pulled, "
                    "or the pulls are paused."
                )
        total = 0
        for _ in range(ROUNDS):
            done = self._pull(using, show=options["verbosity"] > 0)
            total += done
            reconcile(now=database_now(using), using=using)
            if not done:
                break
        self._report(wanted, total, options, using)

    def _wanted(self, options: dict[str, Any], using: str) -> ScheduledPullQuerySet | None:
        pulls = ScheduledPull.objects.using(using)
        if options["grant"]:
            grants = choose_grants(options["grant"], using=using)
            return pulls.filter(grant__in=[grant.pk for grant in grants])
        if options["calendar"]:
            calendar = choose_calendar(options["calendar"], using=using)
            return pulls.filter(
                grant=calendar.grant_id, resource="calendar_events", key=calendar.google_id
            )
        return None

    def _pull(self, using: str, *, show: bool) -> int:
        now = database_now(using)
        usable = OAuthClient.objects.using(using).usable(now)
        due = ScheduledPull.objects.using(using).due(now).filter(client__in=usable).count()
        if not due:
            return 0
        # On standard error: the answer is on standard output.
        file = sys.stderr if show else io.StringIO()
        done = 0
        with click.progressbar(length=due, label="Pulling", file=file) as bar:
            while number := pull_due(now=database_now(using), using=using):
                done += number
                bar.update(number)
        return done

    def _report(
        self,
        wanted: ScheduledPullQuerySet | None,
        total: int,
        options: dict[str, Any],
        using: str,
    ) -> None:
        if options["verbosity"] > 0:
            self.stdout.write(f"{total} pulls done.")
        failing = (wanted if wanted is not None else ScheduledPull.objects.none()).filter(
            failure_streak__gt=0
        )
        lines = [f"{pull}: {pull.last_outcome}" for pull in failing.order_by("pk")[:20]]
        if lines:
            raise CommandError("Some fail:\n" + "\n".join(lines))
