"""One response that Django doesn't bring."""

from __future__ import annotations

from django.http import HttpResponseRedirect


class SeeOther(HttpResponseRedirect):
    """303: go on with GET, whatever the method was (RFC 9110 §15.4.4; RFC 9700 §4.12 on 307)."""

    status_code = 303
