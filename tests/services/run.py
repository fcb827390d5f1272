"""``tox -e services``: what needs servers, on those that answer; a loud word about the others.

What touches the database runs on PostgreSQL and MariaDB; then real workers and beats, on every broker.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.services import servers  # noqa: E402 - the repository is not on the path of a script

#: Rooms of the suite that touch no database.
WITHOUT_DATABASE = (
    "architecture",
    "contract",
    "packaging",
    "protocol",
    "services",
    "test_lifecycle.py",
    "test_recurrence.py",
    "testing",
)
DATABASE_ROOMS = ("tests", *(f"--ignore=tests/{room}" for room in WITHOUT_DATABASE))
#: SQLite has run the rest of the mirror's histories.
HISTORIES = "30"


def main(arguments: Sequence[str]) -> int:
    """Run everything that can run; the exit status. Arguments replace the folders of the suite."""
    present = [server for server in servers.ALL if server.answers()]
    missing = [server for server in servers.ALL if server not in present]
    print(f"Servers that answer: {', '.join(server.name for server in present) or 'none'}")
    _complain(missing)
    failed = []
    for server, database in ((servers.POSTGRESQL, "postgresql"), (servers.MARIADB, "mariadb")):
        if server in present:
            folders = arguments or DATABASE_ROOMS
            given = {
                "GOFFLINE_TEST_DB": database,
                "GOFFLINE_HISTORIES": os.environ.get("GOFFLINE_HISTORIES", HISTORIES),
            }
            if _pytest(f"on {server.name}", folders, given):
                failed.append(f"the suite on {server.name}")
    if not arguments and _pytest("real workers and beats", ["tests/services"], {}):
        failed.append("real workers and beats")
    if missing and servers.required():
        failed.append("a server is missing, and GOFFLINE_REQUIRE_SERVICES is set")
    _complain(missing)
    for what in failed:
        print(f"FAILED: {what}")
    return 1 if failed else 0


def _pytest(title: str, arguments: Sequence[str], environment: dict[str, str]) -> int:
    print(f"\n=== {title} ===", flush=True)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, check=False
    ).returncode


def _complain(missing: Sequence[servers.Server]) -> None:
    for server in missing:
        print(f"!!! NOT TESTED: {server.advice()}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
