"""Fixed answers: the colours of colors.get and the values of settings.list (reference §5.6)."""

from __future__ import annotations

from .wire import Json

_CALENDAR = ("#ac725e", "#d06b64", "#f83a22", "#fa573c", "#ff7537", "#ffad46", "#42d692", "#16a765",
             "#7bd148", "#b3dc6c", "#fbe983", "#fad165", "#92e1c0", "#9fe1e7", "#9fc6e7", "#4986e7",
             "#9a9cff", "#b99aff", "#c2c2c2", "#cabdbf", "#cca6ac", "#f691b2", "#cd74e6",
             "#a47ae2")  # fmt: skip
_EVENT = ("#a4bdfc", "#7ae7bf", "#dbadff", "#ff887c", "#fbd75b", "#ffb878", "#46d6db", "#e1e1e1",
          "#5484ed", "#51b749", "#dc2127")  # fmt: skip
FOREGROUND = "#1d1d1d"

DEFAULT_SETTINGS = {
    "locale": "en",
    "weekStart": "1",
    "format24HourTime": "true",
    "dateFieldOrder": "DMY",
    "defaultEventLength": "60",
    "hideWeekends": "false",
    "hideInvitations": "false",
    "showDeclinedEvents": "true",
}


def background(color_id: str) -> str:
    """The background colour of a calendar's colour id; unknown ids get the first."""
    index = int(color_id) - 1 if color_id.isdigit() else 0
    return _CALENDAR[index if 0 <= index < len(_CALENDAR) else 0]


def colors() -> Json:
    """The answer of colors.get."""
    return {
        "kind": "calendar#colors",
        "updated": "2012-02-14T00:00:00.000Z",
        "calendar": _numbered(_CALENDAR),
        "event": _numbered(_EVENT),
    }


def setting(name: str, value: str) -> Json:
    """One setting as a resource."""
    return {"kind": "calendar#setting", "etag": '"0"', "id": name, "value": value}


def _numbered(colours: tuple[str, ...]) -> Json:
    return {
        str(number): {"background": colour, "foreground": FOREGROUND}
        for number, colour in enumerate(colours, start=1)
    }
