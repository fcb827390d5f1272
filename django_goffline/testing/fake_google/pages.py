"""The pages a person sees at the fake: consent, and errors that never come back to the client.

One plain form without script, usable by keyboard, and marked as a fake all over. The inputs' names
(``request``, ``account``, ``scope``, ``action``) are what ``django_goffline.testing.browser`` fills in.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from . import scopes
from .accounts import Account
from .wire import Response, WireError, html_response

CONSENT_PATH = "/signin/oauth/consent"

_SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Frame-Options": "DENY",
}

_STYLE = """
body{margin:0;background:#f1f3f4;color:#202124;font:16px/1.5 system-ui,sans-serif}
.fake{background:#b3261e;color:#fff;padding:.5rem 1rem;text-align:center;font-weight:600}
main{background:#fff;max-width:30rem;margin:2rem auto;padding:2rem;border-radius:1rem;
box-shadow:0 1px 4px #0003}
h1{font-size:1.4rem;margin:0 0 1rem}fieldset{border:1px solid #c4c7c5;border-radius:.5rem;
margin:0 0 1rem;padding:.75rem 1rem}legend{font-weight:600;padding:0 .4rem}
label{display:block;padding:.35rem 0}code{font-size:.8rem;color:#5f6368;word-break:break-all}
small{display:block;margin-left:1.6rem}
.buttons{display:flex;gap:1rem;justify-content:flex-end}
button{font:inherit;padding:.5rem 1.4rem;border-radius:2rem;border:1px solid #747775;
background:#fff;cursor:pointer}button.allow{background:#0b57d0;border-color:#0b57d0;color:#fff}
button:focus-visible,input:focus-visible{outline:3px solid #f9ab00;outline-offset:2px}
"""


class PageError(WireError):
    """An error shown to the person; the browser is not sent back to the client."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error
        self.message = message

    def response(self) -> Response:
        """Google's "Access blocked" page, in plain."""
        body = (
            "<h1>Access blocked: authorization error</h1>"
            f"<p>{escape(self.message)}</p>"
            f"<p><strong>Error {self.status}: {escape(self.error)}</strong></p>"
        )
        return html_response(_page("Error", body), status=self.status, headers=_SECURITY)


def consent_page(
    *,
    request_id: str,
    project_id: str,
    accounts: Iterable[Account],
    selected: Account | None,
    wanted: Iterable[str],
    granular: bool,
) -> Response:
    """Choose an account, tick scopes, allow or cancel.

    Scopes that only identify the person are listed without a box; with ``granular`` off all are.
    """
    choices = "".join(
        f'<label><input type="radio" name="account" value="{escape(account.email)}" required'
        f"{' checked' if account is selected else ''}> {escape(account.name)} "
        f"<code>{escape(account.email)}</code></label>"
        for account in accounts
    )
    lines = "".join(_scope_line(scope, boxed=granular) for scope in wanted)
    body = (
        f"<h1>{escape(project_id)} wants access to your Google Account</h1>"
        f'<form method="post" action="{CONSENT_PATH}">'
        f'<input type="hidden" name="request" value="{escape(request_id)}">'
        f"<fieldset><legend>Choose an account</legend>{choices}</fieldset>"
        f"<fieldset><legend>Select what it can access</legend>{lines}</fieldset>"
        '<p class="buttons">'
        '<button name="action" value="cancel" formnovalidate>Cancel</button>'
        '<button class="allow" name="action" value="allow">Continue</button></p></form>'
    )
    return html_response(_page("Sign in with fake Google", body), headers=_SECURITY)


def not_found() -> Response:
    """The front end's page for a path or method that doesn't exist."""
    body = "<h1>404. That is an error.</h1><p>The requested URL was not found on this server.</p>"
    return html_response(_page("Error 404 (Not Found)", body), status=404)


def _scope_line(scope: str, *, boxed: bool) -> str:
    text = escape(scopes.CONSENT_TEXTS[scopes.canonical(scope)])
    value = escape(scope)
    if not boxed or scopes.canonical(scope) in scopes.IDENTITY:
        return f"<p>{text} <small><code>{value}</code></small></p>"
    return (
        f'<label><input type="checkbox" name="scope" value="{value}" checked> {text}'
        f" <small><code>{value}</code></small></label>"
    )


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        '<div class="fake">This is a fake Google, for tests and demonstrations</div>'
        f"<main>{body}</main></body></html>"
    )
