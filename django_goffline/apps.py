"""The Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GofflineConfig(AppConfig):
    """App label ``goffline``: tables are called ``goffline_grant``, permissions ``goffline.…``."""

    name = "django_goffline"
    label = "goffline"
    verbose_name = _("Google offline access")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """What the app adds to the project beyond models: system checks, receivers."""
        from . import checks, receivers  # noqa: F401, PLC0415 - they need models, which are loaded only now
