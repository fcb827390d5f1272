"""Runs the example project's demonstration as a person would: its command, in its own process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import kombu
import psycopg
import pymysql

from . import servers

ROOT = Path(__file__).resolve().parents[2]
MANAGE = ROOT / "example_project" / "manage.py"
LAST_LINE = re.compile(
    r"demo: 1 grant, (\d+) calendars, (\d+) events, 5 changes mirrored, 1 refresh — ok"
)
#: Far beyond what a run takes; a hang must not stop the suite.
SECONDS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A demonstration that has ended."""

    status: int
    output: str
    logs: str

    def last_line(self) -> str:
        """What it said last."""
        return self.output.strip().rpartition("\n")[2]


def command(*arguments: str) -> list[str]:
    """The demonstration's command line."""
    return [sys.executable, str(MANAGE), "demo", *arguments]


def environment(var: Path, given: Mapping[str, str]) -> dict[str, str]:
    """A clean environment, with the run's files in ``var``."""
    drop = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "CELERY_BROKER_URL")
    kept = {name: value for name, value in os.environ.items() if name not in drop}
    # Here warnings are errors; those of other libraries' processes are not ours to judge.
    kept.pop("PYTHONWARNINGS", None)
    return {**kept, "EXAMPLE_VAR": str(var), "PYTHONUNBUFFERED": "1", **given}


def run(var: Path, *, arguments: Sequence[str] = (), given: Mapping[str, str]) -> Ended:
    """Run it once, to its end."""
    done = subprocess.run(
        command("--once", *arguments),
        env=environment(var, given),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=SECONDS,
        check=False,
        text=True,
    )
    logs = "\n".join(
        f"--- {path.name} ---\n{path.read_text(errors='replace')[-3000:]}"
        for path in sorted((var / "demo" / "log").glob("*.log"))
    )
    return Ended(status=done.returncode, output=done.stdout, logs=logs)


@contextmanager
def database(kind: str) -> Iterator[dict[str, str]]:
    """Environment that names a new, empty database of ``kind``; it is dropped afterwards."""
    if kind == "sqlite":
        yield {}
        return
    server = {"postgresql": servers.POSTGRESQL, "mariadb": servers.MARIADB}[kind]
    parts = urlsplit(server.url)
    name = f"goffline_demo_{uuid.uuid4().hex[:8]}"
    execute = {"postgresql": _on_postgresql, "mariadb": _on_mariadb}[kind]
    execute(f"CREATE DATABASE {name}")
    try:
        yield {"DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}"))}
    finally:
        execute(f"DROP DATABASE {name}{' WITH (FORCE)' if kind == 'postgresql' else ''}")


@contextmanager
def broker(kind: str) -> Iterator[dict[str, str]]:
    """Environment that names a broker, with a queue of this run's own; it is deleted afterwards."""
    if kind == "filesystem":
        yield {}
        return
    url = {"redis": servers.REDIS.url, "rabbitmq": servers.RABBITMQ.url}[kind]
    queue = f"goffline-demo-{uuid.uuid4().hex[:8]}"
    try:
        yield {"CELERY_BROKER_URL": url, "EXAMPLE_QUEUE": queue}
    finally:
        with kombu.Connection(url) as connection:
            kombu.Queue(queue, channel=connection.channel()).delete()


def _on_postgresql(statement: str) -> None:
    with psycopg.connect(servers.POSTGRESQL.url, autocommit=True) as connection:
        connection.execute(statement)


def _on_mariadb(statement: str) -> None:
    parts = urlsplit(servers.MARIADB.url)
    connection = pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password or "",
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
