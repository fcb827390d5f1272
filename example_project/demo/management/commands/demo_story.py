"""``manage.py demo_story``: the part of ``demo`` that plays the people and watches the tables."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from requests import RequestException

from demo import scenario
from demo.google import Google
from demo.judge import WrongMirrorError
from demo.scenario import StoryFailedError, Tally, Teller
from django_goffline import api
from django_goffline.models import OAuthClient

#: A person needs longer than a program.
BY_HAND_SECONDS = 3600.0


class Command(BaseCommand):
    """Tells the story; exit status 0 only if every step was verified."""

    help = "Started by `demo`: plays the people, watches the tables, says what happens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the fake is, and what is left to the person."""
        parser.add_argument("--google", default="", help="the fake's URL; empty: the real Google")
        parser.add_argument("--client-secret", type=Path, required=True)
        parser.add_argument("--by-hand", action="store_true")
        parser.add_argument("--secrets-to", type=Path, default=None)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the story; a failure is one line, not a traceback."""
        google = Google(url=options["google"]) if options["google"] else None
        tally = Tally()
        teller = Teller(write=self._line)
        try:
            self._tell(teller, google, tally, options)
        except (StoryFailedError, WrongMirrorError, RequestException) as error:
            self._line(f"demo: {tally} — FAILED")
            raise CommandError(str(error)) from error
        verdict = "ok" if google else "not verified: only Google knows"
        self._line(f"demo: {tally} — {verdict}")

    def _tell(
        self, teller: Teller, google: Google | None, tally: Tally, options: dict[str, Any]
    ) -> None:
        started = datetime.now(UTC)
        admin = scenario.make_admin()
        file = options["client_secret"]
        call_command("goffline_import_client", str(file), name="Demo", stdout=_Nowhere())
        section = next(iter(json.loads(file.read_text()).values()))
        client = OAuthClient.objects.get(client_id=section["client_id"])
        teller.say("client", "imported from client_secret.json; its secret is stored encrypted")
        link = api.start_consent(
            client=client,
            asked_by=admin,
            purpose="The demonstration",
            expected_email=scenario.EMAIL if google else "",
        ).url
        teller.say("link", "made as the admin makes it")
        seen: list[str] = [link]
        by_hand = options["by_hand"] or google is None
        if by_hand:
            teller.say("link", f"open it: {link}")
        else:
            seen += scenario.agree(teller, link).visited
        grant = scenario.wait_for_grant(
            teller, client, since=started, seconds=BY_HAND_SECONDS if by_hand else 30.0
        )
        tally.grants = 1
        scenario.wait_for_first_pull(teller, grant)
        if google is None:
            tally.calendars = grant.calendars.live().count()
            tally.events = sum(row.events.live().count() for row in grant.calendars.live())
        else:
            scenario.check_mirror(grant, google, tally)
        teller.say("pull", f"first: {tally.calendars} calendars, {tally.events} events")
        if google is not None:
            scenario.mirror_changes(teller, grant, google, tally)
            scenario.refresh_token(teller, grant, google, tally)
        if options["secrets_to"]:
            secrets = _secrets(seen, [*section.values()], client)
            options["secrets_to"].write_text(json.dumps(secrets))

    def _line(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


class _Nowhere:
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


def _secrets(urls: list[str], section: list[Any], client: OAuthClient) -> dict[str, list[str]]:
    """Every secret of the run, for a test that looks for them where they must not be."""
    queries = [dict(parse_qsl(urlsplit(url).query)) for url in urls]
    grants = list(client.grants.all())
    attempts = [
        attempt for request in client.consent_requests.all() for attempt in request.attempts.all()
    ]
    found = {
        "client secret": [value for value in section if str(value).startswith("GOCSPX-")],
        "link token": [max(urlsplit(urls[0]).path.split("/"), key=len)],
        "state": [query["state"] for query in queries if "state" in query],
        "code": [query["code"] for query in queries if "code" in query],
        "refresh token": [grant.refresh_token.reveal() for grant in grants],
        "access token": [grant.access_token.reveal() for grant in grants],
        "verifier": [attempt.code_verifier.reveal() for attempt in attempts],
    }
    return {name: sorted({value for value in values if value}) for name, values in found.items()}
