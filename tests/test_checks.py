"""System checks: each mistake has its id, its instruction, and no false alarm."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.core import checks
from django.db import connection
from django.test import override_settings
from django.utils import timezone

import django_goffline
from django_goffline.checks.kinds import KINDS
from django_goffline.checks.settings import see
from django_goffline.conf import NAMES, GofflineSettings
from django_goffline.models import OAuthClient
from django_goffline.testing.factories import make_client, make_grant, make_pull

KEY = "k1:" + "A" * 43
GOOD = {"BASE_URL": "https://example.com", "ENCRYPTION_KEYS": [KEY]}


def found(databases=None, **settings):
    """Ids of this package's messages under these settings, W002 aside."""
    with override_settings(GOFFLINE={**GOOD, **settings}):
        return {message.id for message in messages(databases)} - {"goffline.W002"}


def messages(databases=None):
    return [
        message
        for message in checks.run_checks(databases=databases)
        if message.id.startswith("goffline.")
    ]


def only(id_, **settings):
    with override_settings(GOFFLINE={**GOOD, **settings}):
        (message,) = [message for message in messages() if message.id == f"goffline.{id_}"]
    return message


def test_good_settings_and_defaults_pass():
    defaults = {name: vars(GofflineSettings)[name] for name in NAMES}
    assert found() == set()
    assert found(**{**defaults, **GOOD}) == set()


@pytest.mark.parametrize(
    ("id_", "settings"),
    [
        ("E001", {"ENCRYPTION_KEYS": []}),
        ("E002", {"ENCRYPTION_KEYS": ["k1:short"]}),
        ("E002", {"ENCRYPTION_KEYS": [KEY, KEY]}),
        ("E007", {"ENCRYPTION_KEYS": KEY}),
        ("W001", {"BASE_URL": ""}),
        ("E003", {"BASE_URL": "example.com"}),
        ("E003", {"BASE_URL": "localhost:8000"}),
        ("E003", {"BASE_URL": "https://example.com/?a=b"}),
        ("E003", {"BASE_URL": "https://192.0.2.7"}),
        ("E003", {"BASE_URL": "https://intranet"}),
        ("E003", {"BASE_URL": "https://user:pass@example.com"}),
        ("E003", {"BASE_URL": "https://example.com/#top"}),
        ("E003", {"BASE_URL": "https://[example.com"}),
        ("E003", {"BASE_URL": "ftp://example.com"}),
        ("E004", {"BASE_URL": "http://example.com"}),
        ("E007", {"BASE_URL": None}),
        ("E005", {"ENDPOINTS": "https://proxy.example.com"}),
        ("E005", {"ENDPOINTS": {"token": "https://proxy.example.com/token"}}),
        ("E004", {"ENDPOINTS": "http://proxy.example.com", "ALLOW_FOREIGN_ENDPOINTS": True}),
        ("E007", {"ENDPOINTS": "proxy.example.com"}),
        ("E007", {"ENDPOINTS": {"tokens": "https://example.com"}}),
        ("E007", {"ENDPOINTS": {"calendar": "https://www.googleapis.com/calendar/v3"}}),
        ("E007", {"ENDPOINTS": 7}),
        ("E006", {"BASE_ULR": "https://example.com"}),
        ("E007", {"HTTP_TIMEOUT": 100}),
    ],
)
def test_each_mistake_has_its_own_id(id_, settings):
    assert found(**settings) == {f"goffline.{id_}"}


@pytest.mark.parametrize(
    "settings",
    [
        {"BASE_URL": "http://localhost:8000"},
        {"BASE_URL": "http://127.0.0.1:8000"},
        {"BASE_URL": "https://example.com/below"},
        {"ENDPOINTS": "http://localhost:8800"},
        {"ENDPOINTS": "https://proxy.example.com", "ALLOW_FOREIGN_ENDPOINTS": True},
        {"ENDPOINTS": {"token": "https://oauth2.googleapis.com/token"}},
        {"PULL_EVERY": {"calendar_events": 60}},
        {"OCCURRENCE_WINDOW": [0, 7]},
        {"ENCRYPTION_KEYS": (KEY, "k2:" + "B" * 43)},
    ],
)
def test_what_is_right_raises_no_alarm(settings):
    assert found(**settings) == set()


WRONG = {
    "ALLOW_FOREIGN_ENDPOINTS": "yes",
    "ATTEMPT_LIFETIME": 0,
    "BASE_URL": b"https://example.com",
    "CHUNK_SIZE": 0,
    "CONCURRENCY": "16",
    "CONSENT_LIFETIME": timedelta(days=7),
    "CONSENT_LOGIN": "everybody",
    "DEFAULT_SCOPES": ["calendar.readonly"],
    "DIRECT_URL_LIFETIME": 90_000,
    "DRAIN_SECONDS": -1,
    "ENCRYPTION_KEYS": "a string",
    "ENDPOINTS": "google.com",
    "HTTP_TIMEOUT": True,
    "KEEP_ALIVE": 365 * 86400,
    "KEEP_ACTIVITY_DAYS": 0,
    "KEEP_METRICS_DAYS": 1.5,
    "KEEP_REMOVED_DAYS": None,
    "LEASE_SECONDS": "long",
    "MAX_DRAINS": 0,
    "OCCURRENCE_WINDOW": 30,
    "PULL_EVERY": {"calendar_events": 0},
    "QUEUE": None,
    "REFRESH_AHEAD": 3600,
    "TICK_EVERY": float("nan"),
}


def test_every_setting_has_a_kind_and_an_example_of_a_wrong_value():
    assert set(KINDS) == NAMES == set(WRONG)


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_value_of_the_wrong_kind_is_named(name):
    message = only("E007", **{name: WRONG[name]})
    assert f"GOFFLINE['{name}']" in message.msg


def test_a_misspelt_scope_names_the_nearest():
    message = only("E007", DEFAULT_SCOPES=["https://www.googleapis.com/auth/calendar.readonl"])
    assert "did you mean 'https://www.googleapis.com/auth/calendar.readonly'" in message.msg


def test_an_unknown_name_names_the_nearest():
    assert "'PULL_EVERY'" in only("E006", PULL_EVREY=60).hint
    assert "Take it out" in only("E006", QQQQ=1).hint


def test_a_goffline_that_is_no_dict_is_one_error():
    with override_settings(GOFFLINE=["BASE_URL"]):
        assert {m.id for m in messages()} >= {"goffline.E007", "goffline.E001"}


def test_no_key_is_the_same_error_under_debug():
    with override_settings(DEBUG=True, SECRET_KEY="x" * 60):
        assert "goffline_generate_key" in only("E001", ENCRYPTION_KEYS=[]).hint


def test_hints_are_instructions_that_name_their_entry():
    wrong = {**WRONG, "BASE_ULR": 1, "BASE_URL": ""}
    with override_settings(GOFFLINE=wrong):
        for message in messages():
            id_ = message.id.rpartition(".")[2]
            assert message.hint.endswith(see(id_))
            assert re.match(r"[A-Z].*\.", message.hint)


def test_no_message_holds_a_key():
    broken = "k1:" + "S" * 40
    assert "SSSS" not in str(only("E002", ENCRYPTION_KEYS=[broken]))


# ── the beat ──────────────────────────────────────────────────────────────────

TICK = {"anything": {"task": "goffline.tick", "schedule": 30}}


@pytest.fixture
def beat():
    before = current_app.conf.beat_schedule

    def set_to(schedule):
        current_app.conf.beat_schedule = schedule

    set_to({})
    yield set_to
    set_to(before)


def has_w002(databases=None):
    return "goffline.W002" in {message.id for message in messages(databases)}


def test_a_schedule_without_a_tick_is_a_warning(beat):
    assert has_w002()
    beat({"other": {"task": "goffline.prune", "schedule": 30}})
    assert has_w002()
    beat(TICK)
    assert not has_w002()


def test_the_schedule_in_djangos_settings_counts_too(beat):
    with override_settings(CELERY_BEAT_SCHEDULE=TICK):
        assert not has_w002()


@pytest.fixture
def periodic_tasks(monkeypatch):
    """django-celery-beat as installed, its table as a list."""
    from django_goffline.checks import beat as module

    class Rows:
        tasks: list[str] = []

        def using(self, alias):
            return self

        def filter(self, *, task, enabled):
            self.wanted = task
            return self

        def exists(self):
            return self.wanted in self.tasks

    class Task:
        _default_manager = Rows()

    class Config:
        def get_model(self, name):
            assert name == "PeriodicTask"
            return Task

    class Apps:
        def is_installed(self, name):
            return name == "django_celery_beat"

        def get_app_config(self, name):
            return Config()

    class Router:
        def db_for_read(self, model):
            return "default"

    monkeypatch.setattr(module, "apps", Apps())
    monkeypatch.setattr(module, "router", Router())
    return Rows


@pytest.mark.django_db
def test_with_django_celery_beat_the_tables_have_the_last_word(beat, periodic_tasks):
    assert not has_w002()
    assert has_w002(["default"])
    periodic_tasks.tasks.append("goffline.tick")
    try:
        assert not has_w002(["default"])
    finally:
        periodic_tasks.tasks.clear()


WITH_A_TABLE = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "django_celery_beat", "django_goffline"
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
from django.core.checks import run_checks
from django.core.management import call_command
def found():
    return any(message.id == "goffline.W002" for message in run_checks(databases=["default"]))
print("before the migration", found())
call_command("migrate", verbosity=0)
from django_celery_beat.models import IntervalSchedule, PeriodicTask
interval = IntervalSchedule.objects.create(every=30, period="seconds")
print("no task", found())
task = PeriodicTask.objects.create(name="ours", task="goffline.tick", interval=interval)
print("a task", found())
PeriodicTask.objects.update(enabled=False)
print("switched off", found())
"""


def test_the_real_tables_of_django_celery_beat():
    pytest.importorskip("django_celery_beat")
    # In a process of its own: this one's set of apps is fixed.
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WITH_A_TABLE],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(django_goffline.__file__).parent.parent,
        env={k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"},
    )
    assert run.stderr == ""
    assert run.stdout.splitlines() == [
        "before the migration False",
        "no task True",
        "a task False",
        "switched off True",
    ]


# ── the tables ────────────────────────────────────────────────────────────────


@pytest.mark.django_db
def test_tables_are_looked_at_only_when_asked():
    make_client(publishing_status="testing")
    assert found() == set()
    assert found(["default"]) == {"goffline.W003"}


@pytest.mark.django_db
def test_pulls_beyond_the_quota_are_a_warning():
    client = make_client(quota_per_minute=2)
    grant = make_grant(client=client)
    for key in "abc":
        make_pull(grant, resource="calendar_events", key=key)
    assert found(["default"], PULL_EVERY=90) == set()
    assert found(["default"], PULL_EVERY=80) == {"goffline.W004"}
    make_pull(grant, resource="calendar_events", key="d", interval=10)
    assert found(["default"], PULL_EVERY=3600) == {"goffline.W004"}
    grant.pulls.update(due_at=None)
    assert found(["default"], PULL_EVERY=80) == set()
    grant.pulls.update(due_at=timezone.now())
    OAuthClient.objects.update(quota_per_minute=10_000)
    assert found(["default"], PULL_EVERY=80) == set()


@pytest.mark.django_db(transaction=True)
def test_before_the_migration_there_is_nothing_to_look_at():
    table = connection.ops.quote_name(OAuthClient._meta.db_table)
    away = connection.ops.quote_name("goffline_elsewhere")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {away}")
    try:
        assert found(["default"]) == set()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {away} RENAME TO {table}")
