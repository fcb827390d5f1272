"""The servers on loopback: where they are, whether they answer, how to start them."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server, its URL, and the Debian package that has it."""

    name: str
    url: str
    package: str

    def answers(self) -> bool:
        """Whether something listens there."""
        parts = urlsplit(self.url)
        try:
            socket.create_connection((parts.hostname or "", parts.port or 0), TIMEOUT).close()
        except OSError:
            return False
        return True

    def advice(self) -> str:
        """What a person can do about its absence."""
        return (
            f"{self.name} does not answer at {urlsplit(self.url).hostname}:{urlsplit(self.url).port}"
            f" — start it: docker compose up -d {self.name.lower()}"
            f"   or   apt-get install {self.package}"
        )


def _from_environment(prefix: str, *, scheme: str, user: str, port: int, name: str) -> str:
    """The URL that the suite's settings use, from the same variables."""

    def given(key: str, default: str) -> str:
        return os.environ.get(f"{prefix}{key}", default)

    password = given("PASSWORD", "")
    account = f"{given('USER', user)}:{password}" if password else given("USER", user)
    place = f"{given('HOST', '127.0.0.1')}:{given('PORT', str(port))}"
    return f"{scheme}://{account}@{place}/{given('DATABASE', name)}"


POSTGRESQL = Server(
    name="PostgreSQL",
    url=_from_environment("PG", scheme="postgresql", user="postgres", port=5432, name="postgres"),
    package="postgresql",
)
MARIADB = Server(
    name="MariaDB",
    url=_from_environment("MARIADB_", scheme="mariadb", user="root", port=3306, name="test"),
    package="mariadb-server",
)
REDIS = Server(
    name="Redis",
    url=os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"),
    package="redis-server",
)
RABBITMQ = Server(
    name="RabbitMQ",
    url=os.environ.get("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
    package="rabbitmq-server",
)
ALL = (POSTGRESQL, MARIADB, REDIS, RABBITMQ)


def required() -> bool:
    """Whether a missing server is a failure."""
    return os.environ.get("GOFFLINE_REQUIRE_SERVICES", "") not in ("", "0")
