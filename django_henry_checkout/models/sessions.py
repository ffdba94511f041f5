from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_henry_checkout.models.base import PublicRecord, StateMachine, amount_field, money_of
from django_henry_checkout.models.orders import Order, OrderStatus


class SessionStatus(models.TextChoices):
    OPEN = "open", _("open")
    QUOTED = "quoted", _("quoted")
    AWAITING_PAYMENT = "awaiting_payment", _("waiting for payment")
    CONFIRMING = "confirming", _("confirming")
    COMPLETED = "completed", _("completed")
    CANCELED = "canceled", _("canceled")
    ERRORED = "errored", _("errored")
    EXPIRED = "expired", _("expired")


class SessionKind(models.TextChoices):
    HOSTED = "hosted", _("hosted page")
    INLINE = "inline", _("inline form")
    LINK = "link", _("link or QR code")


class SessionMode(models.TextChoices):
    """How a hosted page is shown: in the whole window, or in a frame of the shop's page."""

    REDIRECT = "redirect", _("redirect")
    FRAMED = "framed", _("framed")


_ENDINGS = frozenset(
    {SessionStatus.COMPLETED, SessionStatus.CANCELED, SessionStatus.ERRORED, SessionStatus.EXPIRED}
)
LIVE_SESSION = frozenset(SessionStatus) - _ENDINGS


class SessionQuerySet(models.QuerySet["CheckoutSession"]):
    def live(self) -> Self:
        """Filter to the sessions that have not ended."""
        return self.filter(status__in=LIVE_SESSION)

    def expired(self, now: datetime) -> Self:
        """Filter to live sessions that are past their expiry and whose order is still unpaid."""
        waiting = LIVE_SESSION - {SessionStatus.CONFIRMING}  # it ends with its purchase
        return self.filter(status__in=waiting, expires_at__lte=now, order__status=OrderStatus.OPEN)


class CheckoutSession(PublicRecord, StateMachine):
    """One attempt to pay an order. Only the hash of its bearer secret is stored."""

    TRANSITIONS = {
        SessionStatus.OPEN: _ENDINGS
        | {SessionStatus.QUOTED, SessionStatus.AWAITING_PAYMENT, SessionStatus.CONFIRMING},
        SessionStatus.QUOTED: _ENDINGS | {SessionStatus.AWAITING_PAYMENT, SessionStatus.CONFIRMING},
        SessionStatus.AWAITING_PAYMENT: _ENDINGS | {SessionStatus.CONFIRMING},
        # Back to `open` if Henry refused the payment: another card may be accepted.
        SessionStatus.CONFIRMING: _ENDINGS | {SessionStatus.OPEN, SessionStatus.QUOTED},
    }

    order = models.ForeignKey(
        Order, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("order")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=SessionKind, default=SessionKind.HOSTED)
    status = models.CharField(_("status"), max_length=32, choices=SessionStatus, default=SessionStatus.OPEN)
    token_hash = models.CharField(_("token hash"), max_length=64, unique=True, editable=False)
    mode = models.CharField(_("mode"), max_length=16, choices=SessionMode, default=SessionMode.REDIRECT)
    origin = models.CharField(_("origin of the embedding page"), max_length=255, blank=True)
    #: The ticket opens the iframe wrapper once; the page then gets a token with the rights of the session's.
    ticket_hash = models.CharField(  # noqa: DJ001 - null if there is none, because it is unique
        _("hash of the frame ticket"), max_length=64, null=True, unique=True, editable=False
    )
    frame_token_hash = models.CharField(  # noqa: DJ001 - as above
        _("hash of the frame's token"), max_length=64, null=True, unique=True, editable=False
    )
    transaction_id = models.CharField(_("shop's transaction id"), max_length=255, blank=True)
    shipping_locked_until = models.DateTimeField(_("shipping choice locked until"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    if TYPE_CHECKING:
        quote: Quote

    class Meta:
        verbose_name = _("checkout session")
        verbose_name_plural = _("checkout sessions")
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(status__in=sorted(LIVE_SESSION)), name="henry_session_live"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(status__in=sorted(LIVE_SESSION)), name="henry_one_live_session"
            ),
            models.CheckConstraint(
                condition=Q(status__in=SessionStatus.values), name="henry_session_status_known"
            ),
        ]

    def __str__(self) -> str:
        return self.ulid


class Quote(models.Model):
    """Henry's quote for a session's order: its costs and shipping rates.

    `merchants` is a list of `{host, links, shipping, chosen, rates: [{rateId, optionId, name, cost, ...}]}`;
    amounts in it are strings, in `currency`. A `rateId` is a random integer that identifies a rate.
    """

    session = models.OneToOneField(
        CheckoutSession,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="quote",
        verbose_name=_("session"),
    )
    currency = models.CharField(_("currency"), max_length=3)
    total_amount = models.DecimalField(_("total"), max_digits=19, decimal_places=4)
    subtotal_amount = amount_field(_("subtotal"))
    shipping_amount = amount_field(_("shipping"))
    tax_amount = amount_field(_("tax"))
    discount_amount = amount_field(_("discount"))
    fee_amount = amount_field(_("fee"))
    merchants = models.JSONField(_("merchants"), default=list, blank=True)
    coupons = models.JSONField(_("coupons"), default=list, blank=True)
    refused_coupons = models.JSONField(_("refused coupons"), default=list, blank=True)
    needs_acceptance = models.BooleanField(_("requires explicit acceptance"), default=False)
    region = models.CharField(_("region"), max_length=100, blank=True)
    quoted_at = models.DateTimeField(_("quoted"))
    expires_at = models.DateTimeField(_("expires"))

    #: v0's session token, in memory only: each purchase requests a new quote in the same call.
    henry_token: str = ""

    class Meta:
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")

    def __str__(self) -> str:
        return f"quote of session {self.session_id}"

    def amount(self, name: str) -> Money | None:
        """Return one of the amounts: `subtotal`, `shipping`, `tax`, `discount`, `fee`, `total`."""
        return money_of(getattr(self, f"{name}_amount"), self.currency)

    @property
    def total(self) -> Money:
        """Total that the buyer would pay."""
        return Money(self.total_amount, self.currency)

    @property
    def rates(self) -> dict[int, dict[str, Any]]:
        """Offered shipping rates by their ids."""
        return {rate["rateId"]: rate for merchant in self.merchants for rate in merchant["rates"]}
