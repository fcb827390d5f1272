"""What callers of this package may catch.

::

    GofflineError
    ├── KeyRingError                (also ImproperlyConfigured)
    ├── UnreadableSecretError       a stored secret cannot be opened with the keys at hand
    ├── OpenTransactionError        a call to Google was asked for inside an open transaction
    ├── ConsentRequestError         (also ValueError) a consent request that must not be made
    ├── ConsentRefusedError         a link or an answer that leads to no grant; ``code`` says why
    └── GrantUnusableError          no access token can be had; a subclass says why and what to do
        ├── NoGrantError            (also LookupError)
        ├── SeveralGrantsError      (also LookupError)
        ├── GrantPausedError
        ├── NeedsConsentError
        └── TryLaterError           Google or another worker stands in the way for now

Errors of the wire are in ``protocol/errors.py``. No message carries a token, code, verifier, state or client secret.
"""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured


class GofflineError(Exception):
    """Base of everything that this package raises above the wire."""


class KeyRingError(GofflineError, ImproperlyConfigured):
    """``GOFFLINE["ENCRYPTION_KEYS"]`` is missing or malformed."""


class UnreadableSecretError(GofflineError):
    """A stored secret cannot be opened: its key is gone, or the value was altered or moved."""


class OpenTransactionError(GofflineError):
    """HTTP was about to happen inside an open database transaction.

    Call it outside of ``transaction.atomic`` (a view under ``ATOMIC_REQUESTS`` needs ``non_atomic_requests``), or make
    sure of a fresh token before. In tests use ``TransactionTestCase``, or a grant whose stored token is fresh.
    """


class ConsentRequestError(GofflineError, ValueError):
    """A consent request that must not be made: unknown scope, paused client, inactive user, no redirect URI."""


class ConsentRefusedError(GofflineError):
    """A link or an answer that leads to no grant, with nothing consumed. ``code`` is a word that says why."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class GrantUnusableError(GofflineError):
    """No access token can be had from this grant now."""


class NoGrantError(GrantUnusableError, LookupError):
    """Nobody has granted this yet: make a consent link (``api.start_consent``) and send it."""


class SeveralGrantsError(GrantUnusableError, LookupError):
    """More than one grant fits: pass the grant itself, or narrow by client."""


class GrantPausedError(GrantUnusableError):
    """The grant or its client is paused: resume it in the admin."""


class NeedsConsentError(GrantUnusableError):
    """The grant is dead or lacks scopes: only a new consent repairs it."""


class TryLaterError(GrantUnusableError):
    """Google answers badly, or another worker holds the grant: try again shortly."""
