"""The frame in which *Install on the store* shows every widget: the real scripts of a version, on a page like the shop's, with a portal that is played.

What staff are choosing at the moment (colours, texts) the page around the frame adds; nothing here is saved, and nothing is asked of the API.
"""

from __future__ import annotations

from dataclasses import replace

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin

from bonuses.services.ruling import rule_in_force
from promo.admin.asking import require
from storefront.configuration import configure, language_of, versions
from storefront.services import dressing

VIEW = "storefront.view_widgetlook"
# What the shopper of the preview has, and what the shop's page would say beside it.
POINTS, PAYABLE = 300, [50, 100, 150, 200, 250, 300]


@xframe_options_sameorigin
@csp_replace({"frame-ancestors": ["'self'"]})
def show_preview(request: HttpRequest) -> HttpResponse:
    """`?version=1.1.0&lang=uk&dark=1`; what is not known is as in use, in Ukrainian, light."""
    require(request, VIEW)
    look, asked = dressing.look_in_use(), request.GET
    version = asked.get("version", "")
    language = language_of(asked.get("lang", ""))
    rule = rule_in_force(timezone.now())
    configuration = configure(
        replace(look, version=version if version in versions() else look.version, is_off=False, shows_hint=True),
        language=language,
        portal="",
        static_url=static,
        share_percent=rule.share_percent,
        rate_percent=float(rule.rate_percent),
        channels=["sms"],
    )
    return TemplateResponse(
        request,
        "storefront/preview.html",
        {
            "language": language,
            "is_dark": "dark" in asked,
            "given": {"configuration": configuration, "points": POINTS, "payable": PAYABLE},
        },
    )
