"""The fake Google: one object that answers HTTP requests from its own state and rules.

Rules never see HTTP and HTTP holds no rules: ``oauth`` and ``calendar`` are the states,
``oauth_http``, ``calendar_http`` and ``control`` their endpoints. What is common to all answers is
done here once: faults, method override, bearer tokens, pretty printing, partial responses, ETags,
gzip, the journal.

Seams of the calendar half: ``CalendarState(fake)`` gets this object (a :class:`World`) and is told of
every new account by ``create_primary(email)``; ``calendar_http.route(fake, request, account,
granted_scopes)`` is called under the lock, with the e-mail address and scopes of a valid token.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from . import control, oauth_http, representation, tokens
from .accounts import Account, FakeClient
from .calendar_http import route as calendar_route
from .calendars import CalendarState
from .clock import Clock
from .oauth import OAuthState
from .switches import Switches
from .wire import Json, Request, Response, WireError
from .world import World

CALENDAR_PREFIX = "/calendar/v3/"
CONTROL_PREFIX = "/_fake/"


class FakeGoogle(World):
    """Google's OAuth endpoints and Calendar API in one process, for tests and demonstrations.

    ``clock`` is the emulated time, ``switches`` the answers to open questions, ``seed`` makes ids and
    tokens reproducible.
    """

    def __init__(
        self, clock: Clock | None = None, switches: Switches | None = None, seed: int = 0
    ) -> None:
        super().__init__(clock=clock, switches=switches, seed=seed)
        self.oauth = OAuthState(self)
        self.calendar = CalendarState(self)
        self.oauth.on_new_account = self.calendar.create_primary

    # The conveniences that most tests start with; everything else is on ``oauth`` and ``calendar``.

    def add_account(
        self, email: str, *, name: str | None = None, hosted_domain: str | None = None
    ) -> Account:
        """A Google account; its primary calendar (id = e-mail address) exists at once."""
        return self.oauth.add_account(email, name=name, hosted_domain=hosted_domain)

    def add_client(
        self,
        *,
        kind: str = "web",
        redirect_uris: Iterable[str] = (),
        project_id: str = "demo-project",
        publishing_status: str = "production",
        test_users: Iterable[str] | None = None,
        internal_to: str | None = None,
    ) -> FakeClient:
        """An OAuth client; see :meth:`OAuthState.add_client`."""
        return self.oauth.add_client(
            kind=kind,
            redirect_uris=redirect_uris,
            project_id=project_id,
            publishing_status=publishing_status,
            test_users=test_users,
            internal_to=internal_to,
        )

    def client_secret_json(self, client_id: str, base_url: str) -> Json:
        """The file that Google's console would offer, with this fake's endpoints in it."""
        return self.oauth.client_secret_json(client_id, base_url)

    def issue_grant(self, email: str, client_id: str, scopes: Iterable[str]) -> dict[str, str]:
        """Consent without a page: ``{"refresh_token": …, "access_token": …}``."""
        with self.lock:
            return tokens.issue_grant(self.oauth, email, client_id, scopes)

    def handle(self, request: Request) -> Response:
        """Answer one request. Never raises for what a client sends; safe from several threads.

        The answer's ``delay`` and ``cut`` are for the caller to carry out.
        """
        actual = representation.overridden(request)
        with self.lock:
            if actual.path.startswith(CONTROL_PREFIX):
                return representation.encoded(request, self._controlled(actual))
            caller = self.oauth.identify(actual)
            fault = self.faults.take(actual, caller.email)
            response = fault.replacement(actual) if fault is not None else None
            if response is None:
                response = self._answered(actual)
                if fault is not None:
                    response = fault.spoil(response)
            # Under the lock: a document may share lists and dicts with the state.
            response = representation.encoded(actual, response)
            self.journal.add(
                actual,
                at=self.clock.now(),
                user=caller.email,
                client_id=caller.client_id,
                status=response.status,
                size=len(response.body),
            )
            return response

    def _answered(self, request: Request) -> Response:
        try:
            if request.path.startswith(CALENDAR_PREFIX):
                bearer = oauth_http.bearer(self.oauth, request)
                response = calendar_route(self, request, bearer.email, bearer.scopes)
                return representation.presented(request, response)
            return oauth_http.route(self.oauth, request)
        except WireError as error:
            return error.response()

    def _controlled(self, request: Request) -> Response:
        try:
            inner = replace(request, path=request.path[len(CONTROL_PREFIX) :])
            return control.route(inner, control.Controls(oauth=self.oauth, calendar=self.calendar))
        except WireError as error:
            return error.response()
