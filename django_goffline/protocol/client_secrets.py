"""The JSON file that Google's console offers for an OAuth client.

It holds exactly one of ``web`` and ``installed``. Its ``auth_uri`` is the v1 address whatever the client, so it says
nothing about us; a foreign address is refused, since a file must not decide where a client secret is sent. Redirect
URIs in it are a snapshot of the day of the download: a default at most. Source: "Manage OAuth Clients" (Google Cloud
help).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from .endpoints import GOOGLE, Endpoints, host_of, is_loopback

ClientKind = Literal["web", "installed"]

#: Hosts that Google's files name, today and in older ones.
GOOGLE_HOSTS = frozenset({"accounts.google.com", "oauth2.googleapis.com", "www.googleapis.com"})

_KINDS: tuple[ClientKind, ...] = ("web", "installed")


class ClientSecretsError(ValueError):
    """A file that is no OAuth client of a kind that we can use; the message says what it is and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecrets:
    """An OAuth client as the file describes it."""

    kind: ClientKind
    client_id: str
    client_secret: str = field(repr=False)
    project_id: str = ""
    redirect_uris: tuple[str, ...] = ()


def read_client_secrets(data: bytes | str, *, endpoints: Endpoints = GOOGLE) -> ClientSecrets:
    """The client in a downloaded file. Raises ``ClientSecretsError`` naming what is wrong and what to do."""
    document = _document(data)
    kinds = [kind for kind in _KINDS if kind in document]
    if len(kinds) != 1:
        raise ClientSecretsError(_what_it_is(document, kinds))
    kind = kinds[0]
    config = document[kind]
    if not isinstance(config, dict):
        raise ClientSecretsError(f"'{kind}' is not an object: download the file again.")
    if "3pi" in config:
        raise ClientSecretsError(
            "This is a workforce identity client. Create an OAuth client of type 'Web application'."
        )
    _refuse_foreign(config, endpoints)
    redirect_uris = config.get("redirect_uris")
    project_id = config.get("project_id")
    return ClientSecrets(
        kind=kind,
        client_id=_needed(config, "client_id", "Download the client's file again."),
        client_secret=_needed(
            config,
            "client_secret",
            "A secret can be downloaded only when it is made: "
            "add a new secret to the client in Google's console and download its file.",
        ),
        project_id=project_id if isinstance(project_id, str) else "",
        redirect_uris=tuple(uri for uri in redirect_uris if isinstance(uri, str))
        if isinstance(redirect_uris, list)
        else (),
    )


def _document(data: bytes | str) -> dict[str, Any]:
    document = None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        refusal = _what_text_is(data)
    else:
        refusal = "The file does not describe an OAuth client: download it again."
    # Raised outside of the handler: a JSON error quotes the file, secret included.
    if not isinstance(document, dict):
        raise ClientSecretsError(refusal)
    return document


def _what_text_is(data: bytes | str) -> str:
    text = data.decode(errors="replace") if isinstance(data, bytes) else data
    if text.strip().startswith("AIza"):
        return (
            "This is an API key, which identifies a project and asks nobody's consent. "
            "Create an OAuth client of type 'Web application' and download its JSON."
        )
    return "The file is not valid JSON: it is truncated, or not the one that 'Download JSON' gives."


def _what_it_is(document: dict[str, Any], kinds: list[ClientKind]) -> str:
    if len(kinds) > 1:
        return "The file holds both 'web' and 'installed': download one client's file."
    told = document.get("type")
    if told == "service_account":
        return (
            "This is a service account's key, which acts for itself and asks nobody's consent. "
            "Create an OAuth client of type 'Web application' and download its JSON."
        )
    if told == "authorized_user":
        return (
            "This is one person's stored credentials, not a client. "
            "Download the JSON of the OAuth client in Google's console."
        )
    return "The file has neither 'web' nor 'installed': download the JSON of an OAuth client."


def _needed(config: dict[str, Any], key: str, advice: str) -> str:
    value = config.get(key)
    text = value.strip() if isinstance(value, str) else ""
    if not text or not text.isprintable() or len(text) > 255:
        raise ClientSecretsError(f"'{key}' is missing or malformed. {advice}")
    return text


def _refuse_foreign(config: dict[str, Any], endpoints: Endpoints) -> None:
    for key in ("auth_uri", "token_uri"):
        url = config.get(key)
        if url is None or (isinstance(url, str) and _is_ours(url, endpoints)):
            continue
        raise ClientSecretsError(
            f"'{key}' does not point to Google: the client secret would be sent elsewhere. "
            "If that is a server of yours, name it in GOFFLINE['ENDPOINTS'] first."
        )


def _is_ours(url: str, endpoints: Endpoints) -> bool:
    try:
        host = host_of(url)
        secure = urlsplit(url).scheme == "https"
    except ValueError:
        return False
    if host in endpoints.hosts():
        return secure or is_loopback(url) or not endpoints.is_google()
    return secure and host in GOOGLE_HOSTS
