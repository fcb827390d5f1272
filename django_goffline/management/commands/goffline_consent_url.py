"""Makes a consent link and prints it: the one line on standard output, so that a script can use it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router

from ...exceptions import ConsentRequestError, KeyRingError
from ...flows import consent
from ...models import Grant, database_now
from ..selection import choose_client, choose_grants, choose_user


class Command(BaseCommand):
    """The same as the action in the admin."""

    help = "Make a consent link and print it. It is shown once: only its hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, for what, until when."""
        parser.add_argument("--client", default="", help="name, client id or primary key")
        parser.add_argument("--user", default="", help="the user of this site who is asked")
        parser.add_argument("--email", default="", help="the Google account that must answer")
        parser.add_argument("--repairs", default="", help="the grant to repair: key or e-mail")
        parser.add_argument(
            "--scope", action="append", default=[], help="may be given several times"
        )
        parser.add_argument("--purpose", default="", help="one sentence for the person")
        parser.add_argument("--days", type=float, default=None, help="life of the link")
        parser.add_argument(
            "--direct",
            action="store_true",
            help="a direct Google URL in place of a link to this site: an hour's life",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the link. Raises ``CommandError`` that says what is wrong with the wish."""
        using = router.db_for_write(Grant)
        repairs = self._repairs(options["repairs"], using)
        client = repairs.client if repairs else choose_client(options["client"], using=using)
        user = choose_user(options["user"]) if options["user"] else None
        days = options["days"]
        try:
            started = consent.start(
                client=client,
                scopes=options["scope"],
                user=user,
                expected_email=options["email"],
                repairs=repairs,
                purpose=options["purpose"],
                lifetime=None if days is None else timedelta(days=days),
                direct=options["direct"],
                now=database_now(using),
                using=using,
            )
        except (ConsentRequestError, KeyRingError) as error:
            raise CommandError(f"No link was made: {error}.") from None
        if not (user or options["email"] or repairs):
            self.stderr.write(
                "The link names nobody: whatever account answers it waits for approval."
            )
        self.stdout.write(started.url)

    def _repairs(self, text: str, using: str) -> Grant | None:
        if not text:
            return None
        found = choose_grants(text, using=using)
        if len(found) > 1:
            keys = ", ".join(str(grant.pk) for grant in found)
            raise CommandError(f"Several grants fit: use a primary key, one of {keys}.")
        return found[0]
