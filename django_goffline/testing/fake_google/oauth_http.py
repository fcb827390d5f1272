"""One function per OAuth endpoint: HTTP in, rules asked, HTTP out.

A path or method that Google doesn't have answers its 404 page; a GET on ``/revoke`` is one of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import authorization, client_credentials, identity, pages, tokens
from .accounts import AccessToken
from .oauth import OAuthState
from .wire import ApiError, Json, OAuthError, Request, Response, json_response

Endpoint = Callable[[OAuthState, Request], Response]

REALM = 'Bearer realm="https://accounts.google.com/"'
NO_STORE = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache"}
PUBLIC = {"Cache-Control": "public, max-age=21600, must-revalidate, no-transform"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """The account and scopes behind a valid access token."""

    email: str
    scopes: frozenset[str]


def route(oauth: OAuthState, request: Request) -> Response:
    """Answer a request outside the Calendar API. Raises ``WireError``."""
    endpoint = ROUTES.get((request.method, request.path))
    return endpoint(oauth, request) if endpoint is not None else pages.not_found()


def bearer(oauth: OAuthState, request: Request) -> Bearer:
    """Whose call to an API this is. Raises ``ApiError`` 401 with ``WWW-Authenticate``."""
    value = _bearer_value(request)
    if value is None:
        raise ApiError(
            401,
            "required",
            "Login Required",
            location="Authorization",
            location_type="header",
            headers={"WWW-Authenticate": REALM},
        )
    access = tokens.live_access_token(oauth, value)
    if access is None:
        raise ApiError(
            401,
            "authError",
            "Invalid Credentials",
            location="Authorization",
            location_type="header",
            headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
        )
    return Bearer(email=oauth.account(access.sub).email, scopes=access.scopes)


def authorize(oauth: OAuthState, request: Request) -> Response:
    """The v2 authorization endpoint: the consent page, unless no screen is needed."""
    return _consent_page(oauth, authorization.begin(oauth, request.query, version=2))


def authorize_legacy(oauth: OAuthState, request: Request) -> Response:
    """The v1 endpoint, the one that honours ``approval_prompt``."""
    return _consent_page(oauth, authorization.begin(oauth, request.query, version=1))


def consent(oauth: OAuthState, request: Request) -> Response:
    """The consent page's form."""
    form = request.form()
    if form.get("action") == "allow":
        ticked = [value for name, value in request.form_pairs() if name == "scope"]
        location = authorization.agree(
            oauth, form.get("request", ""), form.get("account", ""), ticked
        )
    else:
        location = authorization.refuse(oauth, form.get("request", ""))
    return authorization.Redirected(location, status=303).response()


def token(oauth: OAuthState, request: Request) -> Response:
    """The token endpoint: exchange and refresh."""
    form = request.form()
    grants = {"authorization_code": tokens.exchange, "refresh_token": tokens.refresh}
    grant_type = form.get("grant_type", "")
    if not grant_type:
        raise OAuthError(400, "invalid_request", "Missing required parameter: grant_type")
    if grant_type not in grants:
        raise OAuthError(400, "unsupported_grant_type", f"Invalid grant_type: {grant_type}")
    client = client_credentials.authenticated(
        request, oauth.clients, deleted_status=oauth.world.switches.deleted_client_status
    )
    return json_response(grants[grant_type](oauth, client, form), headers=NO_STORE)


def revoke(oauth: OAuthState, request: Request) -> Response:
    """The revocation endpoint; the token is in the form or the query."""
    tokens.revoke(oauth, request.form().get("token") or request.parameter("token"))
    return json_response({}, headers=NO_STORE)


def tokeninfo(oauth: OAuthState, request: Request) -> Response:
    """What an access token or an ID token is good for; refresh tokens are not accepted."""
    given = dict(request.query) | (request.form() if request.method == "POST" else {})
    if given.get("id_token"):
        return json_response(dict(identity.id_tokeninfo(oauth, given["id_token"])))
    access = tokens.live_access_token(oauth, given.get("access_token", ""))
    if access is None:
        raise OAuthError(400, "invalid_token", "Invalid Value")
    return json_response(dict(identity.tokeninfo(oauth, access)), headers=NO_STORE)


def userinfo(oauth: OAuthState, request: Request) -> Response:
    """The OpenID Connect userinfo endpoint."""
    return _identity(request, oauth, identity.userinfo)


def userinfo_legacy(oauth: OAuthState, request: Request) -> Response:
    """The v2 userinfo endpoint, with its own field names."""
    return _identity(request, oauth, identity.legacy_userinfo)


def jwks(oauth: OAuthState, request: Request) -> Response:
    """The public keys as a JWK set."""
    return json_response(oauth.keys.jwks(), headers=PUBLIC)


def certificates(oauth: OAuthState, request: Request) -> Response:
    """The public keys as PEM certificates by key id."""
    return json_response(oauth.keys.certificates(), headers=PUBLIC)


def discovery(oauth: OAuthState, request: Request) -> Response:
    """The OpenID configuration, with the URLs this request came by."""
    host = request.headers.get("Host", "127.0.0.1")
    return json_response(identity.discovery(oauth, f"http://{host}"), headers=PUBLIC)


ROUTES: dict[tuple[str, str], Endpoint] = {
    ("GET", "/o/oauth2/v2/auth"): authorize,
    ("GET", "/o/oauth2/auth"): authorize_legacy,
    ("POST", pages.CONSENT_PATH): consent,
    ("POST", "/token"): token,
    ("POST", "/oauth2/v4/token"): token,
    ("POST", "/o/oauth2/token"): token,
    ("POST", "/revoke"): revoke,
    ("GET", "/tokeninfo"): tokeninfo,
    ("POST", "/tokeninfo"): tokeninfo,
    ("GET", "/v1/userinfo"): userinfo,
    ("GET", "/oauth2/v3/userinfo"): userinfo,
    ("GET", "/oauth2/v2/userinfo"): userinfo_legacy,
    ("GET", "/oauth2/v3/certs"): jwks,
    ("GET", "/oauth2/v1/certs"): certificates,
    ("GET", "/.well-known/openid-configuration"): discovery,
}


def _consent_page(oauth: OAuthState, opened: authorization.OpenRequest) -> Response:
    return pages.consent_page(
        request_id=opened.id,
        project_id=opened.client.project_id,
        accounts=[account for account in oauth.accounts.values() if not account.blocked],
        selected=opened.hinted,
        wanted=opened.request.scopes,
        granular=authorization.is_granular(oauth, opened.hinted),
    )


def _identity(
    request: Request, oauth: OAuthState, document: Callable[[OAuthState, AccessToken], Json]
) -> Response:
    access = tokens.live_access_token(oauth, _bearer_value(request) or "")
    if access is None:
        raise OAuthError(
            401,
            "invalid_request",
            "Invalid Credentials",
            headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"'},
        )
    return json_response(document(oauth, access), headers=NO_STORE)


def _bearer_value(request: Request) -> str | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" and value.strip() else None
