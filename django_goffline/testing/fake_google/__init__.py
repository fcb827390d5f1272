"""A fake Google for tests and demonstrations: OAuth 2.0, OpenID Connect and the Calendar API v3.

    fake = FakeGoogle()
    fake.add_account("ada@example.com")
    client = fake.add_client(redirect_uris=["http://localhost:8000/callback"])
    with FakeGoogleServer(fake) as server:
        ...  # server.url

It imports nothing from the rest of the package, nor Django: it has rules of its own, so that it can
judge. Run it by itself with ``python -m django_goffline.testing.fake_google``.
"""

from .clock import Clock
from .fake import FakeGoogle
from .faults import Fault
from .server import FakeGoogleServer
from .switches import Switches

__all__ = ["Clock", "FakeGoogle", "FakeGoogleServer", "Fault", "Switches"]
