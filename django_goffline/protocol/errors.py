"""What an answer of Google can mean: one exception for each meaning.

::

    GoogleError
    ├── TransientError              try again later
    │   ├── DeadlineExceeded        no time was left for the call
    │   └── AnswerError             an answer that cannot be read
    ├── ThrottledError              hold back a user or a client; ``scope`` says which
    ├── TokenRejectedError          refresh the access token once, repeat once
    ├── CursorDeadError             sync or page token is dead: full run
    ├── GrantDeadError              refresh token is dead: the person must agree again
    ├── PolicyError                 a Workspace administrator stands in the way; keep the token
    ├── ScopeMissingError           the token does not cover this feature
    ├── ClientBrokenError           OAuth client or its project: pause the client, blame no user
    ├── ListUnavailableError        this list is gone or forbidden, and only this list
    ├── PreconditionError           the resource changed in between
    ├── ConflictError               the resource exists already
    ├── AlreadyGoneError            the resource is deleted already: as good as done
    ├── RequestRejectedError        our request is wrong, or an answer that nobody has explained yet
    ├── ExchangeRejectedError       the code was refused: start the consent again
    └── ConsentAnswerError          claims of the ID token that must not be accepted; ``code`` says which

Leaf types are for cases that callers act on; which answer means which is decided in ``verdicts.py`` alone. What
follows for a grant is decided in ``lifecycle.py``. No error carries a body, the query of a URL, or a secret, so that
all of them can be logged and stored.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Literal

ThrottleScope = Literal["user", "client", "user_hours"]


class GoogleError(Exception):
    """A call to Google that did not bring what was asked for. Carries no body, no URL query, no secret."""

    kind: ClassVar[str] = "google"
    """Stable name of the meaning, as stored in rows and metrics."""
    sentence: ClassVar[str] = "The call to Google failed."

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: str = "",
        subtype: str = "",
        reasons: Collection[str] = (),
        retry_after: float | None = None,
        activation_url: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.subtype = subtype
        self.reasons = frozenset(reasons)
        self.retry_after = retry_after
        self.activation_url = activation_url

    def __str__(self) -> str:
        told = self.args[0] or self.sentence
        facts = [f"HTTP {self.status}"] if self.status is not None else []
        facts += [word for word in (self.code, self.subtype) if word]
        return f"{told} ({', '.join(facts)})" if facts else str(told)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"


class TransientError(GoogleError):
    """Google, or the way to it, has a bad quarter of an hour. The outcome of the call is unknown."""

    kind = "transient"
    sentence = "Google could not be reached or had trouble answering."


class DeadlineExceeded(TransientError):
    """No time was left: the call was not sent, or was given up half-way."""

    kind = "deadline"
    sentence = "There was not enough time for the call to Google."


class AnswerError(TransientError):
    """An answer that claims success but cannot be read."""

    kind = "answer_unreadable"
    sentence = "Google's answer could not be read."


class ThrottledError(GoogleError):
    """Too many calls."""

    kind = "throttled"
    sentence = "Google asks for fewer calls."

    def __init__(
        self,
        message: str = "",
        *,
        scope: ThrottleScope = "user",
        status: int | None = None,
        code: str = "",
        subtype: str = "",
        reasons: Collection[str] = (),
        retry_after: float | None = None,
        activation_url: str = "",
    ) -> None:
        super().__init__(
            message,
            status=status,
            code=code,
            subtype=subtype,
            reasons=reasons,
            retry_after=retry_after,
            activation_url=activation_url,
        )
        self.scope: ThrottleScope = scope
        """Whom to hold back: one user, the whole client, or one user for hours."""


class TokenRejectedError(GoogleError):
    """The access token is expired or revoked."""

    kind = "token_rejected"
    sentence = "Google does not accept the access token."


class CursorDeadError(GoogleError):
    """The sync token or page token can no longer be used."""

    kind = "cursor_dead"
    sentence = "Google does not accept the sync token or page token any more."


class GrantDeadError(GoogleError):
    """The refresh token can no longer be used; only a new consent helps."""

    kind = "grant_dead"
    sentence = "Google does not accept the refresh token any more."


class PolicyError(GoogleError):
    """An administrator of the person's organisation does not allow it."""

    kind = "policy"
    sentence = "An administrator of the organisation does not allow this."


class ScopeMissingError(GoogleError):
    """The access token was not granted the scope that the call needs."""

    kind = "scope_missing"
    sentence = "The grant does not cover this call."


class ClientBrokenError(GoogleError):
    """The OAuth client or its project is refused: the operator's problem, never the person's."""

    kind = "client_broken"
    sentence = "Google refuses the OAuth client or its project."


class ListUnavailableError(GoogleError):
    """This list does not exist, or this person may not read it."""

    kind = "list_unavailable"
    sentence = "Google does not show this list to this person."


class PreconditionError(GoogleError):
    """The resource is not in the state that the call named."""

    kind = "precondition"
    sentence = "The resource at Google changed in the meantime."


class ConflictError(GoogleError):
    """The identifier is taken, or two writes met."""

    kind = "conflict"
    sentence = "The resource exists at Google already."


class AlreadyGoneError(GoogleError):
    """The resource to be deleted is deleted already."""

    kind = "already_gone"
    sentence = "The resource at Google is deleted already."


class RequestRejectedError(GoogleError):
    """The request itself is refused: our bug, or a configuration that does not match Google's console."""

    kind = "request_rejected"
    sentence = "Google refuses the request."


class ExchangeRejectedError(GoogleError):
    """The authorization code is used up, expired or not ours: a code is never sent twice."""

    kind = "exchange_rejected"
    sentence = "Google refuses the authorization code."


ConsentAnswerCode = Literal[
    "insecure",
    "id_token_missing",
    "id_token_malformed",
    "issuer",
    "audience",
    "authorized_party",
    "expired",
    "issued_in_future",
    "nonce_mismatch",
    "sub_missing",
    "hosted_domain",
]


class ConsentAnswerError(GoogleError):
    """The answer to a consent does not prove what it must prove."""

    kind = "consent_answer"
    sentence = "Google's answer does not prove who agreed."

    def __init__(self, code: ConsentAnswerCode) -> None:
        super().__init__("", code=code)
