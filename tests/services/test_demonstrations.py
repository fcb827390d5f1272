"""The same scenario on every database, broker, pool and scheduler that the package is for."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from . import demonstrations, servers

pytestmark = pytest.mark.services


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Where a demonstration runs."""

    database: str = "sqlite"
    broker: str = "filesystem"
    pool: str = "prefork"
    given: dict[str, str] = field(default_factory=dict)
    needs: tuple[servers.Server, ...] = ()


CASES = {
    "postgresql-rabbitmq-prefork": Case(
        database="postgresql",
        broker="rabbitmq",
        needs=(servers.POSTGRESQL, servers.RABBITMQ),
    ),
    "postgresql-redis-prefork": Case(
        database="postgresql",
        broker="redis",
        needs=(servers.POSTGRESQL, servers.REDIS),
    ),
    "mariadb-redis-threads": Case(
        database="mariadb",
        broker="redis",
        pool="threads",
        needs=(servers.MARIADB, servers.REDIS),
    ),
    "embedded-prefork-django-celery-beat": Case(given={"EXAMPLE_BEAT": "django"}),
    "embedded-threads": Case(pool="threads"),
    "embedded-gevent": Case(pool="gevent"),
    "embedded-solo": Case(pool="solo"),
    "embedded-eager": Case(given={"EXAMPLE_EAGER": "1"}),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_scenario(case, tmp_path):
    for server in case.needs:
        if not server.answers():
            # tests/services/run.py says so loudly, and fails where servers are required.
            pytest.skip(server.advice())
    with (
        demonstrations.database(case.database) as database,
        demonstrations.broker(case.broker) as broker,
    ):
        ended = demonstrations.run(
            tmp_path, arguments=["--pool", case.pool], given={**case.given, **database, **broker}
        )
    assert ended.status == 0, f"{ended.output}\n{ended.logs}"
    assert demonstrations.LAST_LINE.fullmatch(ended.last_line()), ended.output
