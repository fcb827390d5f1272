"""Runs the fake Google, for tests and demonstrations.

Refuses outside of ``DEBUG``: whoever reaches its consent page can be any of its accounts.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...testing.fake_google import command_line


class Command(BaseCommand):
    """A thin wrapper of ``python -m django_goffline.testing.fake_google``."""

    help = "Serve a fake Google: OAuth endpoints and the Calendar API. Ctrl-C stops it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The fake's own arguments, and the way around the guard."""
        command_line.add_arguments(parser)
        parser.add_argument(
            "--allow-production", action="store_true", help="start although DEBUG is off"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until Ctrl-C. Raises ``CommandError`` when DEBUG is off or the port is taken."""
        if not settings.DEBUG and not options["allow_production"]:
            raise CommandError("DEBUG is off; if you mean it, add --allow-production")
        wanted = command_line.Options(
            host=options["host"],
            port=options["port"],
            demo=options["demo"],
            redirect_uris=tuple(options["redirect_uri"]),
            seed=options["seed"],
        )
        try:
            command_line.serve(wanted, say=self.stdout.write)
        except OSError as error:
            raise CommandError(f"can't listen on {wanted.host}:{wanted.port}: {error}") from None
        except KeyboardInterrupt:
            self.stdout.write("stopped")
