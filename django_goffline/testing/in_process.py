"""Lets the package talk to a fake Google in the same process, under any test runner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import override_settings

from ..protocol.endpoints import Endpoints
from ..protocol.transport import Transport
from .adapter import InProcessAdapter
from .fake_google import FakeGoogle

#: Where the in-process fake seems to be. Loopback: an ID token must not come over plain HTTP from anywhere else.
BASE_URL = "http://localhost:8800"


@contextmanager
def in_process(fake: FakeGoogle) -> Iterator[FakeGoogle]:
    """Let the package talk to ``fake`` without a socket, for as long as the block lasts."""
    with override_settings(GOFFLINE=pointed_to(BASE_URL)), answering(fake):
        yield fake


@contextmanager
def answering(fake: FakeGoogle) -> Iterator[None]:
    """Send all of the package's HTTP to ``fake``; where Google is remains the settings' word (``pointed_to``)."""
    from ..gateway import use_transport  # noqa: PLC0415 - test plugins load before Django has settings

    adapter = InProcessAdapter(fake)
    transport = Transport(adapter=adapter, allowed_hosts=Endpoints.at(BASE_URL).hosts())
    with use_transport(transport, adapter=adapter):
        yield


def pointed_to(base_url: str) -> dict[str, Any]:
    """``settings.GOFFLINE`` with its endpoints at ``base_url``."""
    return {**getattr(settings, "GOFFLINE", {}), "ENDPOINTS": base_url}
