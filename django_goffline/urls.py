"""URLs of the pages that people see: ``path("goffline/", include("django_goffline.urls"))``.

The callback's address, under ``GOFFLINE["BASE_URL"]``, is the redirect URI to register with Google.
"""

from django.urls import path, register_converter

from . import views
from .views.converters import LinkTokenConverter

app_name = "goffline"

register_converter(LinkTokenConverter, "goffline_token")

urlpatterns = [
    path("callback/", views.callback, name="callback"),
    # The page of one request; its id is no secret. Before the link, whose token is never shaped like a UUID.
    path("connect/<uuid:public_id>/", views.connect, name="connect"),
    path("connect/<goffline_token:token>/", views.link, name="link"),
    path("result/<uuid:public_id>/", views.result, name="result"),
]
