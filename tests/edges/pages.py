"""The tests' words for pages: open a link, press its button, come back from Google."""

from __future__ import annotations

import re
from urllib.parse import urlsplit


def path_of(url):
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def open_link(person, started):
    """Open the link; the page's address."""
    answer = person.get(path_of(started.url))
    assert answer.status_code == 303
    return answer.headers["Location"]


def press(person, address):
    """Press the page's button; the answer."""
    page = person.get(address)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    action = re.search(r'<form method="post" action="([^"]+)"', page.content.decode())
    return person.post(
        action[1],
        {"csrfmiddlewaretoken": token[1]},
        headers={"Origin": "http://localhost:8000"},
    )


def set_out(person, started):
    """Open the link and go on; Google's URL."""
    answer = press(person, open_link(person, started))
    assert answer.status_code == 303
    return answer.headers["Location"]


def come_back(site, person, google_url, **who):
    """Agree and come back; the result page."""
    answer = person.get(path_of(site.agree(google_url, **who)))
    assert answer.status_code == 303
    return person.get(answer.headers["Location"])


def text_of(answer):
    return answer.content.decode()
