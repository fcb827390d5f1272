"""What our pages say: one table of messages, one of outcomes, one of scopes in words.

Each row has its HTTP status, a heading and a sentence that ends with the next step. Nothing here names a
person, and nothing of Google's answer is ever echoed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..models import ConsentOutcome
from ..protocol import scopes

Text = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A page's status and words. ``tone`` colours it; ``may_retry`` where a fresh start can help."""

    status: int
    heading: Text
    text: Text
    tone: Literal["good", "wait", "bad"] = "bad"
    may_retry: bool = False


_ASK = _("Ask the person who sent you this for a new link.")
_OPEN_AGAIN = _(
    "Nothing was connected. Open the link that you were sent once more, or ask the person who sent "
    "you this."
)
_AGAIN = _(
    "Nothing was connected. Start again; if it happens once more, tell the person who sent you this."
)

#: Pages without an attempt, or for people who may not know whose it is.
MESSAGES: dict[str, Wording] = {
    "not_yours": Wording(
        status=404,
        heading=_("Nothing to see here"),
        text=_(
            "This page is only for the browser that opened the link. Ask the person who sent you this."
        ),
    ),
    "unknown_link": Wording(
        status=404,
        heading=_("This link is not known"),
        text=_(
            "Perhaps it was cut off, or a newer one was sent. Ask the person who sent you this for a "
            "new link."
        ),
    ),
    "unknown_state": Wording(
        status=400, heading=_("This answer belongs to no question of ours"), text=_OPEN_AGAIN
    ),
    "malformed": Wording(status=400, heading=_("This address is damaged"), text=_OPEN_AGAIN),
    "wrong_browser": Wording(
        status=403,
        heading=_("Another browser started this"),
        text=_(
            "Nothing was connected. Go on in the browser in which you opened the link, or ask the "
            "person who sent you this."
        ),
    ),
    "wrong_user": Wording(
        status=403,
        heading=_("This link is for another user of this site"),
        text=_("Log in as the user whom it was sent to, or ask the person who sent you this."),
    ),
    "completed": Wording(
        status=410,
        heading=_("This link has been answered"),
        text=_("Its question was answered already; there is nothing more to do."),
        tone="good",
    ),
    "withdrawn": Wording(status=410, heading=_("This link was withdrawn"), text=_ASK),
    "expired": Wording(status=410, heading=_("This link has expired"), text=_ASK),
    "direct": Wording(status=410, heading=_("This link can be used only once"), text=_ASK),
    "paused": Wording(
        status=503,
        heading=_("This site's connection to Google is paused"),
        text=_("Try again later; the link stays good until it expires."),
        tone="wait",
    ),
    "misconfigured": Wording(
        status=503,
        heading=_("This site is not set up completely"),
        text=_(
            "Its operator has to name its address for Google. The link stays good until it expires."
        ),
        tone="wait",
    ),
    "not_now": Wording(
        status=503,
        heading=_("Not ahead of time"),
        text=_("Pages like this one can't be loaded before they are wanted."),
        tone="wait",
    ),
}

#: What became of an attempt.
OUTCOMES: dict[str, Wording] = {
    ConsentOutcome.PENDING: Wording(
        status=200,
        heading=_("Google has not answered yet"),
        text=_("If you closed Google's page, start again."),
        tone="wait",
        may_retry=True,
    ),
    ConsentOutcome.GRANTED: Wording(
        status=200,
        heading=_("Your Google account is connected"),
        text=_("There is nothing more to do. You can close this page."),
        tone="good",
    ),
    ConsentOutcome.PARTIAL: Wording(
        status=200,
        heading=_("Connected in part"),
        text=_(
            "You did not allow everything that was asked for. What needs it stays switched off."
        ),
        tone="wait",
    ),
    ConsentOutcome.AWAITING_APPROVAL: Wording(
        status=200,
        heading=_("Thank you. Your answer awaits approval"),
        text=_(
            "The person who asked you first confirms that this is the right Google account. Nothing "
            "is read until then."
        ),
        tone="wait",
    ),
    ConsentOutcome.REFUSED: Wording(
        status=200,
        heading=_("Not connected"),
        text=_("You said no at Google, and nothing was connected. You may change your mind."),
        tone="wait",
        may_retry=True,
    ),
    ConsentOutcome.WRONG_ACCOUNT: Wording(
        status=403,
        heading=_("Another Google account was expected"),
        text=_("Nothing was connected. Start again, and choose the account that this was sent to."),
        may_retry=True,
    ),
    ConsentOutcome.WRONG_DOMAIN: Wording(
        status=403,
        heading=_("This Google account belongs to another organisation"),
        text=_(
            "Nothing was connected. Start again, and choose your account at the organisation that asks."
        ),
        may_retry=True,
    ),
    ConsentOutcome.WRONG_USER: Wording(
        status=403,
        heading=_("Another user of this site answered"),
        text=_(
            "Nothing was connected. Log in as the user whom this was sent to, and open the link once "
            "more."
        ),
        may_retry=True,
    ),
    ConsentOutcome.NO_REFRESH_TOKEN: Wording(
        status=502,
        heading=_("Google gave no lasting access"),
        text=_(
            "Nothing was connected. Remove this site at myaccount.google.com/connections if it is "
            "listed there, then start again."
        ),
        may_retry=True,
    ),
    ConsentOutcome.ADMIN_POLICY: Wording(
        status=403,
        heading=_("Blocked by your Google Workspace administrator"),
        text=_(
            "Nothing was connected. Ask the administrator to allow this app, by the client ID below; "
            "then start again."
        ),
        may_retry=True,
    ),
    ConsentOutcome.ANSWER_INVALID: Wording(
        status=400,
        heading=_("Google's answer did not pass our checks"),
        text=_AGAIN,
        may_retry=True,
    ),
    ConsentOutcome.ENDPOINTS_CHANGED: Wording(
        status=409,
        heading=_("This site was set up anew in between"),
        text=_("Nothing was connected. Start again."),
        may_retry=True,
    ),
    ConsentOutcome.GOOGLE_ERROR: Wording(
        status=502, heading=_("Google reported an error"), text=_AGAIN, may_retry=True
    ),
    ConsentOutcome.INTERRUPTED: Wording(
        status=503,
        heading=_("Interrupted"),
        text=_(
            "The connection broke off before it was complete. Start again: nothing was connected so far."
        ),
        tone="wait",
        may_retry=True,
    ),
}

_CALENDAR = f"{scopes.CALENDAR}."
_SCOPES: dict[str, Text] = {
    scopes.OPENID: _("know which Google account is yours"),
    scopes.EMAIL: _("see your e-mail address"),
    scopes.PROFILE: _("see your name and picture"),
    scopes.CALENDAR: _("see, change, share and delete all your calendars"),
    scopes.CALENDAR_READONLY: _("see all your calendars and their events"),
    scopes.CALENDAR_EVENTS: _("see and change events on all your calendars"),
    scopes.CALENDAR_EVENTS_READONLY: _("see events on all your calendars"),
    scopes.CALENDAR_LIST: _("see and change the list of your calendars"),
    scopes.CALENDAR_LIST_READONLY: _("see the list of your calendars"),
    f"{_CALENDAR}events.owned": _("see and change events on calendars that you own"),
    f"{_CALENDAR}events.owned.readonly": _("see events on calendars that you own"),
    f"{_CALENDAR}events.freebusy": _("see when you are free, on the calendars that you can access"),
    f"{_CALENDAR}events.public.readonly": _("see events on public calendars"),
    f"{_CALENDAR}freebusy": _("see when you are free"),
    f"{_CALENDAR}calendars": _("see and change the properties of your calendars"),
    f"{_CALENDAR}calendars.readonly": _("see the properties of your calendars"),
    f"{_CALENDAR}acls": _("see and change with whom you share calendars"),
    f"{_CALENDAR}acls.readonly": _("see with whom you share calendars"),
    f"{_CALENDAR}settings": _("see and change your calendar settings"),
    f"{_CALENDAR}settings.readonly": _("see your calendar settings"),
    f"{_CALENDAR}app.created": _("make calendars of its own in your account, and use these"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeInWords:
    """A scope as Google names it, and what it lets a site do, in words; no words for one that we don't know."""

    scope: str
    words: Text


def in_words(wanted: Iterable[str]) -> list[ScopeInWords]:
    """Scopes as people read them; identity first, then as sorted."""
    identity = (scopes.OPENID, scopes.EMAIL, scopes.PROFILE)
    ordered = sorted(wanted, key=lambda scope: (scope not in identity, scope))
    return [ScopeInWords(scope=scope, words=_SCOPES.get(scope, "")) for scope in ordered]
