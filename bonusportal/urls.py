"""Every address of the portal."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLResolver, include, path, re_path
from django.urls.resolvers import RoutePattern
from django.views.generic import RedirectView

from bonusportal import dropin, dropin_accrual, dropin_balance, health, widgets
from keycrm import proxy
from keycrm import views as crm_views


def _home(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/admin/")


urlpatterns = [
    path("", _home),
    # What `path("admin/", admin.site.urls)` makes, but by name: `include` would import it now, a cold start pays for what it imports.
    URLResolver(RoutePattern("admin/"), "bonusportal.staff_urls", app_name="admin", namespace="admin"),
    # The same for the API: django-ninja is imported with its first call. (bonusportal.short_way answers all of it.)
    URLResolver(RoutePattern("api/v1/"), "bonusportal.api"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("widgets/config.json", widgets.show_configuration),
    # Short, because the tag bears it: where the connection test of staff comes back to.
    path("widgets/trial", RedirectView.as_view(pattern_name="admin:storefront_trial", query_string=True)),
    # The predecessor's paths: with or without a trailing slash, and (bonusportal.middleware) below /prod/.
    re_path(r"^get-code/?$", dropin.get_code),
    re_path(r"^bonus-accrual/?$", dropin_accrual.bonus_accrual),
    re_path(r"^check-balance/?$", dropin_balance.check_balance),
    re_path(r"^webhooks/keycrm/(?P<secret>[^/]+)/?$", crm_views.webhook),
    re_path(rf"^(?:webhooks/)?(?P<name>{crm_views.HINT_PATHS})(?:/(?P<secret>[^/]+))?/?$", crm_views.hint),
    # The read-only way into the CRM. Any character, so that a line break in a path ends there too, as nothing.
    re_path(r"^keycrm/(?P<path>[\s\S]*)\Z", proxy.proxy),
]
