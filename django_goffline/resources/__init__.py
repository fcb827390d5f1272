"""Lists at Google that can be pulled, by name.

A resource is a class of some fifty lines (see ``base.Resource``); the engine in ``flows/`` is the same for all. A
project registers its own in an ``AppConfig.ready``: ``resources.register(Contacts())``.
"""

from __future__ import annotations

from .base import Changes, Resource, Row, Rows, scopes_allow
from .calendar_events import CalendarEvents
from .calendar_list import CalendarList

__all__ = [
    "Changes",
    "Resource",
    "Row",
    "Rows",
    "get",
    "register",
    "registry",
    "scopes_allow",
    "unregister",
]

_REGISTRY: dict[str, Resource] = {}


def register(resource: Resource) -> None:
    """Make a resource known. Raises ``ValueError`` for a name that is taken by another class."""
    known = _REGISTRY.get(resource.name)
    if known is not None and type(known) is not type(resource):
        raise ValueError(f"a resource named {resource.name!r} is registered already")
    _REGISTRY[resource.name] = resource


def unregister(name: str) -> None:
    """Forget a resource; its pulls are parked when they come up."""
    _REGISTRY.pop(name, None)


def get(name: str) -> Resource | None:
    """The resource of that name, or None: a pull's row may outlive the code that it was for."""
    return _REGISTRY.get(name)


def registry() -> tuple[Resource, ...]:
    """All resources, in the order of their registration."""
    return tuple(_REGISTRY.values())


register(CalendarList())
register(CalendarEvents())
