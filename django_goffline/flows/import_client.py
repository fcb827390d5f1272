"""Import of an OAuth client from the JSON file that Google's console offers.

The file is one client: importing it again renews the secret of the client that is stored under its id, and leaves what
people set here (name, scopes, redirect URI) alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import gateway
from ..exceptions import ConsentRequestError
from ..models import OAuthClient
from ..protocol.client_secrets import ClientSecrets, read_client_secrets
from .transactions import atomically


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedClient:
    """What an import did."""

    client: OAuthClient
    created: bool
    unregistered_uri: str
    """Our redirect URI, where the file lists others and not this one; it is a snapshot of the day of its download."""

    @property
    def sentence(self) -> str:
        """What happened, in words."""
        done = "was made" if self.created else "has the file's secret now"
        return f"The OAuth client {self.client.name!r} {done}."


def import_client(data: bytes | str, *, name: str = "", using: str) -> ImportedClient:
    """Store the client in a downloaded file. ``name`` is for a new client, or renames a stored one.

    Raises ``ClientSecretsError`` for a file that is not an OAuth client's, with nothing written.
    """
    read = read_client_secrets(data, endpoints=gateway.endpoints())
    values = {
        "client_secret": read.client_secret,
        "kind": read.kind,
        "project_id": read.project_id,
        **({"name": name} if name else {}),
    }

    def store() -> bool:
        clients = OAuthClient.objects.using(using)
        if clients.filter(client_id=read.client_id).update(**values):
            return False
        clients.create(
            client_id=read.client_id, **{"name": read.project_id or read.client_id, **values}
        )
        return True

    created = atomically(store, using=using)
    client = OAuthClient.objects.using(using).get(client_id=read.client_id)
    return ImportedClient(
        client=client, created=created, unregistered_uri=_unregistered(client, read)
    )


def _unregistered(client: OAuthClient, read: ClientSecrets) -> str:
    # An installed client's loopback address needs no registration (RFC 8252 §7.3).
    if read.kind == "installed":
        return ""
    try:
        ours = gateway.redirect_uri(client)
    except ConsentRequestError:
        return ""
    return "" if ours in read.redirect_uris else ours
