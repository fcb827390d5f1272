"""Plays an application that talks to the fake, in-process and without any library."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django_goffline.testing.fake_google import FakeGoogle
from django_goffline.testing.fake_google.accounts import FakeClient
from django_goffline.testing.fake_google.wire import Headers, Request, Response

CALENDAR = "https://www.googleapis.com/auth/calendar"
READONLY = f"{CALENDAR}.readonly"
EVENTS = f"{CALENDAR}.events"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
CALLBACK = "https://app.example.com/callback"
ADA = "ada@example.com"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One OAuth client at work."""

    fake: FakeGoogle
    client: FakeClient
    redirect_uri: str = CALLBACK
    defaults: dict[str, str] = field(default_factory=dict)

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """An ordinary offline authorization request; None takes a parameter out."""
        wanted = {
            "client_id": self.client.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": f"openid {EMAIL} {READONLY}",
            "access_type": "offline",
            "state": "planted-state",
            **self.defaults,
            **changes,
        }
        return {name: value for name, value in wanted.items() if value is not None}

    def authorize(self, *, path: str = "/o/oauth2/v2/auth", **changes: str | None) -> Response:
        """Open the authorization URL."""
        return self.send("GET", path, query=self.parameters(**changes))

    def press(
        self, page: Response, action: str = "allow", *, email: str = ADA, scopes: list[str] | None
    ) -> Response:
        """Answer the consent page; scopes None ticks every box."""
        html = page.body.decode()
        request_id = html.partition('name="request" value="')[2].partition('"')[0]
        boxes = [part.partition('"')[0] for part in html.split('name="scope" value="')[1:]]
        form = [("request", request_id), ("account", email), ("action", action)]
        form += [("scope", scope) for scope in (boxes if scopes is None else scopes)]
        return self.send("POST", "/signin/oauth/consent", form=form)

    def callback(
        self, *, email: str = ADA, scopes: list[str] | None = None, **changes: str | None
    ) -> dict[str, str]:
        """From the URL to the parameters of the callback, with or without a page."""
        answer = self.authorize(**changes)
        if answer.status == 200:
            answer = self.press(answer, email=email, scopes=scopes)
        return arrived(answer)

    def exchange(self, code: str, **changes: str) -> Response:
        """Redeem a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
        }
        return self.token({**form, **changes})

    def connect(self, *, scopes: list[str] | None = None, **changes: str | None) -> dict[str, Any]:
        """Consent and exchange; the answer of the token endpoint."""
        answer = self.exchange(self.callback(scopes=scopes, **changes)["code"])
        assert answer.status == 200, answer.body
        return answer.json()

    def refresh(self, refresh_token: str, **changes: str) -> Response:
        """Use a refresh token."""
        return self.token(
            {"grant_type": "refresh_token", "refresh_token": refresh_token, **changes}
        )

    def token(self, form: dict[str, str]) -> Response:
        """Call the token endpoint with the client's credentials in the body."""
        credentials = {
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret,
        }
        return self.send("POST", "/token", form=list({**credentials, **form}.items()))

    def revoke(self, token: str) -> Response:
        """Call the revocation endpoint."""
        return self.send("POST", "/revoke", form=[("token", token)])

    def works(self, access_token: str) -> bool:
        """Whether an access token still opens userinfo."""
        return self.send("GET", "/v1/userinfo", bearer=access_token).status == 200

    def send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        form: list[tuple[str, str]] | None = None,
        bearer: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Any request."""
        extra = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return self.fake.handle(
            Request(
                method=method,
                path=path,
                query=list((query or {}).items()),
                headers=Headers({"Host": "fake.localhost", **extra, **(headers or {})}),
                body=urlencode(form or []).encode(),
            )
        )


def arrived(answer: Response) -> dict[str, str]:
    """The callback's parameters, in their order."""
    assert answer.status in (302, 303), answer.body
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of HTTP Basic."""
    return {"Authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def refused(answer: Response) -> tuple[int, str]:
    """Status and OAuth error of an answer."""
    return answer.status, answer.json()["error"]
