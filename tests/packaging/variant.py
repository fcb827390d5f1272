"""Run inside the clean environment: one kind of project, from settings to a mirrored event.

``python variant.py user|database|site|path``. Everything happens in this process: Celery is eager, the fake Google
answers in-process, Django's test client is the browser. Prints ``mirrored N`` at the end.
"""

from __future__ import annotations

import sys
import tempfile
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

VARIANT = sys.argv[1]
FOLDER = Path(tempfile.mkdtemp())
HOST = "localhost:8000"
BASE_URL = f"http://{HOST}"
EMAIL = "ada@example.com"


def sqlite(name: str) -> dict[str, object]:
    """One more database of the project."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / f"{name}.sqlite3"}


def configure() -> None:
    """Settings, models, admin site and URLs of the variant."""
    from django.conf import settings

    from django_goffline.crypto import generate_key
    from django_goffline.schedules import beat_schedule

    sys.path.insert(0, str(FOLDER))
    apps = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.messages"]
    apps += ["django.contrib.sessions", "django.contrib.staticfiles"]
    given: dict[str, object] = {}
    if VARIANT == "user":
        (FOLDER / "people").mkdir()
        (FOLDER / "people" / "__init__.py").touch()
        (FOLDER / "people" / "models.py").write_text(USER)
        (FOLDER / "people" / "migrations").mkdir()
        (FOLDER / "people" / "migrations" / "__init__.py").touch()
        apps += ["people", "django.contrib.admin"]
        given["AUTH_USER_MODEL"] = "people.Person"
    elif VARIANT == "site":
        (FOLDER / "sites.py").write_text(SITE)
        apps += ["sites.Config"]
    else:
        apps += ["django.contrib.admin"]
    if VARIANT == "database":
        (FOLDER / "routing.py").write_text(ROUTER)
        given["DATABASE_ROUTERS"] = ["routing.Router"]
        given["DATABASES"] = {"default": sqlite("default"), "main": sqlite("main")}
    if VARIANT == "path":
        given["FORCE_SCRIPT_NAME"] = "/below"
        given["LANGUAGE_CODE"] = "de"
        given["LANGUAGES"] = [("de", "Deutsch"), ("en", "English")]
    (FOLDER / "project_urls.py").write_text(PATH_URLS if VARIANT == "path" else URLS)
    base = {
        "BASE_DIR": FOLDER,
        "SECRET_KEY": "variant",
        "DEBUG": True,
        "USE_TZ": True,
        "ALLOWED_HOSTS": ["*"],
        "ROOT_URLCONF": "project_urls",
        "STATIC_URL": "static/",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": [*apps, "django_goffline"],
        "DATABASES": {"default": sqlite("default")},
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        "GOFFLINE": {
            "BASE_URL": BASE_URL + ("/below" if VARIANT == "path" else ""),
            "ENCRYPTION_KEYS": [generate_key("1")],
        },
        "CELERY_BEAT_SCHEDULE": {**beat_schedule()},
    }
    settings.configure(**{**base, **given})


USER = """
import uuid
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models

class People(BaseUserManager):
    def create_superuser(self, email, password=None):
        person = self.model(email=email, is_staff=True, is_superuser=True)
        person.set_password(password)
        person.save(using=self._db)
        return person

class Person(AbstractBaseUser, PermissionsMixin):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    objects = People()
    USERNAME_FIELD = "email"
"""
# Google's rows refer to users, and rows of two databases can't refer to each other: all go to "main". The default has
# no table at all, so that a query that forgets the router fails.
ROUTER = """
class Router:
    def db_for_read(self, model, **hints):
        return "main"

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return db == "main"
"""
SITE = """
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig

class Config(AdminConfig):
    default_site = "sites.OurSite"

class OurSite(AdminSite):
    site_header = "Our own site"
"""
URLS = """
from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("g/", include("django_goffline.urls"))]
"""
PATH_URLS = """
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

urlpatterns = i18n_patterns(
    path("admin/", admin.site.urls), path("g/", include("django_goffline.urls"))
)
"""


def consent(stack: ExitStack) -> None:
    """From an admin's wish to a grant that the admin lists."""
    import requests
    from celery import current_app
    from django.contrib.auth import get_user_model
    from django.test import Client

    from django_goffline import api, gateway
    from django_goffline.models import Grant, OAuthClient
    from django_goffline.testing import browser
    from django_goffline.testing.adapter import InProcessAdapter
    from django_goffline.testing.fake_google import FakeGoogle
    from django_goffline.testing.in_process import in_process

    fake = FakeGoogle()
    fake.add_account(EMAIL)
    fake.calendar.insert_event(
        EMAIL,
        {
            "summary": "Lunch",
            "start": {"dateTime": "2030-01-01T12:00:00Z"},
            "end": {"dateTime": "2030-01-01T13:00:00Z"},
        },
    )
    current_app.conf.task_always_eager = True
    row = OAuthClient(name="Variant")
    uri = gateway.redirect_uri(row)
    known = fake.add_client(redirect_uris=[uri])
    row.client_id, row.client_secret = known.client_id, known.client_secret
    row.save()
    stack.enter_context(in_process(fake))
    users = get_user_model()._default_manager
    named = {"email": EMAIL} if VARIANT == "user" else {"username": "ada", "email": EMAIL}
    user = users.create_superuser(**named, password="secret")
    assert VARIANT != "user" or isinstance(user.pk, uuid.UUID)
    client = Client()
    client.force_login(user)
    link = api.start_consent(client=row, user=user).url
    page = visit(client, link)
    assert page.status_code == 200, (page.status_code, page.content)
    answer = client.post(page.request["PATH_INFO"], HTTP_HOST=HOST)
    assert answer.status_code in (302, 303), (answer.status_code, answer.content)
    session = requests.Session()
    session.mount("http://localhost:8800", InProcessAdapter(fake))
    back = browser.agree(answer["Location"], email=EMAIL, session=session)
    assert back.startswith(uri), back
    done = visit(client, back)
    assert done.status_code == 200, (done.status_code, done.content)
    grant = Grant.objects.get()
    assert grant.user == user
    admin = "/de/admin/" if VARIANT == "path" else "/admin/"
    listing = client.get(f"{admin}goffline/grant/", HTTP_HOST=HOST)
    assert EMAIL in listing.content.decode(), listing.status_code
    if VARIANT == "site":
        assert "Our own site" in listing.content.decode()


def visit(client: Any, url: str) -> Any:
    """Open a page, and follow where it leads."""
    page = client.get(below(url), HTTP_HOST=HOST)
    while page.status_code in (302, 303):
        page = client.get(below(page["Location"]), HTTP_HOST=HOST)
    return page


def below(url: str) -> str:
    """Path and query of a URL, without the prefix that a web server would have taken off."""
    path = "/" + url.removeprefix(BASE_URL).partition("/")[2]
    return path.removeprefix("/below") if VARIANT == "path" else path


def main() -> None:
    """The whole way."""
    configure()
    import django
    from django.core.management import call_command

    django.setup()
    if VARIANT == "user":
        call_command("makemigrations", "people", verbosity=0)
    call_command("migrate", database="main" if VARIANT == "database" else "default", verbosity=0)
    call_command("check", fail_level="WARNING")
    from django_goffline import tasks
    from django_goffline.models import Event

    with ExitStack() as stack:
        consent(stack)
        for _ in range(3):
            # The list of calendars first, then the events of what it names.
            tasks.tick()
        count = Event.objects.live().count()
        sys.stdout.write(f"mirrored {count}\n")


if __name__ == "__main__":
    main()
