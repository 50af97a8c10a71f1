"""What was sent to us, as it came. An event is a hint: it says which order or card to look at, never what is true of it.

received → applied | ignored | stuck        replaying leads back to received
"""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Channel(models.TextChoices):
    """Which door it came through: the CRM's own webhook, or one of the former system's paths."""

    WEBHOOK = "webhook", _("webhook")
    ORDER_RESERVE = "order-reserve", "order-reserve"
    ORDER_COMPLETE = "order-complete", "order-complete"
    ORDER_CANCEL = "order-cancel", "order-cancel"
    LEAD_RESERVE = "lead-reserve", "lead-reserve"


class EventState(models.TextChoices):
    RECEIVED = "received", _("received")
    APPLIED = "applied", _("applied")
    IGNORED = "ignored", _("ignored")
    STUCK = "stuck", _("stuck")


class Subject(models.TextChoices):
    ORDER = "order", _("order")
    CARD = "card", _("card")


class EventQuerySet(models.QuerySet["InboundEvent"]):
    def open(self) -> Self:
        return self.filter(state=EventState.RECEIVED)


class InboundEvent(models.Model):
    """One event. The same body through the same door is the same event: it is counted, and its subject looked at once more.

    The body is encrypted, because nobody knows what an automation puts into it, and forgotten after two weeks.
    """

    channel = models.CharField(_("through"), max_length=16, choices=Channel.choices)
    name = models.CharField(_("event"), max_length=60, blank=True)
    subject = models.CharField(_("about"), max_length=8, choices=Subject.choices, blank=True)
    subject_id = models.BigIntegerField(_("number in the CRM"), null=True, blank=True)
    digest = models.CharField(max_length=64, editable=False)
    body = models.BinaryField(null=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=EventState.choices, default=EventState.RECEIVED)
    reason = models.CharField(_("reason"), max_length=40, blank=True)  # a machine word, see keycrm.reasons
    # Which of the hints of its order or card it was: a look answers the hints up to the one that it began with, whatever the clocks say.
    asks = models.PositiveIntegerField(default=0, editable=False)
    times_seen = models.PositiveIntegerField(_("times"), default=1)
    received_at = models.DateTimeField(_("received at"))
    last_seen_at = models.DateTimeField(_("last received at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    replayed_by = models.CharField(_("replayed by"), max_length=150, blank=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("event of the CRM")
        verbose_name_plural = _("events of the CRM")
        permissions = [("replay_events", _("Can replay events, decide stuck orders and clear differences"))]
        constraints = [
            models.UniqueConstraint(fields=["channel", "digest"], name="one_event_per_door_and_body"),
            models.CheckConstraint(condition=Q(state__in=EventState.values), name="event_state_is_known"),
        ]
        indexes = [
            models.Index(
                fields=["subject", "subject_id"], name="event_open", condition=Q(state__in=["received", "stuck"])
            ),
            models.Index(fields=["last_seen_at"], name="event_with_body", condition=Q(body__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"№{self.pk}"
