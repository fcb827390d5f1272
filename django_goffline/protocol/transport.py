"""The one seam to the network: pools, time-outs, gzip, redaction, translation of failures.

It never sleeps, never retries and never follows a redirect (a bearer token must not travel to another host). Every
exchange has a total deadline, body included, not only time-outs per read. It speaks to the adapters of ``requests`` and
not through a ``Session``, which would keep cookies of one person for the next, take credentials from a ``.netrc`` in
place of our token, and read the environment at every call.

Google compresses answers only for a client that accepts gzip *and* says ``gzip`` in its User-Agent ("Improve
performance", Google API documentation).
"""

from __future__ import annotations

import base64
import http.client
import json as json_module
import logging
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.utils import should_bypass_proxies
from urllib3.exceptions import HTTPError

from .bodies import LARGEST_BODY, read_body
from .endpoints import host_of, is_loopback
from .errors import AnswerError, DeadlineExceeded, RequestRejectedError, TransientError

logger = logging.getLogger("django_goffline.protocol")

USER_AGENT = "django-goffline (gzip)"

#: A call with less time than this (seconds) is not worth sending.
SHORTEST_CALL = 0.05

# UnicodeError: a header that is not Latin-1, whose own text would quote the token.
_FAILURES = (requests.RequestException, HTTPError, http.client.HTTPException, OSError, UnicodeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer: status, headers (names in lower case), body in bytes, decompressed."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON. Raises ``AnswerError`` when it is none."""
        try:
            return json_module.loads(self.content)
        except (ValueError, RecursionError):
            unreadable = AnswerError(status=self.status)
        raise unreadable

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {len(self.content)} bytes>"


@dataclass(frozen=True, slots=True)
class _Pool:
    """An adapter and the process that may use it: sockets must not be shared through a fork."""

    pid: int
    adapter: BaseAdapter


class Transport:
    """HTTP for a process's life, shared by its threads.

    Times are seconds. ``allowed_hosts`` (as ``endpoints.host_of`` writes them) fences off every other host, so that no
    stored URL can carry a secret elsewhere. ``adapter`` replaces the network, for tests. Proxies and the CA bundle are
    taken from the environment once, here; loopback never goes through a proxy.
    """

    def __init__(
        self,
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        total_timeout: float = 60.0,
        pool_size: int = 32,
        user_agent: str = USER_AGENT,
        allowed_hosts: Iterable[str] | None = None,
        adapter: BaseAdapter | None = None,
        largest_body: int = LARGEST_BODY,
    ) -> None:
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._total_timeout = total_timeout
        self._pool_size = pool_size
        self._user_agent = user_agent if "gzip" in user_agent else f"{user_agent} (gzip)"
        self._allowed_hosts = None if allowed_hosts is None else frozenset(allowed_hosts)
        self._largest_body = largest_body
        self._given_adapter = adapter
        self._pool: _Pool | None = None
        self._env_proxies = getproxies()
        self._proxies_of: dict[str, dict[str, str]] = {}
        bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        self._verify: bool | str = bundle or True

    def send(
        self,
        method: str,
        url: str,
        *,
        query: Iterable[tuple[str, str]] = (),
        form: Mapping[str, str] | None = None,
        json: Any = None,
        bearer: str | None = None,
        basic: tuple[str, str] | None = None,
        deadline: float | None = None,
    ) -> Answer:
        """One exchange, whatever its status. Secrets go into body or headers, never into the URL.

        ``deadline`` is an instant of ``time.monotonic()``. Raises ``TransientError`` when no whole answer came,
        ``DeadlineExceeded`` when there was no time for it, ``AnswerError`` for an answer that is too large or broken,
        and ``RequestRejectedError`` for a host that is not allowed. Neither their text nor what led to them carries
        the query or a secret.
        """
        host, path = host_of(url), urlsplit(url).path
        if self._allowed_hosts is not None and host not in self._allowed_hosts:
            raise RequestRejectedError(
                f"{host} is not among the configured endpoints.", code="host_not_allowed"
            )
        started = time.monotonic()
        end = started + self._total_timeout
        if deadline is not None:
            end = min(end, deadline)
        if end - started < SHORTEST_CALL:
            raise DeadlineExceeded("There was no time left for the call to Google.")
        status: int | None = None
        failure: TransientError | RequestRejectedError
        try:
            request = _prepare(
                method, url, query=query, form=form, json=json, headers=self._headers(bearer, basic)
            )
            response = self._adapter().send(
                request,
                stream=True,
                timeout=(
                    min(self._connect_timeout, end - started),
                    min(self._read_timeout, end - started),
                ),
                verify=self._verify,
                proxies=self._proxies(url, host),
            )
            status = response.status_code
            headers = {name.lower(): value for name, value in response.headers.items()}
            content = read_body(response, end=end, largest=self._largest_body)
            return Answer(status=status, headers=headers, content=content)
        except (AnswerError, DeadlineExceeded) as error:
            failure = error
        except requests.exceptions.InvalidHeader:
            failure = RequestRejectedError(code="invalid_header")
        except _FAILURES as error:
            failure = _translate(error, host=host, end=end, status=status)
        finally:
            logger.debug(
                "%s %s%s %s in %d ms",
                method,
                host,
                path,
                status or "no answer",
                (time.monotonic() - started) * 1000,
            )
        # Raised outside of the handler, so that the original, which quotes the URL, is not even its context.
        raise failure

    def close(self) -> None:
        """Close idle connections; the next call opens new ones."""
        pool, self._pool = self._pool, None
        if pool is not None and pool.pid == os.getpid():
            pool.adapter.close()

    def _adapter(self) -> BaseAdapter:
        if self._given_adapter is not None:
            return self._given_adapter
        pool = self._pool
        if pool is None or pool.pid != os.getpid():
            # Two threads may both get here: one pool too many for a moment, and no lock to inherit through a fork.
            adapter = HTTPAdapter(
                pool_connections=4, pool_maxsize=self._pool_size, max_retries=0, pool_block=False
            )
            self._pool = pool = _Pool(os.getpid(), adapter)
        return pool.adapter

    def _headers(self, bearer: str | None, basic: tuple[str, str] | None) -> dict[str, str]:
        headers = {
            "User-Agent": self._user_agent,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        elif basic is not None:
            # RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
            pair = ":".join(quote(half, safe="") for half in basic)
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    def _proxies(self, url: str, host: str) -> dict[str, str]:
        known = self._proxies_of.get(host)
        if known is None:
            no_proxy = self._env_proxies.get("no")
            bypass = is_loopback(url) or should_bypass_proxies(url, no_proxy)
            known = self._proxies_of[host] = {} if bypass else self._env_proxies
        return known


def _prepare(
    method: str,
    url: str,
    *,
    query: Iterable[tuple[str, str]],
    form: Mapping[str, str] | None,
    json: Any,
    headers: dict[str, str],
) -> requests.PreparedRequest:
    encoded = urlencode(list(query))
    request = requests.PreparedRequest()
    request.prepare(
        method=method,
        url=f"{url}?{encoded}" if encoded else url,
        headers=headers,
        data=form,
        json=json,
    )
    return request


def _translate(error: Exception, *, host: str, end: float, status: int | None) -> TransientError:
    timed_out = (
        isinstance(error, requests.Timeout | TimeoutError) or "Timeout" in type(error).__name__
    )
    if timed_out and time.monotonic() >= end - SHORTEST_CALL:
        return DeadlineExceeded(f"{host} did not answer in time.", status=status)
    if timed_out:
        return TransientError(f"{host} did not answer in time.", status=status, code="timeout")
    if isinstance(error, requests.exceptions.SSLError):
        return TransientError(f"{host} could not be trusted.", status=status, code="tls")
    return TransientError(f"No whole answer came from {host}.", status=status, code="connection")
