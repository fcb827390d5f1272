"""URLs of a site whose addresses begin with the language."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path

urlpatterns = i18n_patterns(path("goffline/", include("django_goffline.urls")))
