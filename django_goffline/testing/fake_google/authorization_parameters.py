"""The parameters of an authorization request, read and checked one by one.

Everything wrong here is shown on Google's page. Source: Google, "OpenID Connect", authentication URI
parameters; RFC 7636 section 4.3. The texts about ``approval_prompt`` were observed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .pages import PageError

PROMPTS = frozenset({"none", "consent", "select_account"})
LEGACY_VERSION = 1
LISTED = frozenset(
    {
        "access_type",
        "approval_prompt",
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "display",
        "enable_granular_consent",
        "hd",
        "hl",
        "include_granted_scopes",
        "login_hint",
        "nonce",
        "prompt",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The query of an authorization request, no name twice."""

    values: dict[str, str] = field(repr=False)

    @classmethod
    def read(cls, query: Iterable[tuple[str, str]], *, refuse_unlisted: bool) -> Parameters:
        """Collect the query. Raises ``PageError`` for a repeated or, if asked, unlisted name."""
        values: dict[str, str] = {}
        for name, value in query:
            if name in values:
                raise PageError(
                    400,
                    "invalid_request",
                    f"OAuth 2 parameters can only have a single value: {name}",
                )
            if refuse_unlisted and name not in LISTED:
                raise PageError(400, "invalid_request", f"Parameter not allowed: {name}")
            values[name] = value
        return cls(values=values)

    def get(self, name: str) -> str | None:
        """A value; None if it is absent or empty (RFC 6749 section 3.1)."""
        return self.values.get(name) or None

    def required(self, name: str) -> str:
        """A value that must be there. Raises ``PageError``."""
        value = self.get(name)
        if value is None:
            raise PageError(400, "invalid_request", f"Missing required parameter: {name}")
        return value

    def flag(self, name: str) -> bool:
        """A ``true`` or ``false``, false by default. Raises ``PageError`` for anything else."""
        value = self.get(name) or "false"
        if value not in ("true", "false"):
            raise _invalid(name, value)
        return value == "true"

    def offline(self) -> bool:
        """Whether ``access_type`` is ``offline``. Raises ``PageError`` for an unknown one."""
        value = self.get("access_type") or "online"
        if value not in ("online", "offline"):
            raise _invalid("access_type", value)
        return value == "offline"

    def scopes(self) -> tuple[str, ...]:
        """The requested scopes in order, each once. Raises ``PageError`` without any."""
        return tuple(dict.fromkeys(self.required("scope").split()))

    def challenge_method(self) -> str:
        """``S256`` or ``plain``, which is the default. Raises ``PageError`` for any other."""
        value = self.get("code_challenge_method") or "plain"
        if value not in ("S256", "plain"):
            raise _invalid("code_challenge_method", value)
        return value

    def prompts(self, *, version: int) -> frozenset[str]:
        """What to show. ``approval_prompt`` counts at the v1 endpoint only; v2 ignores it.

        Raises ``PageError`` if both are sent, for unknown values, and for ``none`` with company.
        """
        approval = self.get("approval_prompt")
        prompt = self.get("prompt")
        if approval is not None and prompt is not None:
            raise PageError(400, "invalid_request", "Conflict params: approval_prompt and prompt")
        if approval is not None and version == LEGACY_VERSION:
            if approval not in ("auto", "force"):
                raise _invalid("approval_prompt", approval)
            return frozenset({"consent"}) if approval == "force" else frozenset()
        prompts = frozenset((prompt or "").split())
        if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1):
            raise _invalid("prompt", prompt or "")
        return prompts


def _invalid(name: str, value: str) -> PageError:
    text = f"Invalid parameter value for {name}: '{value}' is not valid"
    return PageError(400, "invalid_request", text)
