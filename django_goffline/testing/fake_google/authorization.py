"""The authorization endpoint: a request checked, a person's answer turned into a callback.

What is wrong before the redirect URI is proved is shown to the person (:class:`PageError`) and never
redirected; later errors return to the client (:class:`Redirected`). Sources: RFC 6749 section 4.1,
RFC 7636, RFC 9207; Google, "Using OAuth 2.0 for Web Server Applications", "OpenID Connect"; the order of
the callback's parameters and the difference between v1 and v2 were observed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from . import scopes
from .accounts import Account, AuthorizationRequest, Code, FakeClient
from .authorization_parameters import Parameters
from .oauth import OAuthState
from .pages import PageError
from .wire import Response, WireError

REQUEST_LIFETIME = timedelta(hours=1)
REMEMBERED_REQUESTS = 1000
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


class Redirected(WireError):
    """An answer that travels to the client through the browser."""

    def __init__(self, location: str, *, status: int = 302) -> None:
        super().__init__("redirected to the client")
        self.location = location
        self.status = status

    def response(self) -> Response:
        """The redirect."""
        headers = {"Location": self.location, "Cache-Control": "no-store"}
        return Response(status=self.status, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """A request that waits for its person."""

    id: str = field(repr=False)
    request: AuthorizationRequest
    client: FakeClient
    hinted: Account | None


def begin(oauth: OAuthState, query: Iterable[tuple[str, str]], *, version: int) -> OpenRequest:
    """Check an authorization request and remember it for the consent page.

    Raises ``PageError`` or ``Redirected``; the latter also with a code, when no screen is needed.
    """
    switches = oauth.world.switches
    parameters = Parameters.read(query, refuse_unlisted=switches.unlisted_parameters_refused)
    client = _client(oauth, parameters)
    redirect_uri = _redirect_uri(client, parameters)
    prompts = parameters.prompts(version=version)
    request = AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        scopes=parameters.scopes(),
        state=parameters.get("state"),
        nonce=parameters.get("nonce"),
        code_challenge=parameters.get("code_challenge"),
        code_challenge_method=parameters.challenge_method(),
        offline=parameters.offline(),
        prompts=prompts,
        # Incremental authorization is for web clients only.
        include_granted_scopes=parameters.flag("include_granted_scopes") and client.kind == "web",
        login_hint=parameters.get("login_hint"),
        opened_at=oauth.now(),
    )
    _check_for_client(oauth, request, parameters)
    hinted = _hinted(oauth, request.login_hint)
    if "none" in prompts:
        raise _without_screen(oauth, client, request, hinted)
    if not prompts and hinted is not None and _is_covered(oauth, client, request, hinted):
        raise Redirected(_granted(oauth, client, request, hinted, set(request.scopes), shown=False))
    return _remember(oauth, client, request, hinted)


def agree(oauth: OAuthState, request_id: str, email: str, ticked: Iterable[str]) -> str:
    """The person allows the ticked scopes; return the callback URL.

    Raises ``PageError``, or ``Redirected`` with an error.
    """
    request = _pending(oauth, request_id)
    client = oauth.clients[request.client_id]
    account = oauth.accounts.get(email)
    if account is None or account.blocked:
        raise PageError(400, "invalid_request", "This account is not available.")
    _check_admission(oauth, client, request, account)
    del oauth.requests[request_id]
    if "consent" not in request.prompts and _is_covered(oauth, client, request, account):
        return _granted(oauth, client, request, account, set(request.scopes), shown=False)
    chosen = set(request.scopes)
    # The page had boxes for the hinted account; whoever was chosen then may have none.
    if is_granular(oauth, _hinted(oauth, request.login_hint)) and is_granular(oauth, account):
        boxed = {s for s in chosen if scopes.canonical(s) not in scopes.IDENTITY}
        chosen -= boxed - set(ticked)
    if not chosen:
        raise Redirected(error_location(oauth, request, "access_denied"), status=303)
    return _granted(oauth, client, request, account, chosen, shown=True)


def refuse(oauth: OAuthState, request_id: str) -> str:
    """The person cancels; return the callback URL. Raises ``PageError``."""
    request = _pending(oauth, request_id)
    del oauth.requests[request_id]
    return error_location(oauth, request, "access_denied")


def is_granular(oauth: OAuthState, account: Account | None) -> bool:
    """Whether scopes have boxes of their own; an administrator's trust turns them off."""
    return oauth.world.switches.granular_consent and (account is None or account.granular)


def error_location(
    oauth: OAuthState, request: AuthorizationRequest, error: str, *, subtype: str | None = None
) -> str:
    """The callback URL that reports an error."""
    answer = [("error_subtype", subtype)] if subtype is not None else []
    answer.append(("error", error))
    if request.state is not None:
        answer.append(("state", request.state))
    if oauth.world.switches.iss_in_error_callback:
        answer.append(("iss", oauth.issuer))
    return _with_query(request.redirect_uri, answer)


def _client(oauth: OAuthState, parameters: Parameters) -> FakeClient:
    client = oauth.clients.get(parameters.required("client_id"))
    if client is None:
        raise PageError(401, "invalid_client", "The OAuth client was not found.")
    if client.deleted_at is not None:
        raise PageError(401, "deleted_client", "The OAuth client was deleted.")
    return client


def _redirect_uri(client: FakeClient, parameters: Parameters) -> str:
    uri = parameters.required("redirect_uri")
    if uri.startswith("urn:ietf:wg:oauth:2.0:oob"):
        raise PageError(400, "invalid_request", "The out-of-band flow has been blocked.")
    if uri not in client.redirect_uris and not (client.kind == "installed" and _is_loopback(uri)):
        text = f"The redirect URI in the request, {uri}, does not match a registered one."
        raise PageError(400, "redirect_uri_mismatch", text)
    return uri


def _is_loopback(uri: str) -> bool:
    # RFC 8252 section 7.3: any port at the time of the request.
    parts = urlsplit(uri)
    return parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS and not parts.fragment


def _check_for_client(
    oauth: OAuthState, request: AuthorizationRequest, parameters: Parameters
) -> None:
    if parameters.required("response_type") != "code":
        error, text = "unsupported_response_type", "Only the code flow is supported."
    elif unknown := scopes.unknown(request.scopes):
        error, text = "invalid_scope", f"Some requested scopes were invalid: {', '.join(unknown)}"
    else:
        return
    if oauth.world.switches.request_errors_redirect:
        raise Redirected(error_location(oauth, request, error))
    raise PageError(400, error, text)


def _check_admission(
    oauth: OAuthState, client: FakeClient, request: AuthorizationRequest, account: Account
) -> None:
    if client.internal_to not in (None, account.hosted_domain):
        raise PageError(403, "org_internal", "This app is internal to another organization.")
    if not client.admits(account.email):
        raise PageError(403, "access_denied", "This app is being tested and you are no tester.")
    if oauth.policy_blocks(account, scopes.expanded(request.scopes, add_openid=False)):
        if oauth.world.switches.admin_block_redirects:
            location = error_location(oauth, request, "admin_policy_enforced")
            raise Redirected(location, status=303)
        raise PageError(400, "admin_policy_enforced", "Your administrator restricts this access.")


def _hinted(oauth: OAuthState, hint: str | None) -> Account | None:
    if hint is None:
        return None
    wanted = hint.casefold()
    return next(
        (
            account
            for account in oauth.accounts.values()
            if not account.blocked and wanted in (account.email.casefold(), account.sub)
        ),
        None,
    )


def _is_covered(
    oauth: OAuthState, client: FakeClient, request: AuthorizationRequest, account: Account
) -> bool:
    """Whether the project has all this already, so that no screen is shown."""
    consent = oauth.consent(account.sub, client.project_id)
    wanted = scopes.expanded(request.scopes, add_openid=False)
    return wanted <= consent.scopes and (not request.offline or bool(consent.offline_clients))


def _without_screen(
    oauth: OAuthState, client: FakeClient, request: AuthorizationRequest, hinted: Account | None
) -> Redirected:
    account = hinted
    if account is None and request.login_hint is None and len(oauth.accounts) == 1:
        account = next(iter(oauth.accounts.values()))
    if account is None or account.blocked or not _is_covered(oauth, client, request, account):
        error = oauth.world.switches.prompt_none_error
        return Redirected(error_location(oauth, request, error, subtype="access_denied"))
    return Redirected(_granted(oauth, client, request, account, set(request.scopes), shown=False))


def _remember(
    oauth: OAuthState, client: FakeClient, request: AuthorizationRequest, hinted: Account | None
) -> OpenRequest:
    request_id = oauth.world.token_text(32)
    oauth.requests[request_id] = request
    while len(oauth.requests) > REMEMBERED_REQUESTS:
        oauth.requests.popitem(last=False)
    return OpenRequest(id=request_id, request=request, client=client, hinted=hinted)


def _pending(oauth: OAuthState, request_id: str) -> AuthorizationRequest:
    request = oauth.requests.get(request_id)
    if request is None or oauth.now() - request.opened_at > REQUEST_LIFETIME:
        raise PageError(400, "invalid_request", "This consent page has expired or was used.")
    return request


def _granted(
    oauth: OAuthState,
    client: FakeClient,
    request: AuthorizationRequest,
    account: Account,
    chosen: set[str],
    *,
    shown: bool,
) -> str:
    """Record the consent, issue a code, return the callback URL."""
    _check_admission(oauth, client, request, account)
    consent = oauth.consent(account.sub, client.project_id)
    first = client.client_id not in consent.offline_clients
    granted = scopes.expanded(chosen, add_openid=oauth.world.switches.openid_added)
    consent.scopes |= granted
    if request.include_granted_scopes:
        granted |= frozenset(consent.scopes)
    if request.offline and shown:
        consent.offline_clients.add(client.client_id)
    if shown:
        account.rapt_subtype = None
    code = Code(
        value=f"4/0A{oauth.world.token_text(69)}",
        request=request,
        sub=account.sub,
        scopes=granted,
        issued_at=oauth.now(),
        with_refresh_token=request.offline and shown and (first or "consent" in request.prompts),
        lifetime=account.access_lifetime,
    )
    oauth.codes[code.value] = code
    return _callback(oauth, request, account, code, chosen, shown=shown)


def _callback(
    oauth: OAuthState,
    request: AuthorizationRequest,
    account: Account,
    code: Code,
    chosen: set[str],
    *,
    shown: bool,
) -> str:
    listed = set(code.scopes)
    if oauth.world.switches.aliases_in_callback:
        listed |= {alias for alias, uri in scopes.ALIASES.items() if uri in code.scopes}
    shuffled = sorted(listed)
    oauth.world.random.shuffle(shuffled)
    answer = [("state", request.state)] if request.state is not None else []
    if oauth.world.switches.iss_in_callback:
        answer.append(("iss", oauth.issuer))
    answer += [("code", code.value), ("scope", " ".join(shuffled)), ("authuser", "0")]
    if account.hosted_domain is not None:
        answer.append(("hd", account.hosted_domain))
    answer.append(("prompt", "consent" if shown else "none"))
    return _with_query(request.redirect_uri, answer)


def _with_query(uri: str, pairs: list[tuple[str, str]]) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(pairs)}"
