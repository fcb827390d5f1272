"""Seals every stored secret again under the newest key."""

from __future__ import annotations

import io
import sys
from typing import Any

import click
from django.core.management.base import BaseCommand, CommandError
from django.db import router

from ...crypto import key_ring
from ...exceptions import KeyRingError
from ...flows.rotate import count_secrets, rotate
from ...models import Grant

#: Primary keys of unreadable rows that are named for each column.
NAMED = 20


class Command(BaseCommand):
    """Can be stopped and run again at any time, while workers run."""

    help = (
        "Seal every stored secret again under the first key of GOFFLINE['ENCRYPTION_KEYS']. "
        "Afterwards the older keys can be taken out. Exit status 1 if some can't be opened."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate, then name what cannot be read. Raises ``CommandError`` when something is left under an older key."""
        using = router.db_for_write(Grant)
        try:
            newest = key_ring().keys[0].id
        except KeyRingError as error:
            raise CommandError(str(error)) from None
        resealed = meanwhile = 0
        unreadable: dict[str, list[int]] = {}
        total = count_secrets(using=using)
        file = sys.stderr if options["verbosity"] > 0 else io.StringIO()
        with click.progressbar(length=total, label="Sealing", file=file) as bar:
            for step in rotate(using=using):
                bar.update(step.seen)
                resealed += step.resealed
                meanwhile += step.changed_meanwhile
                if step.unreadable:
                    unreadable.setdefault(step.column, []).extend(step.unreadable)
        self.stdout.write(f"{resealed} of {total} values are sealed again, under key {newest!r}.")
        if meanwhile:
            self.stdout.write(f"{meanwhile} were written by somebody else meanwhile: run it again.")
        for column, keys in unreadable.items():
            named = ", ".join(map(str, keys[:NAMED])) + (", …" if len(keys) > NAMED else "")
            self.stderr.write(f"{column}: {len(keys)} can't be opened (primary keys {named})")
        if unreadable:
            raise CommandError(
                "Put the key that sealed them back into GOFFLINE['ENCRYPTION_KEYS'], last, and run it again; "
                "if it is lost, import the clients again and ask the people for new consents."
            )
