"""Every address of the portal."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLResolver, include, path, re_path
from django.urls.resolvers import RoutePattern

from bonusportal import dropin, health
from keycrm import proxy


def _home(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/admin/")


urlpatterns = [
    path("", _home),
    # What `path("admin/", admin.site.urls)` makes, but by name: `include` would import it now, a cold start pays for what it imports.
    URLResolver(RoutePattern("admin/"), "bonusportal.staff_urls", app_name="admin", namespace="admin"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    # The predecessor's paths: with or without a trailing slash, and (bonusportal.middleware) below /prod/.
    re_path(r"^get-code/?$", dropin.get_code),
    # The read-only way into the CRM. `.*` with DOTALL, so that a line break in a path ends there too, as nothing.
    re_path(r"(?s)^keycrm/(?P<path>.*)\Z", proxy.proxy),
]
