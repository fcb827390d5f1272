"""Consent, from the wish to the grant. One file a verb:

- ``starting``: a wish becomes a row and a link (or a direct Google URL)
- ``links``: the link is opened; who may; withdraw
- ``opening``: an attempt sets out for Google, bound to the browser
- ``completing``: Google's answer is consumed once, exchanged, checked (``answers``) and recorded (``record``)
- ``approving``: a grant whose account nobody proved is accepted or discarded

A crash at any point leaves a state that reads true: a consumed attempt says *interrupted* until its end is
written, and its request stays open.
"""

from .answers import CallbackAnswer
from .approving import approve, discard, may_approve
from .completing import AttemptClosedError, Completed, complete
from .links import LinkState, link_state, login_problem, see, withdraw
from .opening import open
from .starting import StartedConsent, start

__all__ = [
    "AttemptClosedError",
    "CallbackAnswer",
    "Completed",
    "LinkState",
    "StartedConsent",
    "approve",
    "complete",
    "discard",
    "link_state",
    "login_problem",
    "may_approve",
    "open",
    "see",
    "start",
    "withdraw",
]
