"""An example project: embedded by default, on real servers by environment.

The Celery app is loaded with the project, so that pages and commands send tasks through it too.
"""

from .celery import app as celery_app

__all__ = ["celery_app"]
