"""pytest fixtures: a fake Google that the package talks to instead of the real one.

``fake_google`` answers in-process, ``fake_google_server`` over HTTP on loopback; both are ``FakeGoogle`` objects,
empty at first. pytest finds them by the entry point; rows for tests are made by
``django_goffline.testing.factories``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .fake_google import FakeGoogle, FakeGoogleServer
from .in_process import BASE_URL, answering, pointed_to


@pytest.fixture
def fake_google(settings: Any) -> Iterator[FakeGoogle]:
    """A fake Google in this process: quick, and nothing reaches a network."""
    # Under pytest-django's own fixture for settings: two that override them side by side would undo each other wrongly.
    settings.GOFFLINE = pointed_to(BASE_URL)
    fake = FakeGoogle()
    with answering(fake):
        yield fake


@pytest.fixture
def fake_google_server(settings: Any) -> Iterator[FakeGoogleServer]:
    """A fake Google behind a real socket: ``.url`` is its base, ``.fake`` the ``FakeGoogle``."""
    with FakeGoogleServer(FakeGoogle()) as server:
        settings.GOFFLINE = pointed_to(server.url)
        yield server
