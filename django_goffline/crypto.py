"""Encryption at rest: AES-GCM with a ring of keys.

A stored value reads ``gof1.<key id>.<base64url of nonce and ciphertext>``. The key's id travels with the value, so that
keys can be rotated; the model and field it belongs to are its associated data, so that a value moved to another column
is unreadable. Keys come from ``GOFFLINE["ENCRYPTION_KEYS"]`` alone: nothing is derived from ``SECRET_KEY``, nothing is
defaulted. Source of the construction: NIST SP 800-38D; 96-bit random nonces are good for 2**32 values a key.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .conf import settings
from .exceptions import KeyRingError, UnreadableSecretError

PREFIX = "gof1"
KEY_BYTES = 32
NONCE_BYTES = 12
MASK = "••••••"

_KEY = re.compile(r"(?P<id>[A-Za-z0-9_-]{1,32}):(?P<key>[A-Za-z0-9_-]{43}=?)")


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """One key of the ring: its public id and its cipher."""

    id: str
    cipher: AESGCM

    def __repr__(self) -> str:
        return f"<Key {self.id}>"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys, newest first: the first encrypts, all decrypt."""

    keys: tuple[Key, ...]

    def encrypt(self, plaintext: str, associated_data: str) -> str:
        """Seal ``plaintext`` under the newest key, bound to ``associated_data``."""
        key = self.keys[0]
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + key.cipher.encrypt(nonce, plaintext.encode(), associated_data.encode())
        return f"{PREFIX}.{key.id}.{_encode(sealed)}"

    def decrypt(self, stored: str, associated_data: str) -> str:
        """Open a stored value.

        Raises ``UnreadableSecretError`` for a value of no known form, of a key that is not in the ring, or that was
        altered or belongs to another column; the stored text is never part of the message.
        """
        prefix, _, rest = stored.partition(".")
        key_id, _, body = rest.partition(".")
        if prefix != PREFIX or not body:
            raise UnreadableSecretError(
                f"{associated_data}: not a value that this package encrypted"
            )
        key = next((key for key in self.keys if key.id == key_id), None)
        if key is None:
            raise UnreadableSecretError(
                f"{associated_data}: its key is not in GOFFLINE['ENCRYPTION_KEYS']; put the old key back, last"
            )
        try:
            sealed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            opened = key.cipher.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated_data.encode()
            )
        except (InvalidTag, binascii.Error, ValueError):
            raise UnreadableSecretError(
                f"{associated_data}: the value was altered, belongs to another column, or the key is another"
            ) from None
        return opened.decode()


def key_ring() -> KeyRing:
    """The ring in force. Raises ``KeyRingError`` when there is none or a key is malformed."""
    return _ring(tuple(settings.ENCRYPTION_KEYS))


def key_id(stored: str) -> str:
    """Id of the key that sealed a stored value, or an empty string."""
    parts = stored.split(".", 2)
    return parts[1] if len(parts) == 3 and parts[0] == PREFIX else ""


def generate_key(today: str) -> str:
    """A new entry for ``ENCRYPTION_KEYS``; ``today`` (digits) becomes part of its id: people can tell keys apart."""
    return f"k{today}{secrets.token_hex(2)}:{_encode(secrets.token_bytes(KEY_BYTES))}"


@lru_cache(maxsize=8)
def _ring(entries: Sequence[str]) -> KeyRing:
    if not entries:
        raise KeyRingError(
            "GOFFLINE['ENCRYPTION_KEYS'] is empty; `manage.py goffline_generate_key` prints a key to put there"
        )
    keys = []
    for position, entry in enumerate(entries, start=1):
        match = _KEY.fullmatch(entry) if isinstance(entry, str) else None
        if match is None:
            raise KeyRingError(
                f"GOFFLINE['ENCRYPTION_KEYS']: entry {position} is not '<id>:<base64url of {KEY_BYTES} bytes>'; "
                "`manage.py goffline_generate_key` prints one"
            )
        keys.append(
            Key(match["id"], AESGCM(base64.urlsafe_b64decode(match["key"].rstrip("=") + "=")))
        )
    if len({key.id for key in keys}) != len(keys):
        raise KeyRingError(
            "GOFFLINE['ENCRYPTION_KEYS']: two keys have the same id; every key needs its own"
        )
    return KeyRing(tuple(keys))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
