"""Attempts: one journey to Google and back, as a row.

State and nonce are stored hashed, the PKCE verifier encrypted; the attempt remembers redirect URI, issuer and
token endpoint, so that an answer is only ever taken to the server that the person was sent to (RFC 9700 §4.4,
mix-up).
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.views.decorators.debug import sensitive_variables

from ... import gateway
from ...models import ConsentAttempt, ConsentRequest, OAuthClient, token_hash
from ...protocol.oauth import authorization_url, new_nonce, new_pkce, new_state


@sensitive_variables("state", "nonce", "browser_id")
def make_attempt(
    request: ConsentRequest,
    *,
    redirect_uri: str,
    browser_id: str,
    user: AbstractBaseUser | None,
    expires_at: datetime,
    now: datetime,
    using: str,
) -> str:
    """Write an attempt of ``request`` and return where the person agrees: Google's URL, fresh in every random part.

    An empty ``browser_id`` binds it to no browser.
    """
    endpoints = gateway.endpoints()
    client = request.client
    state, nonce, pkce = new_state(), new_nonce(), new_pkce()
    ConsentAttempt.objects.using(using).create(
        request=request,
        state_hash=token_hash(state),
        code_verifier=ConsentAttempt.sealed(pkce.verifier),  # type: ignore[misc]  # the stubs take it for text
        nonce_hash=token_hash(nonce),
        browser_hash=token_hash(browser_id) if browser_id else "",
        started_by_id=None if user is None else user.pk,
        redirect_uri=redirect_uri,
        issuer=endpoints.issuer,
        token_endpoint=endpoints.token,
        created_at=now,
        expires_at=expires_at,
    )
    return authorization_url(
        endpoints,
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        scopes=request.scopes,
        state=state,
        nonce=nonce,
        code_challenge=pkce.challenge,
        login_hint=request.expected_email or _repaired_email(request),
        include_granted_scopes=request.include_granted_scopes,
        hosted_domain=client.hosted_domain,
        legacy=client.authorization_style == OAuthClient.AuthorizationStyle.LEGACY,
    )


def _repaired_email(request: ConsentRequest) -> str:
    return request.repairs.email if request.repairs is not None else ""
