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
    """How a hosted page is shown: in a window of its own, or in a frame of the shop's page."""

    REDIRECT = "redirect", _("redirect")
    FRAMED = "framed", _("framed")


_ENDINGS = frozenset(
    {SessionStatus.COMPLETED, SessionStatus.CANCELED, SessionStatus.ERRORED, SessionStatus.EXPIRED}
)
LIVE_SESSION = frozenset(SessionStatus) - _ENDINGS


class SessionQuerySet(models.QuerySet["CheckoutSession"]):
    def live(self) -> Self:
        """Keep the sessions that have not ended."""
        return self.filter(status__in=LIVE_SESSION)

    def expired(self, now: datetime) -> Self:
        """Keep the live sessions whose time is over and whose order is still unpaid."""
        waiting = LIVE_SESSION - {SessionStatus.CONFIRMING}  # that one ends with its purchase
        return self.filter(status__in=waiting, expires_at__lte=now, order__status=OrderStatus.OPEN)


class CheckoutSession(PublicRecord, StateMachine):
    """One attempt to pay an order. Its bearer secret is kept only as a hash."""

    TRANSITIONS = {
        SessionStatus.OPEN: _ENDINGS
        | {SessionStatus.QUOTED, SessionStatus.AWAITING_PAYMENT, SessionStatus.CONFIRMING},
        SessionStatus.QUOTED: _ENDINGS | {SessionStatus.AWAITING_PAYMENT, SessionStatus.CONFIRMING},
        SessionStatus.AWAITING_PAYMENT: _ENDINGS | {SessionStatus.CONFIRMING},
        # Back to `open` when Henry refused the payment: another card may do.
        SessionStatus.CONFIRMING: _ENDINGS | {SessionStatus.OPEN, SessionStatus.QUOTED},
    }

    order = models.ForeignKey(
        Order, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("order")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=SessionKind, default=SessionKind.HOSTED)
    status = models.CharField(_("status"), max_length=32, choices=SessionStatus, default=SessionStatus.OPEN)
    token_hash = models.CharField(_("token hash"), max_length=64, unique=True, editable=False)
    mode = models.CharField(_("mode"), max_length=16, choices=SessionMode, default=SessionMode.REDIRECT)
    origin = models.CharField(_("origin of the page around it"), max_length=255, blank=True)
    #: Opens the wrapper page once; then the page has a token of its own, which opens what the session's does.
    ticket_hash = models.CharField(  # noqa: DJ001 - null where there is none, or it could not be unique
        _("hash of the frame ticket"), max_length=64, null=True, unique=True, editable=False
    )
    frame_token_hash = models.CharField(  # noqa: DJ001 - as above
        _("hash of the frame's token"), max_length=64, null=True, unique=True, editable=False
    )
    transaction_id = models.CharField(_("transaction id of the shop"), max_length=255, blank=True)
    shipping_locked_until = models.DateTimeField(_("shipping is being chosen until"), null=True, blank=True)
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
    """What Henry said that a session's order costs, and what shipping can be chosen.

    `merchants` is a list of `{host, links, shipping, chosen, rates: [{rateId, optionId, name, cost, ...}]}`;
    amounts in it are text, in `currency`. A `rateId` is a random whole number: it names one rate of one quote.
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
    refused_coupons = models.JSONField(_("coupons that do not count"), default=list, blank=True)
    needs_acceptance = models.BooleanField(_("must be accepted by name"), default=False)
    region = models.CharField(_("region"), max_length=100, blank=True)
    quoted_at = models.DateTimeField(_("quoted"))
    expires_at = models.DateTimeField(_("expires"))

    #: v0's session token, in memory only: what is bought is quoted anew in the same call.
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
        """What the buyer is asked to pay."""
        return Money(self.total_amount, self.currency)

    @property
    def rates(self) -> dict[int, dict[str, Any]]:
        """The shipping rates on offer, by their ids."""
        return {rate["rateId"]: rate for merchant in self.merchants for rate in merchant["rates"]}
