"""The admin, and this package's pages."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("goffline/", include("django_goffline.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
