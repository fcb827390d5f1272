"""ID tokens: who answered?

Claims are checked as OpenID Connect Core §3.1.3.7 and Google's "OpenID Connect" page have them. The signature is not:
the token came from our own call to the token endpoint over verified TLS, which the specification accepts (rule 6).
Over anything but TLS or loopback the token is refused. The identity is ``sub``, never the e-mail, which can change
hands.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from .endpoints import is_loopback
from .errors import ConsentAnswerCode, ConsentAnswerError

#: Clock tolerance, in seconds.
LEEWAY = 60.0

# Google: at most 255 case-sensitive ASCII characters.
_SUB = re.compile(r"[\x21-\x7e]{1,255}")
# Seconds since 1970 beyond any date: also keeps infinities and numbers too large for a float out.
_FAR = 1e11


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The Google account behind an ID token."""

    sub: str
    email: str = ""
    email_verified: bool = False
    hosted_domain: str = ""
    name: str = ""


def read_id_token(
    raw: str | None,
    *,
    client_id: str,
    issuers: Sequence[str],
    now: datetime,
    channel_url: str,
    nonce: str | None = None,
    nonce_matches: Callable[[str], bool] | None = None,
    hosted_domain: str = "",
    leeway: float = LEEWAY,
) -> Identity:
    """The identity in an ID token that came from ``channel_url``, the token endpoint.

    The nonce is given in the clear or, where only its hash is kept, as a question. ``leeway`` is in seconds. Where a
    ``hosted_domain`` is given, the account must belong to it (``*``: to any organisation).

    Raises ``ValueError`` unless exactly one of ``nonce`` and ``nonce_matches`` is given, and ``ConsentAnswerError``
    whose ``code`` is one of ``insecure``, ``id_token_missing``, ``id_token_malformed``, ``issuer``, ``audience``,
    ``authorized_party``, ``expired``, ``issued_in_future``, ``nonce_mismatch``, ``sub_missing``, ``hosted_domain``.
    """
    if (nonce is None) == (nonce_matches is None):
        raise ValueError("give either nonce or nonce_matches")
    matches = nonce_matches or exact_nonce(nonce or "")
    if urlsplit(channel_url).scheme != "https" and not is_loopback(channel_url):
        raise _refused("insecure")
    if not raw:
        raise _refused("id_token_missing")
    claims = _claims(raw)
    if claims.get("iss") not in issuers:
        raise _refused("issuer")
    if claims.get("aud") != client_id:
        raise _refused("audience")
    if claims.get("azp", client_id) != client_id:
        raise _refused("authorized_party")
    instant = now.timestamp()
    expires, issued = _number(claims.get("exp")), _number(claims.get("iat"))
    if expires is None or expires + leeway <= instant:
        raise _refused("expired")
    if issued is None or issued - leeway > instant:
        raise _refused("issued_in_future")
    claimed = claims.get("nonce")
    if not isinstance(claimed, str) or not claimed or not matches(claimed):
        raise _refused("nonce_mismatch")
    sub = claims.get("sub")
    if not isinstance(sub, str) or not _SUB.fullmatch(sub):
        raise _refused("sub_missing")
    domain = _text(claims.get("hd"))
    if hosted_domain and not _belongs(domain, hosted_domain):
        raise _refused("hosted_domain")
    return Identity(
        sub=sub,
        email=_text(claims.get("email")),
        # A boolean in real tokens, a string in Google's own samples.
        email_verified=str(claims.get("email_verified")).lower() == "true",
        hosted_domain=domain,
        name=_text(claims.get("name")),
    )


def exact_nonce(nonce: str) -> Callable[[str], bool]:
    """A ``nonce_matches`` for a nonce that is known in the clear; compares in constant time."""
    ours = nonce.encode()
    return lambda claimed: hmac.compare_digest(claimed.encode(errors="replace"), ours)


def same_email(left: str, right: str) -> bool:
    """Whether two addresses name one Google account: case is no difference, and gmail.com is googlemail.com."""
    return bool(left.strip()) and _folded(left) == _folded(right)


def _folded(address: str) -> str:
    name, _, domain = address.strip().lower().rpartition("@")
    return f"{name}@{'gmail.com' if domain == 'googlemail.com' else domain}"


def _claims(raw: str) -> dict[str, Any]:
    parts = raw.split(".")
    claims = None
    # No error is raised in the handler: what it handles quotes the token.
    with suppress(IndexError, ValueError, RecursionError):
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    if len(parts) != 3 or not isinstance(claims, dict):
        raise _refused("id_token_malformed")
    return claims


def _refused(code: ConsentAnswerCode) -> ConsentAnswerError:
    return ConsentAnswerError(code)


def _belongs(domain: str, hosted_domain: str) -> bool:
    if hosted_domain == "*":
        return bool(domain)
    return domain.lower() == hosted_domain.lower()


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _FAR:
        return None
    return float(value)


def _text(value: object) -> str:
    # A claim that no database takes says nothing.
    return value if isinstance(value, str) and value.isprintable() else ""
