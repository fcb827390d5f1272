"""What edge tests share: an operator, and nudges that are caught."""

from __future__ import annotations

import pytest

from django_goffline import nudges

from .operator import Operator


@pytest.fixture
def operator(db):
    return Operator()


@pytest.fixture
def sent(monkeypatch, django_capture_on_commit_callbacks):
    """Names of the tasks that a block nudged: ``with sent() as names``."""
    from contextlib import contextmanager

    @contextmanager
    def block():
        names: list[str] = []
        monkeypatch.setattr(nudges, "_send", lambda app, task, copies: names.append(task))
        with django_capture_on_commit_callbacks(execute=True):
            yield names

    return block
