"""The token endpoint and the life of tokens: exchange, refresh, revocation.

Rules of token life come from "Using OAuth 2.0 to Access Google APIs"; error names from RFC 6749 section
5.2; their texts and the moment a text becomes generic were observed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from . import identity, scopes
from .accounts import TESTING, AccessToken, AuthorizationRequest, Code, FakeClient, RefreshToken
from .oauth import OAuthState
from .wire import Json, OAuthError

CODE_LIFETIME = timedelta(minutes=10)
ACCESS_TOKEN_LIFETIME = timedelta(seconds=3599)
TESTING_LIFETIME = timedelta(days=7)
UNUSED_LIFETIME = timedelta(days=182)
# After this time Google has forgotten a dead token and answers a generic text.
DEATH_REMEMBERED_FOR = timedelta(hours=12)


def exchange(oauth: OAuthState, client: FakeClient, form: Mapping[str, str]) -> Json:
    """Redeem an authorization code. Raises ``OAuthError``."""
    if not form.get("code"):
        raise OAuthError(400, "invalid_request", "Missing required parameter: code")
    if not form.get("redirect_uri"):
        raise OAuthError(400, "invalid_request", "Missing parameter: redirect_uri")
    code = _redeemable(oauth, client, form["code"])
    if form["redirect_uri"] != code.request.redirect_uri:
        raise OAuthError(400, "redirect_uri_mismatch", "Bad Request")
    _check_verifier(code.request, form.get("code_verifier"))
    if oauth.account(code.sub).blocked:
        raise _account_gone()
    code.redeemed = True
    refresh = None
    if code.with_refresh_token:
        refresh = mint_refresh_token(
            oauth, client, code.sub, code.scopes, lifetime=code.lifetime, code=code.value
        )
    access = mint_access_token(
        oauth, client, code.sub, code.scopes, offline=code.request.offline, code=code.value
    )
    answer = _answer(oauth, access)
    if refresh is not None:
        answer["refresh_token"] = refresh.value
        _report_lifetime(oauth, client, refresh, answer)
    if scopes.OPENID in access.scopes:
        answer["id_token"] = identity.id_token(oauth, access, nonce=code.request.nonce)
    return answer


def refresh(oauth: OAuthState, client: FakeClient, form: Mapping[str, str]) -> Json:
    """A new access token for a refresh token. Raises ``OAuthError``."""
    if not form.get("refresh_token"):
        raise OAuthError(400, "invalid_request", "Missing required parameter: refresh_token")
    switches = oauth.world.switches
    token = _refreshable(oauth, client, form["refresh_token"])
    granted = token.scopes
    if form.get("scope"):
        granted = scopes.expanded(form["scope"].split(), add_openid=False)
        if not granted <= token.scopes:
            raise OAuthError(400, "invalid_scope", "Bad Request")
    token.last_used_at = oauth.now()
    oauth.refreshes[oauth.account(token.sub).email] += 1
    access = mint_access_token(oauth, client, token.sub, granted, offline=True, code=token.code)
    answer = _answer(oauth, access)
    if not switches.refresh_returns_scope:
        del answer["scope"]
    if switches.rotate_refresh_tokens:
        token = _rotated(oauth, client, token)
        answer["refresh_token"] = token.value
    if switches.refresh_reports_lifetime:
        _report_lifetime(oauth, client, token, answer)
    if switches.refresh_returns_id_token and scopes.OPENID in access.scopes:
        answer["id_token"] = identity.id_token(oauth, access)
    return answer


def revoke(oauth: OAuthState, value: str | None) -> None:
    """End all access of the token's person to the token's project. Raises ``OAuthError``."""
    if not value:
        raise OAuthError(400, "invalid_request", "Missing required parameter: token")
    refresh_token = oauth.refresh_tokens.get(value)
    if refresh_token is not None and time_of_death(oauth, refresh_token) is None:
        oauth.end_project_access(refresh_token.sub, refresh_token.project_id)
        return
    access = live_access_token(oauth, value)
    if access is not None:
        oauth.end_project_access(access.sub, access.project_id)
    elif not oauth.world.switches.revoke_twice_succeeds:
        raise OAuthError(400, "invalid_token", "Token expired or revoked")


def issue_grant(
    oauth: OAuthState, email: str, client_id: str, wanted: Iterable[str]
) -> dict[str, str]:
    """Consent and exchange in one step, for tests that don't want the page."""
    client = oauth.clients[client_id]
    account = oauth.accounts[email]
    granted = scopes.expanded(wanted, add_openid=oauth.world.switches.openid_added)
    consent = oauth.consent(account.sub, client.project_id)
    consent.scopes |= granted
    consent.offline_clients.add(client_id)
    refresh_token = mint_refresh_token(
        oauth, client, account.sub, granted, lifetime=account.access_lifetime
    )
    access = mint_access_token(oauth, client, account.sub, granted, offline=True)
    return {"refresh_token": refresh_token.value, "access_token": access.value}


def mint_refresh_token(
    oauth: OAuthState,
    client: FakeClient,
    sub: str,
    granted: frozenset[str],
    *,
    lifetime: timedelta | None = None,
    code: str | None = None,
) -> RefreshToken:
    """A new refresh token, stored; seven days in a project in Testing."""
    now = oauth.now()
    if client.publishing_status == TESTING and not granted <= scopes.IDENTITY:
        lifetime = min(lifetime or TESTING_LIFETIME, TESTING_LIFETIME)
    token = RefreshToken(
        value=f"1//0{oauth.world.token_text(96)}",
        sub=sub,
        client_id=client.client_id,
        project_id=client.project_id,
        scopes=granted,
        issued_at=now,
        last_used_at=now,
        expires_at=now + lifetime if lifetime is not None else None,
        code=code,
    )
    oauth.keep(token)
    return token


def mint_access_token(
    oauth: OAuthState,
    client: FakeClient,
    sub: str,
    granted: frozenset[str],
    *,
    offline: bool,
    code: str | None = None,
) -> AccessToken:
    """A new access token, stored; earlier ones stay valid."""
    token = AccessToken(
        value=f"ya29.a0{oauth.world.token_text(160)}",
        sub=sub,
        client_id=client.client_id,
        project_id=client.project_id,
        scopes=granted,
        expires_at=oauth.now() + ACCESS_TOKEN_LIFETIME,
        offline=offline,
        code=code,
    )
    oauth.access_tokens[token.value] = token
    return token


def live_access_token(oauth: OAuthState, value: str) -> AccessToken | None:
    """The access token, if it opens anything now."""
    token = oauth.access_tokens.get(value)
    if token is None or token.revoked or token.expires_at <= oauth.now():
        return None
    return None if oauth.account(token.sub).blocked else token


def time_of_death(oauth: OAuthState, token: RefreshToken) -> datetime | None:
    """When a refresh token died, of whichever cause came first; None while it lives."""
    causes = [token.died_at, token.expires_at, token.last_used_at + UNUSED_LIFETIME]
    earliest = min(cause for cause in causes if cause is not None)
    return earliest if earliest <= oauth.now() else None


def _redeemable(oauth: OAuthState, client: FakeClient, value: str) -> Code:
    code = oauth.codes.get(value)
    if code is None:
        known_form = value.startswith("4/")
        raise OAuthError(
            400, "invalid_grant", "Bad Request" if known_form else "Malformed auth code."
        )
    if code.request.client_id != client.client_id:
        raise OAuthError(400, "invalid_grant", "Bad Request")
    if code.redeemed:
        if oauth.world.switches.reused_code_revokes:
            _revoke_tokens_of(oauth, code)
        raise OAuthError(400, "invalid_grant", "Code was already redeemed.")
    if oauth.now() - code.issued_at > CODE_LIFETIME:
        raise OAuthError(400, "invalid_grant", "Bad Request")
    return code


def _check_verifier(request: AuthorizationRequest, verifier: str | None) -> None:
    # RFC 7636 section 4.6.
    if request.code_challenge is None:
        if verifier:
            raise OAuthError(400, "invalid_grant", "code_verifier or verifier is not needed.")
        return
    if not verifier:
        raise OAuthError(400, "invalid_grant", "Missing code verifier.")
    derived = verifier
    if request.code_challenge_method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        derived = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if derived != request.code_challenge:
        raise OAuthError(400, "invalid_grant", "Invalid code verifier.")


def _refreshable(oauth: OAuthState, client: FakeClient, value: str) -> RefreshToken:
    switches = oauth.world.switches
    token = oauth.refresh_tokens.get(value)
    if token is None:
        raise OAuthError(400, "invalid_grant", "Bad Request")
    if token.client_id != client.client_id:
        if switches.stranger_refresh_error == "invalid_grant":
            raise OAuthError(400, "invalid_grant", "Bad Request")
        raise OAuthError(401, "unauthorized_client", "Unauthorized")
    account = oauth.account(token.sub)
    if account.blocked:
        raise _account_gone()
    died_at = time_of_death(oauth, token)
    if died_at is not None:
        remembered = oauth.now() - died_at < DEATH_REMEMBERED_FOR
        text = "Token has been expired or revoked." if remembered else "Bad Request"
        raise OAuthError(400, "invalid_grant", text)
    if account.rapt_subtype is not None:
        subtype = account.rapt_subtype
        raise OAuthError(400, "invalid_grant", f"reauth related error ({subtype})", subtype)
    if oauth.policy_blocks(account, token.scopes):
        raise OAuthError(
            switches.admin_policy_status,
            "admin_policy_enforced",
            "Access to your account data is restricted by policies within your organization.",
        )
    if switches.first_refresh_refused and not token.refused:
        token.refused = True
        raise OAuthError(400, "invalid_grant", "Bad Request")
    return token


def _revoke_tokens_of(oauth: OAuthState, code: Code) -> None:
    for refresh_token in oauth.refresh_tokens.values():
        if refresh_token.code == code.value:
            oauth.kill(refresh_token)
    for access in oauth.access_tokens.values():
        if access.code == code.value:
            access.revoked = True


def _rotated(oauth: OAuthState, client: FakeClient, old: RefreshToken) -> RefreshToken:
    now = oauth.now()
    lifetime = old.expires_at - now if old.expires_at is not None else None
    new = mint_refresh_token(oauth, client, old.sub, old.scopes, lifetime=lifetime, code=old.code)
    new.refused = old.refused
    end = now + timedelta(seconds=oauth.world.switches.rotation_grace)
    old.expires_at = min(old.expires_at or end, end)
    return new


def _account_gone() -> OAuthError:
    return OAuthError(400, "invalid_grant", "Account has been deleted or disabled")


def _answer(oauth: OAuthState, access: AccessToken) -> Json:
    seconds = int(ACCESS_TOKEN_LIFETIME.total_seconds())
    granted = sorted(access.scopes)
    oauth.world.random.shuffle(granted)
    return {
        "access_token": access.value,
        "expires_in": str(seconds) if oauth.world.switches.expires_in_is_string else seconds,
        "scope": " ".join(granted),
        "token_type": "Bearer",
    }


def _report_lifetime(
    oauth: OAuthState, client: FakeClient, token: RefreshToken, answer: Json
) -> None:
    if token.expires_at is None:
        return
    if client.publishing_status == TESTING and not oauth.world.switches.testing_reports_lifetime:
        return
    answer["refresh_token_expires_in"] = int((token.expires_at - oauth.now()).total_seconds())
