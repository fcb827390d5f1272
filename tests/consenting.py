"""The tests' words for a consent: somebody asks, sets out, agrees at Google, comes back.

Everything runs in this process; the fake judges what is sent to it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import requests
from django.utils import timezone

from django_goffline.flows import consent
from django_goffline.models import ConsentAttempt, ConsentRequest, OAuthClient
from django_goffline.testing import browser
from django_goffline.testing.adapter import InProcessAdapter
from django_goffline.testing.factories import make_client
from django_goffline.testing.fake_google import FakeGoogle, Fault

ADA = "ada@example.com"
BOB = "bob@example.com"
BROWSER = "the-browser-of-the-person-0123456789"


def google_session(fake: FakeGoogle) -> requests.Session:
    """A browser session that reaches the fake without a socket."""
    session = requests.Session()
    session.mount("http://", InProcessAdapter(fake))
    return session


@dataclass(slots=True)
class Consents:
    """A site with one OAuth client at the fake, and two people with Google accounts."""

    fake: FakeGoogle
    client: OAuthClient = None
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self):
        self.client = self.client or make_client(self.fake)
        for email in (ADA, BOB):
            self.fake.add_account(email)

    def ask(self, **wish) -> consent.StartedConsent:
        """Make a request; now, of nobody in particular, unless ``wish`` says more."""
        return consent.start(
            **({"client": self.client, "now": self.now, "using": "default"} | wish)
        )

    def set_out(self, request: ConsentRequest, *, browser_id=BROWSER, user=None, now=None) -> str:
        """Start an attempt; Google's URL."""
        return consent.open(
            request, browser_id=browser_id, user=user, now=now or self.now, using="default"
        )

    def agree(self, google_url: str, *, email=ADA, scopes=None) -> str:
        """Say yes at Google; the callback URL."""
        return browser.agree(
            google_url, email=email, scopes=scopes, session=google_session(self.fake)
        )

    def refuse(self, google_url: str, *, email=ADA) -> str:
        """Say no at Google; the callback URL."""
        return browser.refuse(google_url, email=email, session=google_session(self.fake))

    def come_back(self, callback_url: str, *, browser_id=BROWSER, user=None, now=None, **changed):
        """Hand Google's answer to the flow, with parameters ``changed``."""
        return consent.complete(
            read(callback_url, **changed),
            browser_id=browser_id,
            user=user,
            now=now or self.now,
            using="default",
        )

    def whole(self, *, email=ADA, ticked=None, user=None, **wish):
        """A consent from the wish to its end; ``ticked`` None: every box."""
        started = self.ask(user=user, **wish)
        return self.come_back(
            self.agree(self.set_out(started.request, user=user), email=email, scopes=ticked),
            user=user,
        )

    @property
    def exchanges(self) -> int:
        """How many requests the token endpoint has seen."""
        return self.fake.journal.count(path=r"/token$")


def parameters(url: str) -> dict[str, str]:
    """The parameters of a URL, each of which must be there once."""
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


def read(callback_url: str, **changed) -> consent.CallbackAnswer:
    """Google's answer as the callback view reads it."""
    values = parameters(callback_url) | changed
    names = ("state", "code", "error", "error_subtype", "iss")
    return consent.CallbackAnswer(**{name: values.get(name, "") for name in names})


def only_attempt() -> ConsentAttempt:
    """The one attempt there is."""
    return ConsentAttempt.objects.get()


def later(now: datetime, **duration) -> datetime:
    """Some time after ``now``."""
    return now + timedelta(**duration)


def id_token(**claims) -> str:
    """An ID token with these claims; unsigned, as nobody checks a signature that came over TLS."""
    parts = [{"alg": "RS256", "kid": "none"}, {k: v for k, v in claims.items() if v is not None}]
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    ]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


def answer_exchange(site: Consents, google_url: str, *, answer=(), **claims) -> None:
    """Let the next exchange succeed with an answer of our making: ``answer`` and ``claims`` differ from a good one."""
    asked = parameters(google_url)
    instant = site.now.timestamp()
    good = {
        "iss": "https://accounts.google.com",
        "aud": asked["client_id"],
        "azp": asked["client_id"],
        "sub": "1234567890",
        "email": ADA,
        "email_verified": True,
        "nonce": asked["nonce"],
        "iat": int(instant),
        "exp": int(instant) + 3600,
    }
    body = {
        "access_token": "ya29.planted-access-token",
        "refresh_token": "1//planted-refresh-token",
        "expires_in": 3599,
        "scope": asked["scope"],
        "token_type": "Bearer",
        "id_token": id_token(**(good | claims)),
    } | dict(answer)
    site.fake.faults.add(
        Fault(
            path=r"/token$",
            status=200,
            body={name: value for name, value in body.items() if value is not None},
        )
    )
