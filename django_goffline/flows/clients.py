"""What Google says about an OAuth client concerns all its grants and none of its people: pause or hold the client."""

from __future__ import annotations

from datetime import datetime

from ..models import Activity, OAuthClient
from ..protocol.errors import ClientBrokenError
from ..signals import client_paused, send_on_commit
from .records import note
from .transactions import atomically


def pause_broken(
    client: OAuthClient, error: ClientBrokenError, *, now: datetime, using: str
) -> bool:
    """Pause a client that Google refuses; True for the one caller that did it, who also left the activity and signal.

    A person resumes it in the admin, after repair.
    """
    reason = error.code or error.kind
    text = f"Google refuses the OAuth client: {reason}."
    if error.activation_url:
        text = f"{text} Enable the API at {error.activation_url}"

    def work() -> bool:
        clients = OAuthClient.objects.using(using).filter(pk=client.pk)
        if not clients.pause(now=now, reason=reason[:100]):
            return False
        note(
            Activity(at=now, kind=Activity.Kind.CLIENT_PAUSED, client=client, text=text[:500]),
            using=using,
        )
        client.paused_at, client.paused_reason = now, reason[:100]
        send_on_commit(client_paused, sender=OAuthClient, using=using, client=client, reason=reason)
        return True

    return atomically(work, using=using)


def hold(client: OAuthClient, *, until: datetime, using: str) -> None:
    """Call Google no more with this client until ``until``: it asked all of us to slow down."""
    OAuthClient.objects.using(using).filter(pk=client.pk).hold(until=until)
