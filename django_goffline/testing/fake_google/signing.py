"""The keys that sign ID tokens, and their public halves in both forms Google serves.

RS256 (RFC 7518 section 3.3), JWK set (RFC 7517), and the map from key id to a PEM certificate. The
first key is shared by all fakes of a process: making one takes a noticeable part of a second.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from .wire import Json

# A span that no emulated clock leaves.
CERTIFICATE_FROM = datetime(2000, 1, 1, tzinfo=UTC)
CERTIFICATE_TO = datetime(2099, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One RSA key pair and its id."""

    kid: str
    private: rsa.RSAPrivateKey = field(repr=False)
    certificate: str = field(repr=False)

    def signed(self, claims: Json) -> str:
        """A compact JWS of these claims (RFC 7515 section 3.1)."""
        header = {"alg": "RS256", "kid": self.kid, "typ": "JWT"}
        content = f"{_segment(header)}.{_segment(claims)}"
        signature = self.private.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{content}.{base64url(signature)}"

    def jwk(self) -> dict[str, str]:
        """The public key as a JWK."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": self.kid,
            "n": base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
            "e": base64url(numbers.e.to_bytes(3, "big")),
        }


class SigningKeys:
    """The current key and those whose tokens are still accepted."""

    def __init__(self) -> None:
        self._keys = [_first_key()]

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self._keys[-1]

    def rotate(self) -> None:
        """Sign with a new key; the one before stays published, older ones go."""
        self._keys = [self._keys[-1], _new_key()]

    def verified(self, token: str) -> Json | None:
        """The claims of a token that one of the published keys signed; None for any other text."""
        content, _, signature = token.rpartition(".")
        header, _, claims = content.partition(".")
        try:
            kid = json.loads(_bytes(header)).get("kid")
            key = next(key for key in self._keys if key.kid == kid)
            key.private.public_key().verify(
                _bytes(signature), content.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            document = json.loads(_bytes(claims))
        except (ValueError, StopIteration, AttributeError, InvalidSignature):
            return None
        return document if isinstance(document, dict) else None

    def jwks(self) -> Json:
        """The document of ``/oauth2/v3/certs``."""
        return {"keys": [key.jwk() for key in self._keys]}

    def certificates(self) -> Json:
        """The document of ``/oauth2/v1/certs``."""
        return {key.kid: key.certificate for key in self._keys}


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _segment(document: Json) -> str:
    return base64url(json.dumps(document, separators=(",", ":")).encode())


@lru_cache(maxsize=1)
def _first_key() -> SigningKey:
    return _new_key()


def _new_key() -> SigningKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake-google.invalid")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(CERTIFICATE_FROM)
        .not_valid_after(CERTIFICATE_TO)
        .sign(private, hashes.SHA256())
    )
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return SigningKey(
        kid=hashlib.sha256(der).hexdigest()[:40],
        private=private,
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
    )
