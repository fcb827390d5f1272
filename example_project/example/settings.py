"""Settings of the example project.

Without any environment it is embedded: SQLite, and a Celery broker that is a folder; all of it in
``var/``, which git ignores. By environment it runs on servers:

=========================  ========================================================================
``DATABASE_URL``           ``postgresql://…``, ``mysql://…`` (MariaDB, with PyMySQL), ``sqlite:///path``
``CELERY_BROKER_URL``      ``amqp://…``, ``redis://…``; empty: a folder
``GOFFLINE_BASE_URL``      where people reach this site (default: ``http://localhost:8000``)
``GOFFLINE_ENDPOINTS``     a fake Google's URL; empty: Google
``GOFFLINE_TICK_EVERY``    seconds between the beat's ticks
``GOFFLINE_PULL_EVERY``    seconds between pulls of a list
``EXAMPLE_VAR``            the folder for files (default: ``var/`` beside ``manage.py``)
``EXAMPLE_QUEUE``          name of the Celery queue (default: ``celery``)
``EXAMPLE_KEEP_MESSAGES``  1: the folder broker keeps messages that were read
``EXAMPLE_EAGER``          1: tasks run where they are sent, without a worker
``EXAMPLE_BEAT``           ``django``: the schedule is in the database (django-celery-beat)
``EXAMPLE_LOG_LEVEL``      level of the log on standard error (default: ``INFO``)
=========================  ========================================================================
"""

from __future__ import annotations

import os
from pathlib import Path

from django_goffline.schedules import beat_schedule

from .databases import from_url, sqlite
from .secret_files import encryption_key as new_encryption_key
from .secret_files import read_or_make, secret_key

VAR = Path(os.environ.get("EXAMPLE_VAR") or Path(__file__).resolve().parent.parent / "var")
VAR.mkdir(parents=True, exist_ok=True)

DEBUG = True
SECRET_KEY = read_or_make(VAR / "secret_key", secret_key)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ROOT_URLCONF = "example.urls"
WSGI_APPLICATION = "example.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
LOGIN_URL = "/admin/login/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASE_URL = os.environ.get("DATABASE_URL", "")
DATABASES = {"default": from_url(DATABASE_URL) if DATABASE_URL else sqlite(VAR / "db.sqlite3")}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_goffline",
    "demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

GOFFLINE = {
    "BASE_URL": os.environ.get("GOFFLINE_BASE_URL", "http://localhost:8000"),
    "ENCRYPTION_KEYS": [read_or_make(VAR / "encryption_key", new_encryption_key)],
    "ENDPOINTS": os.environ.get("GOFFLINE_ENDPOINTS") or None,
    "TICK_EVERY": float(os.environ.get("GOFFLINE_TICK_EVERY", "30")),
    "PULL_EVERY": float(os.environ.get("GOFFLINE_PULL_EVERY", "900")),
}

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "")
CELERY_BEAT_SCHEDULE = {**beat_schedule(tick_every=GOFFLINE["TICK_EVERY"])}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "celerybeat-schedule")
CELERY_BEAT_MAX_LOOP_INTERVAL = min(5.0, GOFFLINE["TICK_EVERY"])
CELERY_TASK_ALWAYS_EAGER = os.environ.get("EXAMPLE_EAGER") == "1"
CELERY_TASK_DEFAULT_QUEUE = os.environ.get("EXAMPLE_QUEUE") or "celery"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

if not CELERY_BROKER_URL:
    # kombu's filesystem transport: no server, messages are files.
    CELERY_BROKER_URL = "filesystem://localhost/"
    FOLDERS = {name: VAR / "broker" / name for name in ("messages", "control", "read")}
    for folder in FOLDERS.values():
        folder.mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "polling_interval": 0.2,
        "data_folder_in": str(FOLDERS["messages"]),
        "data_folder_out": str(FOLDERS["messages"]),
        "control_folder": str(FOLDERS["control"]),
        "store_processed": os.environ.get("EXAMPLE_KEEP_MESSAGES") == "1",
        "processed_folder": str(FOLDERS["read"]),
    }

if os.environ.get("EXAMPLE_BEAT") == "django":
    INSTALLED_APPS.append("django_celery_beat")
    CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    # Servers log whole request lines: link tokens and authorization codes are in them.
    "filters": {"redact_query": {"()": "django_goffline.log_filters.RedactQuery"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["redact_query"],
        }
    },
    "loggers": {"django.server": {"handlers": ["console"], "propagate": False}},
    "root": {"handlers": ["console"], "level": os.environ.get("EXAMPLE_LOG_LEVEL", "INFO")},
}
