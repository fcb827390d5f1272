from __future__ import annotations

from datetime import UTC, datetime

import pytest

from django_goffline.protocol.endpoints import Endpoints
from django_goffline.protocol.oauth import ClientCredentials
from django_goffline.protocol.transport import Transport

from .wire import SECRETS, ScriptedAdapter, ScriptedServer

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def google():
    """What Google answers, call by call."""
    return ScriptedAdapter()


@pytest.fixture
def transport(google):
    return Transport(adapter=google)


@pytest.fixture
def endpoints():
    return Endpoints.at("http://127.0.0.1:8800")


@pytest.fixture
def credentials():
    return ClientCredentials("client-1", SECRETS["client_secret"])


@pytest.fixture
def server():
    with ScriptedServer().running() as running:
        yield running
