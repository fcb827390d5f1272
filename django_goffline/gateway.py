"""The only place that knows both rows and protocol: constructors of protocol values from rows and settings, no logic.

Everything here is made when it is asked for: settings are read late, the connection pool belongs to one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.conf import settings as django_settings
from django.urls import NoReverseMatch, get_script_prefix, reverse, set_script_prefix
from django.utils import translation
from requests.adapters import BaseAdapter

from . import __version__
from .conf import settings
from .exceptions import ConsentRequestError
from .models import OAuthClient
from .protocol.endpoints import GOOGLE, Endpoints
from .protocol.oauth import ClientCredentials
from .protocol.transport import Transport

CONNECT_TIMEOUT = 5.0
USER_AGENT = f"django-goffline/{__version__} (gzip)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """What a transport was made for; another recipe asks for another transport."""

    pid: int
    hosts: frozenset[str]
    timeout: float
    pool_size: int


class _State:
    recipe: _Recipe | None = None
    transport: Transport | None = None
    override: Transport | None = None
    adapter: BaseAdapter | None = None


def endpoints() -> Endpoints:
    """Google's URLs, or what ``GOFFLINE["ENDPOINTS"]`` puts in their place."""
    given = settings.ENDPOINTS
    if given is None:
        return GOOGLE
    if isinstance(given, Mapping):
        fields = dict(given)
        if "issuer_aliases" in fields:
            fields["issuer_aliases"] = tuple(fields["issuer_aliases"])
        return replace(GOOGLE, **fields)
    return Endpoints.at(given)


def issuers() -> tuple[str, ...]:
    """Every spelling of the issuer that an ID token may carry."""
    return endpoints().issuers


def transport() -> Transport:
    """The process's transport. A forked process gets its own: sockets must not be shared."""
    if _State.override is not None:
        return _State.override
    recipe = _Recipe(
        pid=os.getpid(),
        hosts=endpoints().hosts(),
        timeout=float(settings.HTTP_TIMEOUT),
        pool_size=int(settings.CONCURRENCY),
    )
    if _State.transport is None or _State.recipe != recipe:
        _State.transport = Transport(
            connect_timeout=min(CONNECT_TIMEOUT, recipe.timeout),
            read_timeout=recipe.timeout,
            total_timeout=recipe.timeout,
            pool_size=recipe.pool_size,
            user_agent=USER_AGENT,
            allowed_hosts=recipe.hosts,
        )
        _State.recipe = recipe
    return _State.transport


def adapter() -> BaseAdapter | None:
    """What stands in for the network in tests; sessions that we hand out mount it too."""
    return _State.adapter


@contextmanager
def use_transport(replacement: Transport, *, adapter: BaseAdapter | None = None) -> Iterator[None]:
    """For tests: ``transport()`` is ``replacement`` in all threads of this process, and sessions mount ``adapter``."""
    before = (_State.override, _State.adapter)
    _State.override, _State.adapter = replacement, adapter
    try:
        yield
    finally:
        _State.override, _State.adapter = before


def credentials(client: OAuthClient) -> ClientCredentials:
    """What proves to Google that we are ``client``. Raises ``UnreadableSecretError``."""
    return ClientCredentials(
        client_id=client.client_id, client_secret=client.client_secret.reveal()
    )


def redirect_uri(client: OAuthClient) -> str:
    """The redirect URI of ``client``: its row's, else the callback's address under ``BASE_URL``.

    It is the same in a request, a command and a worker: neither the Host header, nor a script prefix, nor the
    language of a request has a say. Raises ``ConsentRequestError`` if neither gives one.
    """
    if client.redirect_uri:
        return client.redirect_uri
    base = settings.BASE_URL.rstrip("/")
    if not base:
        raise ConsentRequestError(
            "no redirect URI: set GOFFLINE['BASE_URL'], or the OAuth client's own redirect URI"
        )
    return base + callback_path()


def callback_path() -> str:
    """Path of the callback view below ``BASE_URL``, in the site's default language."""
    return _path("goffline:callback")


def link_url(token: str) -> str:
    """Address of a consent link, the same in every context. Raises ``ConsentRequestError`` without a ``BASE_URL``."""
    base = settings.BASE_URL.rstrip("/")
    if not base:
        raise ConsentRequestError("no address for the link: set GOFFLINE['BASE_URL']")
    return base + _path("goffline:link", token)


def _path(name: str, *args: str) -> str:
    prefix = get_script_prefix()
    set_script_prefix("/")
    try:
        with translation.override(django_settings.LANGUAGE_CODE):
            return reverse(name, args=args)
    except NoReverseMatch:
        raise ConsentRequestError(
            "no redirect URI: add path('goffline/', include('django_goffline.urls')) to the site's URLs"
        ) from None
    finally:
        set_script_prefix(prefix)
