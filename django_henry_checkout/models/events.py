from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import Combinable
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.models.base import PublicRecord
from django_henry_checkout.models.orders import Order, OrderLine
from django_henry_checkout.models.purchases import Purchase


class Event(PublicRecord):
    """Something that happened to an order. Append-only; signals are delivered from these rows.

    `type` is the name of a signal, or of an event that is only recorded. `payload` contains ids, codes and
    statuses, never personal data. `state` is a snapshot of the order and of what else changed with it.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events", verbose_name=_("order"))
    sequence = models.PositiveIntegerField(_("sequence"))
    type = models.CharField(_("type"), max_length=64)
    source = models.CharField(_("source"), max_length=200, blank=True)
    purchase = models.ForeignKey(
        Purchase,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("purchase"),
    )
    line = models.ForeignKey(
        OrderLine, null=True, blank=True, on_delete=models.CASCADE, related_name="+", verbose_name=_("line")
    )
    payload = models.JSONField(_("payload"), default=dict, blank=True)
    state = models.JSONField(_("state afterwards"), default=dict, blank=True)
    occurred_at = models.DateTimeField(_("occurred"), default=timezone.now)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["order_id", "sequence"]
        constraints = [models.UniqueConstraint(fields=["order", "sequence"], name="henry_event_sequence")]

    def __str__(self) -> str:
        return f"{self.type} #{self.sequence}"


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", _("pending")
    DONE = "done", _("done")
    DEAD = "dead", _("failed for good")


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def runnable(self, now: datetime | Combinable) -> Self:
        """Filter to due deliveries without an unfinished earlier one of the same order and receiver."""
        earlier = (
            Delivery.objects.exclude(status=DeliveryStatus.DONE)
            .filter(order=OuterRef("order"), receiver=OuterRef("receiver"), sequence__lt=OuterRef("sequence"))
            .order_by()
        )
        due = self.filter(status=DeliveryStatus.PENDING, due_at__lte=now)
        # Deliveries that failed or crashed their worker come last, so that they do not delay the others.
        return due.exclude(Exists(earlier)).order_by("attempts", "due_at", "pk")


class Delivery(models.Model):
    """The delivery of one event to one receiver, and its progress."""

    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("event")
    )
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="+", verbose_name=_("order"))
    sequence = models.PositiveIntegerField(_("sequence"))
    receiver = models.CharField(_("receiver"), max_length=255)
    status = models.CharField(
        _("status"), max_length=16, choices=DeliveryStatus, default=DeliveryStatus.PENDING
    )
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    fence = models.PositiveIntegerField(_("fence"), default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    failures = models.PositiveIntegerField(_("failed attempts"), default=0)
    last_error = models.TextField(_("last error"), blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("signal delivery")
        verbose_name_plural = _("signal deliveries")
        indexes = [
            models.Index(
                fields=["attempts", "due_at"], condition=Q(status="pending"), name="henry_delivery_due"
            ),
            models.Index(
                fields=["order", "receiver", "sequence"],
                condition=~Q(status="done"),
                name="henry_delivery_unfinished",
            ),
            models.Index(fields=["-id"], condition=Q(status="dead"), name="henry_delivery_dead"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["event", "receiver"], name="henry_delivery_once"),
            models.CheckConstraint(
                condition=Q(status__in=DeliveryStatus.values), name="henry_delivery_status_known"
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(receiver)s of event %(event)s") % {
            "receiver": self.receiver,
            "event": self.event_id,
        }
