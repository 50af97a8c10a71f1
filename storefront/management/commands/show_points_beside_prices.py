"""`manage.py show_points_beside_prices --reason "…"`: what a product and the cart will bring stands beside their prices from now on.

The same as on *Install on the store*, for a portal that is set up by a script. Everything else about the widgets stays as it was chosen.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from storefront.models import WidgetLook
from storefront.services import dressing


class Command(BaseCommand):
    help = "Show on product and cart pages how many points they bring."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--actor", default="command line", help="who stands behind it; default: %(default)s")
        parser.add_argument("--reason", required=True)
        parser.add_argument(
            "--unless-chosen", action="store_true", help="leave it when somebody has chosen a look already"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["unless_chosen"] and WidgetLook.objects.exists():
            self.stdout.write("Somebody has chosen already: left as it is.")
            return
        look = dressing.look_in_use()
        try:
            dressing.choose(
                version=look.version, accent=look.accent, theme=look.theme, shows_hint=True, texts=look.texts,
                actor=options["actor"], reason=options["reason"], now=timezone.now(),
            )  # fmt: skip
        except dressing.LookInvalid as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write("Points are shown beside prices on pages loaded from now on.")
