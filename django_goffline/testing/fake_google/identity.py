"""Who the person is: ID tokens, userinfo, tokeninfo, discovery.

Sources: OpenID Connect Core 1.0 sections 2 and 5.3; Google, "OpenID Connect" (claims, discovery
document).
"""

from __future__ import annotations

import hashlib

from . import scopes
from .accounts import AccessToken, Account
from .oauth import OAuthState
from .signing import base64url
from .wire import Json, OAuthError


def id_token(oauth: OAuthState, access: AccessToken, *, nonce: str | None = None) -> str:
    """An ID token that goes with an access token: one hour, bound to it by ``at_hash``."""
    account = oauth.account(access.sub)
    switches = oauth.world.switches
    issued_at = int(oauth.now().timestamp())
    digest = hashlib.sha256(access.value.encode()).digest()
    claims: Json = {
        "iss": oauth.issuer.partition("://")[2] if switches.issuer_without_scheme else oauth.issuer,
        "azp": access.client_id,
        "aud": access.client_id,
        "sub": account.sub,
    }
    if account.hosted_domain is not None:
        claims["hd"] = account.hosted_domain
    if scopes.EMAIL in access.scopes:
        claims["email"] = account.email
        claims["email_verified"] = "true" if switches.email_verified_is_string else True
    claims["at_hash"] = base64url(digest[:16])
    if nonce is not None:
        claims["nonce"] = nonce
    if scopes.PROFILE in access.scopes:
        claims |= _profile(account)
    claims |= {"iat": issued_at, "exp": issued_at + 3600}
    return oauth.keys.current.signed(claims)


def userinfo(oauth: OAuthState, access: AccessToken) -> Json:
    """The OpenID Connect userinfo document. Raises ``OAuthError`` without an identity scope."""
    if not access.scopes & scopes.IDENTITY:
        raise OAuthError(401, "invalid_request", "Invalid Credentials")
    account = oauth.account(access.sub)
    document: Json = {"sub": account.sub}
    if scopes.PROFILE in access.scopes:
        document |= _profile(account)
        document["picture"] = "https://lh3.googleusercontent.com/a/fake=s96-c"
    if scopes.EMAIL in access.scopes:
        document |= {"email": account.email, "email_verified": True}
    if account.hosted_domain is not None:
        document["hd"] = account.hosted_domain
    return document


def legacy_userinfo(oauth: OAuthState, access: AccessToken) -> Json:
    """The shape of the v2 endpoint: ``id`` and ``verified_email``."""
    document = userinfo(oauth, access)
    document["id"] = document.pop("sub")
    if "email_verified" in document:
        document["verified_email"] = document.pop("email_verified")
    return document


def tokeninfo(oauth: OAuthState, access: AccessToken) -> dict[str, str]:
    """What an access token is good for, every value a string."""
    account = oauth.account(access.sub)
    left = int((access.expires_at - oauth.now()).total_seconds())
    document = {
        "azp": access.client_id,
        "aud": access.client_id,
        "sub": account.sub,
        "scope": " ".join(sorted(access.scopes)),
        "exp": str(int(access.expires_at.timestamp())),
        "expires_in": str(left),
    }
    if scopes.EMAIL in access.scopes:
        document |= {"email": account.email, "email_verified": "true"}
    document["access_type"] = "offline" if access.offline else "online"
    return document


def id_tokeninfo(oauth: OAuthState, token: str) -> dict[str, str]:
    """The claims of an ID token of ours, every value a string. Raises ``OAuthError``."""
    claims = oauth.keys.verified(token)
    if claims is None or claims["exp"] <= oauth.now().timestamp():
        raise OAuthError(400, "invalid_token", "Invalid Value")
    return {
        name: value if isinstance(value, str) else str(value).lower()
        for name, value in claims.items()
    }


def discovery(oauth: OAuthState, base_url: str) -> Json:
    """The OpenID configuration with the fake's own URLs."""
    return {
        "issuer": oauth.issuer,
        "authorization_endpoint": f"{base_url}/o/oauth2/v2/auth",
        "token_endpoint": f"{base_url}/token",
        "userinfo_endpoint": f"{base_url}/v1/userinfo",
        "revocation_endpoint": f"{base_url}/revoke",
        "jwks_uri": f"{base_url}/oauth2/v3/certs",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": oauth.world.switches.iss_in_callback,
    }


def _profile(account: Account) -> dict[str, str]:
    names = {
        "name": account.name,
        "given_name": account.given_name,
        "family_name": account.family_name,
    }
    return {claim: value for claim, value in names.items() if value}
