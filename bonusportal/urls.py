"""Every address of the portal."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path, re_path

from bonusportal import dropin, health


def _home(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/admin/")


urlpatterns = [
    path("", _home),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    # The predecessor's paths: with or without a trailing slash, and (bonusportal.middleware) below /prod/.
    re_path(r"^get-code/?$", dropin.get_code),
]
