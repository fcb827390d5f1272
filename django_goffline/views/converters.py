"""The link's token in an address, kept out of error reports: they show the variables of every frame.

Django hands a view's arguments through frames that are not ours to mark as sensitive.
"""

from __future__ import annotations

from ..log_filters import MASK


class LinkToken(str):
    """A token that prints as a mask."""

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK


class LinkTokenConverter:
    """``<goffline_token:…>`` in a URL pattern: what ``str`` takes, as a ``LinkToken``."""

    regex = "[^/]+"

    def to_python(self, value: str) -> LinkToken:
        """The token as views get it."""
        return LinkToken(value)

    def to_url(self, value: str) -> str:
        """The token as it stands in an address."""
        return value
