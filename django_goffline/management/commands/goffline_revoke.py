"""Ends grants, here and at Google."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router

from ...flows.revoke import revoke, revoke_due
from ...models import Grant, PendingRevocation, database_now
from ..selection import choose_grants, choose_user


class Command(BaseCommand):
    """The same as the action in the admin, and Google is told at once."""

    help = (
        "Revoke grants: tokens are forgotten here, and revoked at Google. Mirrored rows stay. "
        "For Google that ends every access of the account to your Google project."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--grant", help="primary key, account id or e-mail")
        which.add_argument("--user", help="all grants of this user of the site")
        parser.add_argument(
            "--no-input", "--noinput", action="store_false", dest="ask", help="don't ask first"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, revoke, tell Google."""
        using = router.db_for_write(Grant)
        if options["user"]:
            user = choose_user(options["user"])
            rows = list(Grant.objects.using(using).filter(user=user).select_related("client"))
        else:
            rows = choose_grants(options["grant"], using=using)
        live = [grant for grant in rows if grant.state != Grant.State.REVOKED]
        if not live:
            raise CommandError("There is nothing to revoke.")
        for grant in live:
            self.stdout.write(f"{grant.pk}: {grant}, {grant.client}")
        if options["ask"] and not self._agreed(len(live)):
            raise CommandError("Nothing was revoked.")
        grants = Grant.objects.using(using).filter(pk__in=[grant.pk for grant in live])
        number = revoke(grants, now=database_now(using), using=using)
        while revoke_due(now=database_now(using), using=using):
            pass
        self.stdout.write(f"Revoked: {number}.")
        left = PendingRevocation.objects.using(using).count()
        if left:
            self.stderr.write(
                f"{left} tokens could not be revoked at Google yet; a worker goes on."
            )

    def _agreed(self, number: int) -> bool:
        return input(f"Revoke {number}? Type yes: ").strip().lower() == "yes"
