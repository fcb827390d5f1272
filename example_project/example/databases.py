"""``DATABASE_URL`` → an entry of Django's ``DATABASES``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
    "mariadb": "django.db.backends.mysql",
}


def sqlite(path: Path) -> dict[str, Any]:
    """An SQLite file that several processes share: a write-ahead log, and patience."""
    return {
        "ENGINE": ENGINES["sqlite"],
        "NAME": path,
        "OPTIONS": {"timeout": 20, "init_command": "PRAGMA journal_mode=WAL"},
    }


def from_url(url: str) -> dict[str, Any]:
    """``postgresql://user:password@host:port/name``, ``mysql://…`` (with PyMySQL) or ``sqlite:///path``.

    Raises ``KeyError`` for any other scheme.
    """
    parts = urlsplit(url)
    engine = ENGINES[parts.scheme]
    name = unquote(parts.path.removeprefix("/"))
    if engine == ENGINES["sqlite"]:
        return sqlite(Path(name))
    entry: dict[str, Any] = {
        "ENGINE": engine,
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
    }
    if engine == ENGINES["mysql"]:
        entry["OPTIONS"] = {"charset": "utf8mb4"}
        _use_pymysql()
    return entry


def _use_pymysql() -> None:
    import pymysql  # noqa: PLC0415 - an optional driver: only projects on MariaDB have it

    # The pure Python driver needs no compiler. Django asks for mysqlclient by version.
    pymysql.version_info = (2, 2, 7, "final", 0)
    pymysql.install_as_MySQLdb()
