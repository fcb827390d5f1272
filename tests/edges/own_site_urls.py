"""Two admin sites: the default one, and one of the project's own."""

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.urls import include, path

from django_goffline.admin import register

site = AdminSite(name="ours")
register(site)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("ours/", site.urls),
    path("goffline/", include("django_goffline.urls")),
]
