from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.models.base import PublicRecord
from django_henry_checkout.models.encryption import EncryptedTextField


class WebhookStatus(models.TextChoices):
    RECEIVED = "received", _("received")
    UNMATCHED = "unmatched", _("unmatched")
    DONE = "done", _("done")
    IGNORED = "ignored", _("ignored")
    REFUSED = "refused", _("rejected: another account")
    DEAD = "dead", _("failed for good")


WAITING_WEBHOOK = (WebhookStatus.RECEIVED, WebhookStatus.UNMATCHED)


class WebhookQuerySet(models.QuerySet["WebhookMessage"]):
    def due(self, now: datetime | Combinable) -> Self:
        """Filter to the webhooks that are due, oldest first. A lease is a due time in the future."""
        return self.filter(status__in=WAITING_WEBHOOK, due_at__lte=now).order_by("due_at", "pk")


class WebhookMessage(PublicRecord):
    """A webhook with a valid signature. `body` contains personal data, so it is emptied after processing."""

    account = models.CharField(_("account"), max_length=64)
    digest = models.CharField(_("digest of the signed message"), max_length=64)
    event = models.CharField(_("event"), max_length=100, blank=True)
    ref_id = models.CharField(_("refId"), max_length=255, blank=True)
    body = EncryptedTextField(_("body"), blank=True)
    signed_at = models.DateTimeField(_("signed"))
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    status = models.CharField(
        _("status"), max_length=16, choices=WebhookStatus, default=WebhookStatus.RECEIVED
    )
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    fence = models.PositiveIntegerField(_("fence"), default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    outcome = models.TextField(_("outcome"), blank=True)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(status__in=["received", "unmatched"]), name="henry_webhook_due"
            ),
            models.Index(fields=["account", "ref_id"], name="henry_webhook_ref"),
            models.Index(
                fields=["-id"], condition=Q(status__in=["dead", "refused"]), name="henry_webhook_odd"
            ),
            models.Index(fields=["received_at"], name="henry_webhook_received"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "digest"], name="henry_webhook_once"),
            models.CheckConstraint(
                condition=Q(status__in=WebhookStatus.values), name="henry_webhook_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event or gettext('webhook')} {self.ref_id}".strip()
