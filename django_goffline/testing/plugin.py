"""pytest fixtures: a fake Google that the package talks to instead of the real one.

``fake_google`` answers in-process, ``fake_google_server`` over HTTP on loopback; both are ``FakeGoogle`` objects,
empty at first. pytest finds them by the entry point; rows for tests are made by
``django_goffline.testing.factories``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from ..protocol.endpoints import Endpoints
from ..protocol.transport import Transport
from .adapter import InProcessAdapter
from .fake_google import FakeGoogle, FakeGoogleServer

#: Where the in-process fake seems to be. Loopback: an ID token must not come over plain HTTP from anywhere else.
BASE_URL = "http://localhost:8800"


@contextmanager
def in_process(fake: FakeGoogle) -> Iterator[FakeGoogle]:
    """Let the package talk to ``fake`` without a socket, for as long as the block lasts; for any test runner."""
    with override_settings(GOFFLINE=_pointed_to(BASE_URL)), _answering(fake):
        yield fake


@pytest.fixture
def fake_google(settings: Any) -> Iterator[FakeGoogle]:
    """A fake Google in this process: quick, and nothing reaches a network."""
    # Under pytest-django's own fixture for settings: two that override them side by side would undo each other wrongly.
    settings.GOFFLINE = _pointed_to(BASE_URL)
    fake = FakeGoogle()
    with _answering(fake):
        yield fake


@pytest.fixture
def fake_google_server(settings: Any) -> Iterator[FakeGoogleServer]:
    """A fake Google behind a real socket: ``.url`` is its base, ``.fake`` the ``FakeGoogle``."""
    with FakeGoogleServer(FakeGoogle()) as server:
        settings.GOFFLINE = _pointed_to(server.url)
        yield server


@contextmanager
def _answering(fake: FakeGoogle) -> Iterator[None]:
    from ..gateway import use_transport  # noqa: PLC0415 - plugins load before Django has settings

    adapter = InProcessAdapter(fake)
    transport = Transport(adapter=adapter, allowed_hosts=Endpoints.at(BASE_URL).hosts())
    with use_transport(transport, adapter=adapter):
        yield


def _pointed_to(base_url: str) -> dict[str, Any]:
    return {**getattr(django_settings, "GOFFLINE", {}), "ENDPOINTS": base_url}
