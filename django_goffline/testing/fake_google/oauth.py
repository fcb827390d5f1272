"""The state of accounts, clients, consents and tokens, and the levers a test pulls on it.

Levers play Google's side: a person at the permissions page, a Workspace administrator, the owner of a
project at the console. What a client may ask for is decided in ``authorization`` and ``tokens``.
Sources: "Using OAuth 2.0 to Access Google APIs" (refresh token expiration), "Manage OAuth Clients".
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from . import client_credentials, scopes
from .accounts import (
    PRODUCTION,
    TESTING,
    AccessToken,
    Account,
    AdminPolicy,
    AuthorizationRequest,
    Code,
    Consent,
    FakeClient,
    RefreshToken,
)
from .signing import SigningKeys
from .wire import Json, Request
from .world import World

ISSUER = "https://accounts.google.com"
RESTORABLE_FOR = timedelta(days=30)
SECRETS_AT_A_TIME = 2
# Per account and client ID.
LIVE_REFRESH_TOKENS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose request this seems to be, for faults and the journal; nothing is proved by it."""

    email: str | None = None
    client_id: str | None = None


class OAuthState:
    """Everything Google remembers about who may do what. Use under the world's lock."""

    def __init__(self, world: World) -> None:
        self.world = world
        # The issuer claim; it doesn't follow the fake's URL, because libraries check for this value.
        self.issuer = ISSUER
        self.accounts: dict[str, Account] = {}
        self.clients: dict[str, FakeClient] = {}
        self.requests: OrderedDict[str, AuthorizationRequest] = OrderedDict()
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.consents: dict[tuple[str, str], Consent] = {}
        self.policies: dict[str, AdminPolicy] = {}
        # Successful refreshes by e-mail address.
        self.refreshes: Counter[str] = Counter()
        self.on_new_account: Callable[[str], object] = lambda email: None
        self.keys = SigningKeys()
        self._by_sub: dict[str, Account] = {}
        self._by_owner: defaultdict[tuple[str, str], list[RefreshToken]] = defaultdict(list)

    # -- accounts and clients --------------------------------------------------------------------

    def add_account(
        self, email: str, *, name: str | None = None, hosted_domain: str | None = None
    ) -> Account:
        """Create an account. Raises ``ValueError`` if the address is taken."""
        with self.world.lock:
            if email in self.accounts:
                raise ValueError(f"{email} has an account already")
            account = Account(
                sub=self.world.digits(21),
                email=email,
                name=name or email.partition("@")[0].title(),
                hosted_domain=hosted_domain,
            )
            self.accounts[email] = self._by_sub[account.sub] = account
            self.on_new_account(email)
            return account

    def add_client(
        self,
        *,
        kind: str = "web",
        redirect_uris: Iterable[str] = (),
        project_id: str = "demo-project",
        publishing_status: str = PRODUCTION,
        test_users: Iterable[str] | None = None,
        internal_to: str | None = None,
    ) -> FakeClient:
        """Create an OAuth client with one secret.

        Raises ``ValueError`` for an unknown kind or publishing status.
        """
        if kind not in ("web", "installed"):
            raise ValueError("kind is 'web' or 'installed'")
        if publishing_status not in (TESTING, PRODUCTION):
            raise ValueError("publishing_status is 'testing' or 'production'")
        with self.world.lock:
            number, name = self.world.digits(12), self.world.id_text(32)
            client = FakeClient(
                client_id=f"{number}-{name}.apps.googleusercontent.com",
                kind=kind,
                redirect_uris=list(redirect_uris),
                project_id=project_id,
                publishing_status=publishing_status,
                secrets=[self._new_secret()],
                test_users=set(test_users) if test_users is not None else None,
                internal_to=internal_to,
            )
            self.clients[client.client_id] = client
            return client

    def client_secret_json(self, client_id: str, base_url: str) -> Json:
        """The console's file: its ``auth_uri`` is the v1 endpoint, as Google's has it."""
        client = self.clients[client_id]
        base = base_url.rstrip("/")
        section: Json = {
            "client_id": client.client_id,
            "project_id": client.project_id,
            "auth_uri": f"{base}/o/oauth2/auth",
            "token_uri": f"{base}/token",
            "auth_provider_x509_cert_url": f"{base}/oauth2/v1/certs",
            "client_secret": client.client_secret,
            "redirect_uris": client.redirect_uris or ["http://localhost"],
        }
        if client.kind == "web":
            parts = map(urlsplit, client.redirect_uris)
            origins = {f"{part.scheme}://{part.netloc}": None for part in parts}
            section["javascript_origins"] = list(origins)
        return {client.kind: section}

    def account(self, sub: str) -> Account:
        """The account with this subject. Raises ``KeyError``."""
        return self._by_sub[sub]

    def consent(self, sub: str, project_id: str) -> Consent:
        """What the person has granted to the project so far; an empty one at first."""
        return self.consents.setdefault((sub, project_id), Consent())

    def policy_blocks(self, account: Account, granted: frozenset[str]) -> bool:
        """Whether an administrator restricts these scopes for the account."""
        policies = (
            self.policies.get(account.email),
            self.policies.get(account.hosted_domain or ""),
        )
        return any(policy.blocks(granted) for policy in policies if policy is not None)

    # -- levers: the person ----------------------------------------------------------------------

    def revoke_by_person(self, email: str, project_id: str | None = None) -> None:
        """The person removes an app, or all apps, at the account's permissions page."""
        with self.world.lock:
            sub = self.accounts[email].sub
            for project in {client.project_id for client in self.clients.values()}:
                if project_id in (None, project):
                    self.end_project_access(sub, project)

    def change_password(self, email: str) -> None:
        """Kills refresh tokens with Gmail scopes, and only these."""
        with self.world.lock:
            sub = self.accounts[email].sub
            for token in self.refresh_tokens.values():
                if token.sub == sub and any(map(scopes.is_gmail, token.scopes)):
                    self.kill(token)

    def limit_access(self, email: str, lifetime: timedelta | None) -> None:
        """Time-based access: the person's next consents end after ``lifetime``; None for never."""
        self.accounts[email].access_lifetime = lifetime

    # -- levers: Google and the administrator ----------------------------------------------------

    def block(self, email: str) -> None:
        """Suspend or delete the account: its tokens stop working."""
        self.accounts[email].blocked = True

    def unblock(self, email: str) -> None:
        """The account comes back, and its tokens with it."""
        self.accounts[email].blocked = False

    def admin_policy(self, who: str, restricted: Iterable[str] | None = None) -> None:
        """An administrator restricts scopes (None: all) for an e-mail address or a hosted domain."""
        granted = frozenset(restricted) if restricted is not None else None
        self.policies[who] = AdminPolicy(scopes=granted)

    def lift_admin_policy(self, who: str) -> None:
        """Take a restriction back; tokens work again."""
        self.policies.pop(who, None)

    def rapt_required(self, email: str, subtype: str = "invalid_rapt") -> None:
        """Session control: refreshes fail with this subtype until the person consents again."""
        self.accounts[email].rapt_subtype = subtype

    def expire_access_tokens(self, email: str | None = None) -> None:
        """End the access tokens of one account, or of all, now; refresh tokens live on."""
        with self.world.lock:
            sub = self.accounts[email].sub if email is not None else None
            for token in self.access_tokens.values():
                if sub in (None, token.sub):
                    token.expires_at = min(token.expires_at, self.now())

    # -- levers: the owner of the project --------------------------------------------------------

    def delete_client(self, client_id: str) -> None:
        """Delete the client; it can be restored for 30 days."""
        self.clients[client_id].deleted_at = self.now()

    def restore_client(self, client_id: str) -> None:
        """Bring a deleted client back. Raises ``ValueError`` after 30 days."""
        client = self.clients[client_id]
        if client.deleted_at is not None and self.now() - client.deleted_at > RESTORABLE_FOR:
            raise ValueError("deleted more than 30 days ago")
        client.deleted_at = None

    def rotate_secret(self, client_id: str) -> str:
        """Add a second secret and return it; both work until :meth:`disable_old_secret`.

        Raises ``ValueError`` if there are two already.
        """
        client = self.clients[client_id]
        if len(client.secrets) >= SECRETS_AT_A_TIME:
            raise ValueError("a client holds two secrets at most; disable the old one first")
        client.secrets.append(self._new_secret())
        return client.client_secret

    def disable_old_secret(self, client_id: str) -> None:
        """From now on only the newest secret is accepted; grants are untouched."""
        client = self.clients[client_id]
        client.secrets[:] = client.secrets[-1:]

    # -- tokens ----------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The emulated time."""
        return self.world.clock.now()

    def keep(self, token: RefreshToken) -> None:
        """Store a new refresh token; the 101st of one account and client kills the oldest."""
        siblings = self._by_owner[token.sub, token.client_id]
        siblings[:] = [sibling for sibling in siblings if sibling.died_at is None]
        siblings.append(token)
        self.refresh_tokens[token.value] = token
        if len(siblings) > LIVE_REFRESH_TOKENS:
            self.kill(siblings.pop(0))

    def kill(self, token: RefreshToken) -> None:
        """End a refresh token now, unless it is dead already."""
        if token.died_at is None:
            token.died_at = self.now()

    def end_project_access(self, sub: str, project_id: str) -> None:
        """Kill every token of person × project, through all its clients, and forget the consent."""
        for refresh in self.refresh_tokens.values():
            if refresh.sub == sub and refresh.project_id == project_id:
                self.kill(refresh)
        for access in self.access_tokens.values():
            if access.sub == sub and access.project_id == project_id:
                access.revoked = True
        self.consents.pop((sub, project_id), None)

    def identify(self, request: Request) -> Caller:
        """Whose request this seems to be: by bearer token, form fields, or query; proves nothing."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._caller_of(value)
        if request.path.startswith("/calendar/"):
            return Caller()
        form = dict(request.query) | (request.form() if request.method == "POST" else {})
        for name in ("refresh_token", "code", "token", "access_token"):
            if name in form:
                caller = self._caller_of(form[name])
                if caller.email is not None:
                    return caller
        email = form.get("account") or form.get("login_hint")
        return Caller(
            email=email if email in self.accounts else None,
            client_id=client_credentials.claimed_client_id(request),
        )

    def _caller_of(self, value: str) -> Caller:
        token = self.access_tokens.get(value) or self.refresh_tokens.get(value)
        if token is not None:
            return Caller(email=self.account(token.sub).email, client_id=token.client_id)
        code = self.codes.get(value)
        if code is not None:
            return Caller(email=self.account(code.sub).email, client_id=code.request.client_id)
        return Caller()

    def _new_secret(self) -> str:
        return f"GOCSPX-{self.world.token_text(28)}"
