"""The pages that people see on their way to Google and back: about HTTP only; what happens is in ``flows.consent``.

::

    link      GET  connect/<token>/      the address that was sent: token into a cookie, on to a clean address
    connect   GET  connect/<id>/         who asks for what; changes nothing
              POST connect/<id>/         starts an attempt, on to Google
    callback  GET  callback/             Google's answer: consumed once, on to a clean address
    result    GET  result/<attempt id>/  what came of it; changes nothing

All of them step out of ``ATOMIC_REQUESTS``, are never cached or framed, and answer any input with a page.
"""

from .callback import callback
from .connect import connect, link
from .result import result

__all__ = ["callback", "connect", "link", "result"]
