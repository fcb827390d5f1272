from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery import Celery
from celery.beat import Scheduler

import django_goffline
from django_goffline.schedules import beat_schedule


def test_the_entries():
    entries = beat_schedule()
    assert entries.keys() == {"goffline.tick", "goffline.prune"}
    assert all(entry["task"] == name for name, entry in entries.items())
    assert entries["goffline.tick"]["schedule"] == 30
    assert entries["goffline.tick"]["options"] == {"expires": 30}


def test_other_intervals_and_queues():
    tick = beat_schedule(tick_every=10, queue="google")["goffline.tick"]
    assert (tick["schedule"], tick["options"]) == (10, {"expires": 10, "queue": "google"})


def test_the_default_scheduler_takes_them():
    app = Celery("beat", broker="memory://", set_as_current=False)
    app.conf.beat_schedule = beat_schedule()
    scheduler = Scheduler(app=app, lazy=True)
    scheduler.setup_schedule()
    entry = scheduler.schedule["goffline.tick"]
    assert entry.schedule.run_every == timedelta(seconds=30)
    entry.last_run_at = datetime.now(UTC) - timedelta(seconds=31)
    assert entry.is_due().is_due
    assert entry.options["expires"] == 30


WITH_A_TABLE = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django_celery_beat"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from celery import Celery
from django_celery_beat.schedulers import DatabaseScheduler
from django_goffline.schedules import beat_schedule
app = Celery("beat", broker="memory://")
app.conf.beat_schedule = beat_schedule()
scheduler = DatabaseScheduler(app=app, lazy=True)
scheduler.setup_schedule()
for name in ("goffline.tick", "goffline.prune"):
    entry = scheduler.schedule[name]
    print(name, entry.task, entry.schedule.run_every.total_seconds())
"""


def test_the_scheduler_with_a_table_takes_them():
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
        "goffline.tick goffline.tick 30.0",
        "goffline.prune goffline.prune 21600.0",
    ]
