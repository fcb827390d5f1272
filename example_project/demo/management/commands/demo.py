"""``manage.py demo``: starts everything, lets the story happen, and stays up."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from demo.google import Google
from demo.processes import Children, ProcessFailedError, free_port
from demo.scenario import ADMIN, PASSWORD

TICK_SECONDS = "1"
PULL_SECONDS = "2"
#: With the real Google: nobody waits for its changes by the second.
REAL_PULL_SECONDS = "60"


class Command(BaseCommand):
    """The supervisor: no story, no tables, only processes."""

    help = "The whole product at work: fake Google, web server, Celery worker and beat."
    # The children check and migrate; this process only looks after them.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How long, by whom, against what."""
        parser.add_argument("--once", action="store_true", help="end after the story")
        parser.add_argument("--by-hand", action="store_true", help="leave the consent to you")
        parser.add_argument(
            "--client-secret", type=Path, metavar="FILE", help="your own client, at the real Google"
        )
        parser.add_argument(
            "--port",
            type=int,
            help="of the web server (default: a free one; 8000 with the real Google)",
        )
        parser.add_argument("--pool", default="prefork", help="the worker's pool")
        parser.add_argument(
            "--secrets-to",
            type=Path,
            metavar="FILE",
            help="for tests: keep the run's secrets",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, tell, stay, stop."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        real: Path | None = options["client_secret"]
        port = options["port"] or (8000 if real else free_port())
        site = f"http://localhost:{port}" if real else f"http://127.0.0.1:{port}"
        var: Path = settings.VAR / "demo"
        shutil.rmtree(var, ignore_errors=True)
        var.mkdir(parents=True)
        google = None if real else f"http://127.0.0.1:{free_port()}"
        environment = self._environment(site=site, google=google, var=var)
        try:
            with Children(environment=environment, logs=var / "log") as children:
                self._run(children, site=site, google=google, var=var, options=options)
        except KeyboardInterrupt:
            self.stdout.write("demo: stopped")
        except ProcessFailedError as error:
            raise CommandError(str(error)) from error

    def _environment(self, *, site: str, google: str | None, var: Path) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "example.settings",
            "EXAMPLE_VAR": str(var),
            "GOFFLINE_BASE_URL": site,
            "GOFFLINE_ENDPOINTS": google or "",
            "GOFFLINE_TICK_EVERY": TICK_SECONDS,
            "GOFFLINE_PULL_EVERY": PULL_SECONDS if google else REAL_PULL_SECONDS,
        }

    def _run(
        self,
        children: Children,
        *,
        site: str,
        google: str | None,
        var: Path,
        options: dict[str, Any],
    ) -> None:
        callback = f"{site}{reverse('goffline:callback')}"
        file: Path = options["client_secret"] or var / "client_secret.json"
        if google:
            children.start(
                "google",
                *("-m", "django_goffline.testing.fake_google", "--demo"),
                *("--port", google.rpartition(":")[2], "--redirect-uri", callback),
            )
        else:
            self.stdout.write(f"demo: the client must have this redirect URI: {callback}")
        if children.run("migrate", "manage.py", "migrate", "--noinput", "--verbosity", "1"):
            log = (var / "log" / "migrate.log").read_text()
            raise ProcessFailedError(f"migrate failed:\n{log[-2000:]}")
        address = site.rpartition("/")[2].replace("localhost", "127.0.0.1")
        children.start("web", "manage.py", "runserver", "--noreload", address)
        level = os.environ.get("EXAMPLE_LOG_LEVEL", "INFO")
        celery = ("-m", "celery", "-A", "example")
        if not settings.CELERY_TASK_ALWAYS_EAGER:
            children.start(
                "worker",
                *(*celery, "worker", "--loglevel", level, "--pool", options["pool"]),
                *("--concurrency", "2", "--without-gossip", "--without-mingle"),
            )
        children.start("beat", *celery, "beat", "--loglevel", level, "--pidfile=")
        if google:
            children.wait_for_page(f"{google}/_fake/refreshes")
            file.touch(mode=0o600)
            file.write_text(json.dumps(Google(url=google).client_secret()))
        children.wait_for_page(f"{site}/admin/login/")
        story = ["manage.py", "demo_story", "--client-secret", str(file.resolve())]
        story += ["--google", google] if google else []
        story += ["--by-hand"] if options["by_hand"] else []
        if options["secrets_to"]:
            story += ["--secrets-to", str(options["secrets_to"].resolve())]
        if children.run("story", *story, quiet=False):
            raise ProcessFailedError(f"the story went wrong; logs: {children.logs}")
        if options["once"]:
            return
        self.stdout.write(
            f"demo: everything stays up. Look at {site}/admin/ ({ADMIN} / {PASSWORD}); "
            f"logs: {children.logs}; Ctrl-C stops it."
        )
        self.stdout.flush()
        while True:
            children.check()
            time.sleep(0.5)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A polite end from outside is the same as Ctrl-C."""
    raise KeyboardInterrupt
