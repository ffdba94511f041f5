from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_henry_checkout.models.base import (
    ProductLine,
    PublicRecord,
    StateMachine,
    amount_field,
    money_of,
    owned_by,
)
from django_henry_checkout.models.carts import Cart
from django_henry_checkout.models.encryption import EncryptedJSONField, EncryptedTextField
from django_henry_checkout.types import Address, Buyer, Caller

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

_NUMBER_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
#: Permissions in addition to Django's `view_order`.
OPERATE = "operate_checkouts"
RESOLVE = "resolve_money"
SEE_BUYERS = "see_personal_data"
AMOUNTS = ("subtotal", "shipping", "tax", "discount", "fee", "total")


def new_order_number() -> str:
    """Return an order number that is easy to read out, and random, so that it does not reveal sales."""
    letters = "".join(secrets.choice(_NUMBER_ALPHABET) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


class OrderStatus(models.TextChoices):
    OPEN = "open", _("waiting for payment")
    PLACED = "placed", _("placed")
    PROCESSING = "processing", _("being bought")
    COMPLETED = "completed", _("completed")
    PARTIALLY_COMPLETED = "partially_completed", _("partly completed")
    FAILED = "failed", _("failed")
    CANCELED = "canceled", _("canceled")


_ENDINGS = frozenset(
    {OrderStatus.COMPLETED, OrderStatus.PARTIALLY_COMPLETED, OrderStatus.FAILED, OrderStatus.CANCELED}
)


class OrderQuerySet(models.QuerySet["Order"]):
    def owned_by(self, caller: Caller) -> Self:
        """Filter to the orders that a caller may access: see `Caller`."""
        owned = owned_by(caller, remembered=caller.order_ids, cart_path="cart__public_id")
        if caller.session_order_id is not None:
            owned |= Q(public_id=caller.session_order_id)
        return self.filter(owned)

    def lock(self) -> Self:
        """Lock the rows, always in the same order. SQLite has no row locks: there the transaction locks."""
        return self.order_by("pk").select_for_update(of=("self",))


class Order(PublicRecord, StateMachine):
    """An order: a snapshot of the cart's lines, the buyer, the totals, a number."""

    TRANSITIONS = {
        OrderStatus.OPEN: frozenset({OrderStatus.PLACED, OrderStatus.CANCELED}),
        OrderStatus.PLACED: _ENDINGS | {OrderStatus.PROCESSING},
        OrderStatus.PROCESSING: _ENDINGS,
    }

    number = models.CharField(
        _("number"), max_length=32, default=new_order_number, unique=True, editable=False
    )
    account = models.CharField(_("account"), max_length=64)
    status = models.CharField(_("status"), max_length=32, choices=OrderStatus, default=OrderStatus.OPEN)
    needs_review = models.BooleanField(_("needs review"), default=False)
    review_reason = models.CharField(_("reason for review"), max_length=300, blank=True)
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, blank=True)
    cart = models.ForeignKey(
        Cart, verbose_name=_("cart"), null=True, blank=True, on_delete=models.SET_NULL, related_name="orders"
    )
    cart_digest = models.CharField(_("digest of the cart's lines"), max_length=64, blank=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    henry_cart_id = models.CharField(_("Henry's cart"), max_length=255, blank=True)
    hosted_url = models.CharField(_("hosted page"), max_length=4000, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    subtotal_amount = amount_field(_("subtotal"))
    shipping_amount = amount_field(_("shipping"))
    tax_amount = amount_field(_("tax"))
    discount_amount = amount_field(_("discount"))
    fee_amount = amount_field(_("fee"))
    total_amount = amount_field(_("total"))
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    event_count = models.PositiveIntegerField(_("events"), default=0)
    link_epoch = models.PositiveIntegerField(_("link epoch"), default=0)
    #: W3C trace context of the request that created it, so that later work joins that trace.
    traceparent = models.CharField(_("trace"), max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)
    placed_at = models.DateTimeField(_("placed"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    #: After this time the buyer's details from Henry are no longer stored.
    buyer_erased_at = models.DateTimeField(_("buyer erased"), null=True, blank=True)

    objects = OrderQuerySet.as_manager()

    if TYPE_CHECKING:
        lines: RelatedManager[OrderLine]
        purchases: RelatedManager[Any]
        sessions: RelatedManager[Any]
        buyer: OrderBuyer

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["user", "-id"], name="henry_order_user"),
            models.Index(fields=["status", "-id"], name="henry_order_status"),
            models.Index(fields=["account", "henry_cart_id"], name="henry_order_henry_cart"),
            models.Index(fields=["account", "-id"], name="henry_order_account"),
            models.Index(fields=["-id"], condition=Q(needs_review=True), name="henry_order_review"),
            models.Index(
                fields=["-id"],
                condition=Q(status="partially_completed", reviewed_at=None),
                name="henry_order_partial",
            ),
        ]
        permissions = [
            (OPERATE, _("Can operate checkouts: poll, replay, resume, revoke")),
            (RESOLVE, _("Can resolve purchases: record the outcome, allow another attempt, cancel")),
            (SEE_BUYERS, _("Can see personal data of buyers")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=OrderStatus.values), name="henry_order_status_known"
            ),
            models.CheckConstraint(
                condition=Q(total_amount=None) | Q(total_amount__gte=0), name="henry_order_total"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def wants_review(self) -> bool:
        """Whether staff should review it: it was flagged, or is partly completed and not reviewed yet."""
        is_partial = self.status == OrderStatus.PARTIALLY_COMPLETED and self.reviewed_at is None
        return self.needs_review or is_partial

    @property
    def subtotal(self) -> Money | None:
        """Price of the items."""
        return money_of(self.subtotal_amount, self.currency)

    @property
    def shipping(self) -> Money | None:
        """Cost of delivery."""
        return money_of(self.shipping_amount, self.currency)

    @property
    def tax(self) -> Money | None:
        """Taxes."""
        return money_of(self.tax_amount, self.currency)

    @property
    def discount(self) -> Money | None:
        """Discount by coupons; positive."""
        return money_of(self.discount_amount, self.currency)

    @property
    def fee(self) -> Money | None:
        """The shop's service fee, as Henry reports it."""
        return money_of(self.fee_amount, self.currency)

    @property
    def total(self) -> Money | None:
        """Total that the buyer pays; None until Henry reports it."""
        return money_of(self.total_amount, self.currency)


class OrderBuyer(models.Model):
    """The buyer of an order: the only table with an order's personal data."""

    order = models.OneToOneField(
        Order, primary_key=True, on_delete=models.CASCADE, related_name="buyer", verbose_name=_("order")
    )
    first_name = EncryptedTextField(_("first name"), blank=True)
    middle_name = EncryptedTextField(_("middle name"), blank=True)
    last_name = EncryptedTextField(_("last name"), blank=True)
    email = EncryptedTextField(_("e-mail"), blank=True)
    email_digest = models.CharField(_("digest of the e-mail"), max_length=64, blank=True, editable=False)
    phone = EncryptedTextField(_("phone"), blank=True)
    shipping_address = EncryptedJSONField(_("shipping address"), default=dict, blank=True)
    billing_address = EncryptedJSONField(_("billing address"), default=dict, blank=True)
    name_on_card = EncryptedJSONField(_("name on card"), default=dict, blank=True)

    class Meta:
        verbose_name = _("buyer")
        verbose_name_plural = _("buyers")
        indexes = [
            models.Index(fields=["email_digest"], condition=~Q(email_digest=""), name="henry_buyer_email")
        ]

    def __str__(self) -> str:
        return f"buyer of {self.order_id}"

    @property
    def address(self) -> Address | None:
        """Shipping address as a plain value, or None."""
        return Address(**self.shipping_address) if self.shipping_address else None

    def as_buyer(self) -> Buyer:
        """Return the buyer as a plain value."""
        return Buyer(
            first_name=self.first_name,
            middle_name=self.middle_name,
            last_name=self.last_name,
            email=self.email,
            phone=self.phone,
            shipping_address=self.address,
        )


class ItemStatus(models.TextChoices):
    PENDING = "pending", _("waiting")
    PROCESSING = "processing", _("being bought")
    BOUGHT = "bought", _("bought")
    FAILED = "failed", _("could not be bought")
    CANCELED = "canceled", _("canceled")
    UNKNOWN = "unknown", _("not known")


class OrderLine(ProductLine, StateMachine):
    """One line of an order, and its outcome."""

    TRANSITIONS = {
        ItemStatus.PENDING: frozenset(ItemStatus.values) - {ItemStatus.PENDING},
        ItemStatus.PROCESSING: frozenset(ItemStatus.values) - {ItemStatus.PENDING, ItemStatus.PROCESSING},
        ItemStatus.UNKNOWN: frozenset({ItemStatus.BOUGHT, ItemStatus.FAILED, ItemStatus.CANCELED}),
    }

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", verbose_name=_("order"))
    position = models.PositiveIntegerField(_("position"))
    merchant = models.CharField(_("merchant"), max_length=200, blank=True)
    total_amount = amount_field(_("total"))
    status = models.CharField(_("status"), max_length=32, choices=ItemStatus, default=ItemStatus.PENDING)
    confirmation_number = models.CharField(_("confirmation number"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="henry_order_line_position"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="henry_order_line_quantity"),
            models.CheckConstraint(condition=Q(status__in=ItemStatus.values), name="henry_order_line_status"),
        ]

    @property
    def total(self) -> Money | None:
        """Total that Henry paid for the line, including tax and shipping; None until it is bought."""
        return money_of(self.total_amount, self.currency)
