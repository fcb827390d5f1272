"""Which grant is meant: the one given, or the one that a user has for some scopes.

None, several, paused and needs-consent are four exceptions, each with its next step: code that asks for a token is
told what a person has to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..exceptions import GrantPausedError, NeedsConsentError, NoGrantError, SeveralGrantsError
from ..models import Grant, OAuthClient
from ..protocol.scopes import missing, normalise_scopes


def choose_grant(
    grant: Grant | None,
    *,
    user: Any,
    scopes: Iterable[str],
    client: OAuthClient | None,
    using: str,
) -> Grant:
    """``grant`` itself, if it covers ``scopes``; else the one active grant of ``user`` that does.

    Raises ``NoGrantError``, ``SeveralGrantsError``, ``GrantPausedError`` or ``NeedsConsentError``; ``TypeError`` when
    neither or both are given.
    """
    wanted = normalise_scopes(scopes)
    if (grant is None) == (user is None):
        raise TypeError("pass either a grant, or user= and scopes=")
    if grant is not None:
        lacking = missing(wanted, grant.granted_scopes)
        if lacking:
            raise NeedsConsentError(
                f"the grant of {grant} lacks {' '.join(lacking)}. Next step: "
                "api.start_consent(repairs=grant, scopes=…), and send the link"
            )
        return grant
    rows = Grant.objects.using(using).filter(user=user).exclude(state=Grant.State.REVOKED)
    if client is not None:
        rows = rows.filter(client=client)
    grants = list(rows.select_related("client").order_by("pk"))
    covering = [row for row in grants if not missing(wanted, row.granted_scopes)]
    active = [row for row in covering if row.state == Grant.State.ACTIVE]
    if len(active) == 1:
        return active[0]
    if active:
        raise SeveralGrantsError(
            f"{len(active)} grants fit ({', '.join(str(row) for row in active)}). Next step: pass the grant itself"
            + ("" if client is not None else ", or narrow by client=")
        )
    if not grants:
        raise NoGrantError(
            "this user has granted nothing yet. Next step: api.start_consent(user=…, scopes=…), and send the link"
        )
    if any(row.state == Grant.State.PAUSED for row in covering):
        raise GrantPausedError(
            "the grant is paused. Next step: resume or approve it in the admin (Grants)"
        )
    lost = covering[0] if covering else grants[0]
    lacking = missing(wanted, lost.granted_scopes)
    told = f"the grant of {lost} lacks {' '.join(lacking)}." if lacking else lost.diagnosis
    raise NeedsConsentError(
        f"{told} Next step: api.start_consent(user=…, scopes=…, repairs=grant), and send the link".strip()
    )
