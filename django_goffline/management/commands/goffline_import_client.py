"""Imports an OAuth client from the JSON file that Google's console offers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router

from ...exceptions import ConsentRequestError
from ...flows.import_client import import_client
from ...gateway import redirect_uri
from ...models import OAuthClient
from ...protocol.client_secrets import ClientSecretsError


class Command(BaseCommand):
    """The same as the upload in the admin."""

    help = (
        "Import an OAuth client from the client_secret.json of Google's console; "
        "a client that is stored already gets the file's secret."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, and a name."""
        parser.add_argument("file", help="the downloaded file; - reads standard input")
        parser.add_argument("--name", default="", help="how the client is called here")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import it, and say which redirect URI to register. Raises ``CommandError`` for a file of another kind."""
        try:
            data = (
                sys.stdin.buffer.read()
                if options["file"] == "-"
                else Path(options["file"]).read_bytes()
            )
            imported = import_client(
                data, name=options["name"], using=router.db_for_write(OAuthClient)
            )
        except OSError as error:
            raise CommandError(f"Can't read {options['file']}: {error.strerror}.") from None
        except ClientSecretsError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(imported.sentence)
        try:
            self.stdout.write(f"Redirect URI: {redirect_uri(imported.client)}")
        except ConsentRequestError as error:
            self.stderr.write(f"No redirect URI yet: {error}.")
        if imported.unregistered_uri:
            self.stderr.write(
                "The file doesn't list this redirect URI: add it to the client in Google's console."
            )
