"""What all suites share: the fake Google, a Celery app that needs no broker, and a record of nudges."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from celery import Celery
from django.db import connections
from hypothesis import settings as hypothesis_settings

from django_goffline import nudges

# By name and not as a plugin: where the package is installed, its entry point has registered the module already.
from django_goffline.testing.plugin import fake_google, fake_google_server  # noqa: F401

# A busy machine is no failure: examples have no deadline of their own.
hypothesis_settings.register_profile("suite", deadline=None)
hypothesis_settings.load_profile("suite")

celery_app = Celery("tests", broker="memory://", set_as_current=True)
celery_app.config_from_object("django.conf:settings", namespace="CELERY")
celery_app.set_default()
celery_app.autodiscover_tasks(["django_goffline"], force=True)


@pytest.fixture(autouse=True)
def nudges_sent(monkeypatch):
    """Names of the tasks that were nudged, in order, once for each copy; nothing is sent."""
    sent = []
    nudges.forget_broker_trouble()
    monkeypatch.setattr(Celery, "send_task", lambda self, name, *args, **options: sent.append(name))
    return sent


@pytest.fixture
def statements():
    """``with statements() as texts:`` collects what goes into the driver: one call is one statement."""

    @contextmanager
    def collect(using="default"):
        texts = []

        def note(execute, sql, params, many, context):
            texts.append(sql)
            return execute(sql, params, many, context)

        with connections[using].execute_wrapper(note):
            yield texts

    return collect
