"""Opaque tokens: page tokens and sync tokens carry their state, sealed against invention.

Job: a dict in, URL-safe text out, and back. Rule: a client can read no meaning from the text by
contract, and a token that was altered, or belongs to another kind of list, is refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from .wire import Json

_SEAL_BYTES = 9


class Seal:
    """Seals and opens tokens with a key of its own."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def close(self, kind: str, content: Json) -> str:
        """Text for this content; the same content gives the same text."""
        payload = json.dumps([kind, content], separators=(",", ":"), sort_keys=True).encode()
        return base64.urlsafe_b64encode(self._mark(payload) + payload).decode()

    def open(self, kind: str, text: str) -> Json | None:
        """The content, or None for a token that was not made here for this kind of list."""
        try:
            raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        except ValueError:
            return None
        mark, payload = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if not hmac.compare_digest(mark, self._mark(payload)):
            return None
        sealed_kind, content = json.loads(payload)
        return content if sealed_kind == kind and isinstance(content, dict) else None

    def _mark(self, payload: bytes) -> bytes:
        return hmac.new(self._key, payload, hashlib.sha256).digest()[:_SEAL_BYTES]


def fingerprint(content: Json) -> str:
    """A short digest of a query, to bind page tokens to it."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
