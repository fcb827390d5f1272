"""Plays the person's browser at the fake's consent page.

    callback_url = agree(authorization_url, email="ada@example.com")

The callback URL is returned, not visited: visiting it is the application's part. Works over HTTP, and
in-process with a session that an :class:`~django_goffline.testing.adapter.InProcessAdapter` is
mounted on.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

TIMEOUT_SECONDS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class BrowserStopped(Exception):
    """Google showed a page that leads nowhere: an error, nearly always.

    ``status`` is its HTTP status, ``text`` what a person would read.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


def agree(
    authorization_url: str,
    *,
    email: str,
    scopes: Iterable[str] | None = None,
    session: requests.Session | None = None,
) -> str:
    """Choose the account, tick these scopes (None: all), continue; return the callback URL.

    Scopes without a box, as those that only identify the person, are granted in any case. Raises
    ``BrowserStopped`` on an error page, ``ValueError`` if a wanted scope isn't offered.
    """
    with _session(session) as browser:
        page = _opened(browser, authorization_url)
        if isinstance(page, str):
            return page
        boxes = page.boxes
        if scopes is not None:
            wanted = set(scopes)
            missing = sorted(scope for scope in wanted - set(page.boxes) if scope not in page.text)
            if missing:
                raise ValueError(f"not on the consent page: {', '.join(missing)}")
            boxes = [scope for scope in page.boxes if scope in wanted]
        ticked = [("scope", scope) for scope in boxes]
        return _submitted(browser, page, [("account", email), *ticked, ("action", "allow")])


def refuse(authorization_url: str, *, email: str, session: requests.Session | None = None) -> str:
    """Press cancel; return the callback URL with the error. Raises ``BrowserStopped``."""
    with _session(session) as browser:
        page = _opened(browser, authorization_url)
        if isinstance(page, str):
            return page
        return _submitted(browser, page, [("account", email), ("action", "cancel")])


@dataclass(slots=True, kw_only=True)
class _Page:
    url: str
    action: str = ""
    hidden: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    text: str = ""


class _PageReader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.page = _Page(url=url)
        self._words: list[str] = []
        self._skipped = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.page.action = urljoin(self.page.url, values.get("action", ""))
        elif tag == "input" and values.get("type") == "hidden":
            self.page.hidden.append((values.get("name", ""), values.get("value", "")))
        elif tag == "input" and values.get("type") == "checkbox":
            self.page.boxes.append(values.get("value", ""))
        self._skipped = tag in ("style", "title", "script")

    def handle_endtag(self, tag: str) -> None:
        self._skipped = False

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self._words += data.split()

    def read(self, html: str) -> _Page:
        """The page with its form and its text."""
        self.feed(html)
        self.close()
        self.page.text = " ".join(self._words)
        return self.page


def _session(session: requests.Session | None) -> requests.Session | nullcontext[requests.Session]:
    # A session that was handed in stays open.
    return requests.Session() if session is None else nullcontext(session)


def _opened(browser: requests.Session, url: str) -> _Page | str:
    """The consent page, or the callback URL if no screen was needed."""
    response = browser.get(url, allow_redirects=False, timeout=TIMEOUT_SECONDS)
    if response.status_code in REDIRECTS:
        return response.headers["Location"]
    page = _PageReader(url).read(response.text)
    if response.status_code != requests.codes.ok or not page.action:
        raise BrowserStopped(response.status_code, page.text)
    return page


def _submitted(browser: requests.Session, page: _Page, fields: list[tuple[str, str]]) -> str:
    response = browser.post(
        page.action, data=page.hidden + fields, allow_redirects=False, timeout=TIMEOUT_SECONDS
    )
    if response.status_code in REDIRECTS:
        return response.headers["Location"]
    raise BrowserStopped(response.status_code, _PageReader(page.url).read(response.text).text)
