"""Shows the state of everything."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import router

from ...models import Grant, database_now
from ..state import LISTED, state


class Command(BaseCommand):
    """For people, and with ``--json`` for monitoring."""

    help = "Show clients, grants, what is due, and how late it is."

    def add_arguments(self, parser: CommandParser) -> None:
        """For whom."""
        parser.add_argument("--json", action="store_true", help="one JSON object, for monitoring")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        using = router.db_for_read(Grant)
        found = state(now=database_now(using), using=using)
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        self.stdout.write(f"Last tick: {found['tick_seen_at'] or 'never: is a beat running?'}")
        for kind, due in found["due"].items():
            late = f", the oldest for {due['late_seconds']} s" if due["number"] else ""
            self.stdout.write(f"Due to {kind}: {due['number']}{late}")
        self.stdout.write(f"Mirrored: {found['calendars']} calendars, {found['events']} events")
        for client in found["clients"]:
            self.stdout.write(self._client(client))
        for grant in found["grants"]:
            self.stdout.write(self._grant(grant))
        if len(found["grants"]) == LISTED:
            self.stdout.write("  … and more: the admin lists all.")

    def _client(self, client: dict[str, Any]) -> str:
        grants = ", ".join(f"{number} {name}" for name, number in sorted(client["grants"].items()))
        words = [f"Client {client['name']!r}: {grants or 'no grants'}"]
        if client["failing"]:
            words.append(f"{client['failing']} failing")
        if not client["usable"]:
            words.append(f"NOT USABLE ({client['paused_reason'] or 'held back by Google'})")
        words.append(
            f"about {client['calls_per_minute']} of {client['quota_per_minute']} calls a minute"
        )
        return "; ".join(words)

    def _grant(self, grant: dict[str, Any]) -> str:
        words = [f"  {grant['pk']} {grant['account']}: {grant['state']}"]
        if grant["reason"]:
            words.append(grant["reason"])
        if grant["failures"]:
            words.append(f"{grant['failures']} failures in a row")
        if grant["missing_scopes"]:
            words.append(f"lacks {' '.join(grant['missing_scopes'])}")
        if grant["diagnosis"]:
            words.append(grant["diagnosis"])
        return "; ".join(words)
