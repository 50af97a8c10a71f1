"""What staff chose for the widgets, as versions of which none is ever edited, and when a page of the shop last asked."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ThemeChoice(models.TextChoices):
    AUTO = "auto", _("as the page around it")
    LIGHT = "light", _("light")
    DARK = "dark", _("dark")


class WidgetLook(models.Model):
    """The newest row is in use. `texts` replaces single texts: {"uk": {"checkout.title": "…"}}."""

    version = models.CharField(_("scripts"), max_length=20)
    is_off = models.BooleanField(_("switched off"), default=False)
    accent = models.CharField(_("accent"), max_length=7)
    theme = models.CharField(_("light or dark"), max_length=5, choices=ThemeChoice.choices, default=ThemeChoice.AUTO)
    shows_hint = models.BooleanField(_("points beside prices"), default=False)
    texts = models.JSONField(_("texts"), default=dict, blank=True)
    actor = models.CharField(_("by"), max_length=150)
    reason = models.CharField(_("reason"), max_length=300)
    created_at = models.DateTimeField(_("made at"))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("look of the widgets")
        verbose_name_plural = _("looks of the widgets")
        permissions = [("dress_shop", _("Can change what the shop's pages show, and switch it off"))]
        constraints = [
            models.CheckConstraint(condition=Q(theme__in=ThemeChoice.values), name="look_theme_is_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="look_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"№ {self.pk}"


class WidgetSighting(models.Model):
    """When a page of this origin last fetched the configuration, to the minute: the proof that the tag is in the shop."""

    origin = models.CharField(_("origin"), max_length=200, unique=True)
    seen_at = models.DateTimeField(_("last"))

    class Meta:
        ordering = ["origin"]
        verbose_name = _("visit of the tag")
        verbose_name_plural = _("visits of the tag")
