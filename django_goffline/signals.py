"""Signals, each sent after the commit that it speaks of. A receiver's error is logged and hurts nobody.

=====================  ==================  =======================================================================
signal                 sender              keyword arguments
=====================  ==================  =======================================================================
consent_completed      ``ConsentRequest``  ``request``, ``grant``, ``granted`` and ``missing`` (tuples of scopes)
grant_activated        ``Grant``           ``grant``: usable for the first time, or again
grant_lost             ``Grant``           ``grant``, ``reason`` (a code), ``diagnosis`` (a sentence)
client_paused          ``OAuthClient``     ``client``, ``reason``
calendars_changed      ``Calendar``        ``grant``, ``created``, ``changed``, ``removed`` (lists of Google ids)
events_changed         ``Event``           ``calendar``, ``run``, ``created``, ``changed``, ``removed`` (lists of
                                           Google ids, one page's worth at most)
pull_finished          ``ScheduledPull``   ``pull_id``, ``resource``, ``outcome``
=====================  ==================  =======================================================================
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.dispatch import Signal

logger = logging.getLogger("django_goffline")

consent_completed = Signal()
grant_activated = Signal()
grant_lost = Signal()
client_paused = Signal()
calendars_changed = Signal()
events_changed = Signal()
pull_finished = Signal()


def send_on_commit(signal: Signal, *, sender: type, using: str, **payload: Any) -> None:
    """Send ``signal`` once the transaction on ``using`` has committed; at once outside of one."""

    def send() -> None:
        for receiver, answer in signal.send_robust(sender=sender, **payload):
            if isinstance(answer, Exception):
                logger.error("signal receiver %r failed: %s", receiver, type(answer).__name__)

    transaction.on_commit(send, using=using)
