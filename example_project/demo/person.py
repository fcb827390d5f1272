"""The person who got a consent link: opens it, agrees at the fake Google, reads the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from django_goffline.testing import browser

TIMEOUT = 20


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, and its fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.posts: list[Form] = []
        self._inside: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form" and attributes.get("method", "").lower() == "post":
            self._inside = Form(action=attributes.get("action", ""))
            self.posts.append(self._inside)
        elif tag == "input" and self._inside is not None and attributes.get("name"):
            self._inside.fields[attributes["name"]] = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = None


@dataclass(slots=True, kw_only=True)
class Person:
    """A browser session, and every URL it went to."""

    session: requests.Session = field(default_factory=requests.Session)
    visited: list[str] = field(default_factory=list)

    def consent(self, link: str, *, email: str) -> str:
        """Open the link, agree to everything at Google, come back; the last page's text.

        Raises ``requests.HTTPError`` when a page of ours answers with an error, ``BrowserStopped``
        when Google's does.
        """
        page = self._arrived(self.session.get(link, timeout=TIMEOUT))
        forms = _Forms()
        forms.feed(page.text)
        if not forms.posts:
            raise RuntimeError("the consent page has no form to go on with")
        form = forms.posts[-1]
        answer = self._arrived(
            self.session.post(
                urljoin(page.url, form.action),
                data=form.fields,
                headers={"Origin": link[: link.index("/", len("https://"))], "Referer": page.url},
                allow_redirects=False,
                timeout=TIMEOUT,
            )
        )
        google = answer.headers["Location"]
        self.visited.append(google)
        callback = browser.agree(google, email=email)
        self.visited.append(callback)
        return self._arrived(self.session.get(callback, timeout=TIMEOUT)).text

    def _arrived(self, answer: requests.Response) -> requests.Response:
        self.visited.append(answer.url)
        answer.raise_for_status()
        return answer
