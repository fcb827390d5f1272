"""The consent of whoever sits at this terminal, for a program that has no web address."""

from __future__ import annotations

import webbrowser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router

from ...exceptions import ConsentRefusedError, ConsentRequestError, KeyRingError
from ...flows import consent
from ...models import Grant, database_now
from ..loopback import LoopbackListener, read_answer
from ..selection import choose_client, choose_user


class Command(BaseCommand):
    """A desktop client's consent: Google answers on loopback, or the final address is pasted."""

    help = (
        "Ask for your own consent in the browser of this machine, and store the grant. "
        "Needs an OAuth client of the kind 'Desktop app'."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """With which client, for what, as whom."""
        parser.add_argument("--client", default="", help="name, client id or primary key")
        parser.add_argument(
            "--user", default="", help="the user of this site that the grant is for"
        )
        parser.add_argument("--email", default="", help="the Google account that must answer")
        parser.add_argument(
            "--scope", action="append", default=[], help="may be given several times"
        )
        parser.add_argument("--no-browser", action="store_true", help="print the URL, open nothing")
        parser.add_argument(
            "--paste",
            action="store_true",
            help="the browser is on another machine: paste the address at which it ends",
        )
        parser.add_argument("--seconds", type=float, default=300.0, help="how long to wait")
        parser.add_argument(
            "--no-input", action="store_true", help="accept the account that answers, unasked"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the flow to its end. Raises ``CommandError`` that says how it ended otherwise."""
        using = router.db_for_write(Grant)
        client = choose_client(options["client"], using=using)
        user = choose_user(options["user"]) if options["user"] else None
        with LoopbackListener() as listener:
            try:
                started = consent.start(
                    client=client,
                    scopes=options["scope"],
                    user=user,
                    expected_email=options["email"],
                    direct=True,
                    loopback_redirect_uri=listener.redirect_uri,
                    now=database_now(using),
                    using=using,
                )
            except (ConsentRequestError, KeyRingError) as error:
                raise CommandError(f"Nobody was asked: {error}.") from None
            self.stdout.write(f"Open this address and agree:\n\n{started.url}\n")
            if options["paste"]:
                answer = read_answer(input("Paste the address at which the browser ended: "))
            else:
                if not options["no_browser"]:
                    webbrowser.open(started.url)
                answer = listener.wait(seconds=options["seconds"])
        if answer is None:
            raise CommandError("No answer came. Run the command again; nothing was stored.")
        try:
            completed = consent.complete(
                answer, browser_id="", user=None, now=database_now(using), using=using
            )
        except ConsentRefusedError as error:
            raise CommandError(
                f"The answer does not fit ({error.code}): run the command again."
            ) from None
        grant = completed.grant
        if grant is None:
            raise CommandError(f"No grant: {completed.outcome.label}. Run the command again.")
        if grant.reason == Grant.AWAITING_APPROVAL:
            self._approve(grant, ask=not options["no_input"], using=using)
        self.stdout.write(f"Stored: grant {grant.pk} of {grant}.")
        if completed.missing:
            self.stdout.write(f"Not granted: {', '.join(completed.missing)}.")

    def _approve(self, grant: Grant, *, ask: bool, using: str) -> None:
        """Nothing but the person at this terminal proves whose account it is."""
        if ask and input(f"{grant} answered. Is this the right account? [y/N] ").lower() not in (
            "y",
            "yes",
        ):
            raise CommandError(
                f"Grant {grant.pk} of {grant} waits, paused: approve or discard it in the admin."
            )
        consent.approve(
            Grant.objects.using(using).filter(pk=grant.pk),
            by=None,
            now=database_now(using),
            using=using,
        )
