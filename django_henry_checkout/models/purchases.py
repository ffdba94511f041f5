from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.models.base import PublicRecord, StateMachine, amount_field
from django_henry_checkout.models.orders import Order


class PurchaseStatus(models.TextChoices):
    """Statuses of a purchase. From `pending` on they are Henry's words, except `stuck` and `abandoned`."""

    PLANNED = "planned", _("planned")
    SENT = "sent", _("sent")
    IN_DOUBT = "in_doubt", _("in doubt")
    PENDING = "pending", _("pending")
    PROCESSING = "processing", _("processing")
    STUCK = "stuck", _("stuck")
    COMPLETE = "complete", _("complete")
    PARTIALLY_COMPLETE = "partially_complete", _("partially complete")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    ABANDONED = "abandoned", _("never paid")


_ENDINGS = frozenset(
    {
        PurchaseStatus.COMPLETE,
        PurchaseStatus.PARTIALLY_COMPLETE,
        PurchaseStatus.FAILED,
        PurchaseStatus.CANCELLED,
    }
)
_AT_HENRY = _ENDINGS | {PurchaseStatus.PENDING, PurchaseStatus.PROCESSING}
LIVE_PURCHASE = frozenset(PurchaseStatus) - _ENDINGS - {PurchaseStatus.ABANDONED}
#: Error code of a purchase that staff closed.
CLOSED_BY_STAFF = "closed_by_staff"
#: The call that buys was sent, and its outcome is not known.
UNRESOLVED_PURCHASE = frozenset({PurchaseStatus.SENT, PurchaseStatus.IN_DOUBT})


class Purchase(PublicRecord, StateMachine):
    """One purchase job at Henry (`ref_id`), or an expected hosted payment, which is found by its cart."""

    TRANSITIONS = {
        PurchaseStatus.PLANNED: _AT_HENRY | {PurchaseStatus.SENT, PurchaseStatus.ABANDONED},
        # To `abandoned`: Henry refused it, or staff found that nothing was bought.
        PurchaseStatus.SENT: _AT_HENRY | {PurchaseStatus.IN_DOUBT, PurchaseStatus.ABANDONED},
        PurchaseStatus.IN_DOUBT: _AT_HENRY | {PurchaseStatus.ABANDONED},
        PurchaseStatus.PENDING: _ENDINGS | {PurchaseStatus.PROCESSING, PurchaseStatus.STUCK},
        PurchaseStatus.PROCESSING: _ENDINGS | {PurchaseStatus.STUCK},
        PurchaseStatus.STUCK: _ENDINGS,
    }

    order = models.ForeignKey(
        Order, on_delete=models.CASCADE, related_name="purchases", verbose_name=_("order")
    )
    account = models.CharField(_("account"), max_length=64)
    ref_id = models.CharField(_("refId"), max_length=255, blank=True)
    henry_cart_id = models.CharField(_("Henry's cart"), max_length=255, blank=True)
    claimed_id = models.CharField(_("claimed order id"), max_length=255, blank=True)
    status = models.CharField(
        _("status"), max_length=32, choices=PurchaseStatus, default=PurchaseStatus.PLANNED
    )
    error = models.CharField(_("error"), max_length=500, blank=True)
    accepted_amount = amount_field(_("total that the buyer accepted"))
    accepted_currency = models.CharField(_("currency of the accepted total"), max_length=3, blank=True)
    settings = models.JSONField(_("settings"), default=dict, blank=True)
    answer = models.JSONField(_("last answer"), default=dict, blank=True)
    drift = models.JSONField(_("unknown status words"), default=list, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    found_at = models.DateTimeField(_("found"), null=True, blank=True)
    answered_at = models.DateTimeField(_("last answer at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    deadline_at = models.DateTimeField(_("deadline"))

    if TYPE_CHECKING:
        poll: PurchasePoll

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["account", "henry_cart_id"], name="henry_purchase_cart"),
            models.Index(
                fields=["status", "-id"],
                condition=Q(status__in=["in_doubt", "stuck"]),
                name="henry_purchase_attention",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(status__in=sorted(LIVE_PURCHASE)),
                name="henry_one_live_purchase",
            ),
            models.UniqueConstraint(
                fields=["account", "ref_id"], condition=~Q(ref_id=""), name="henry_purchase_ref_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=PurchaseStatus.values), name="henry_purchase_status_known"
            ),
        ]

    def __str__(self) -> str:
        return self.ref_id or self.ulid

    @property
    def is_waiting(self) -> bool:
        """Whether Henry is searched for an order of the cart, because no `ref_id` is known yet."""
        return not self.ref_id

    @property
    def followed_since(self) -> datetime:
        """Start of the age that decides how often the purchase is polled."""
        since: datetime = self.found_at or self.sent_at or self.created_at
        return since


class PollQuerySet(models.QuerySet["PurchasePoll"]):
    def due(self, account: str, now: datetime) -> Self:
        """Filter to the due polls of an account, longest overdue first. A lease is a future due time."""
        return self.filter(account=account, due_at__lte=now).order_by("due_at")


class PurchasePoll(models.Model):
    """The next poll of a purchase: one narrow row for each open purchase, deleted when it ends.

    A claim moves `due_at` to the end of its lease and increments `fence`. A worker that has lost its lease
    has an outdated fence, and its result is dropped.
    """

    purchase = models.OneToOneField(
        Purchase, primary_key=True, on_delete=models.CASCADE, related_name="poll", verbose_name=_("purchase")
    )
    account = models.CharField(_("account"), max_length=64)
    due_at = models.DateTimeField(_("due"))
    fence = models.PositiveIntegerField(_("fence"), default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    errors = models.PositiveIntegerField(_("consecutive errors"), default=0)
    digest = models.CharField(_("digest of the last answer"), max_length=64, blank=True)
    text_digest = models.CharField(_("digest of the raw answer"), max_length=32, blank=True)
    worker = models.CharField(_("worker"), max_length=100, blank=True)

    objects = PollQuerySet.as_manager()

    class Meta:
        verbose_name = _("poll")
        verbose_name_plural = _("polls")
        indexes = [models.Index(fields=["account", "due_at"], name="henry_poll_due")]

    def __str__(self) -> str:
        return f"poll of {self.purchase_id}"
