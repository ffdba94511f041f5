from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings as django_settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_henry_checkout.models.base import PublicRecord, amount_field, money_of
from django_henry_checkout.types import Caller, LineItem

#: What a cart line and an order line have in common.
LINE_FIELDS = (
    "key",
    "link",
    "quantity",
    "selected_options",
    "selected_shipping",
    "coupons",
    "metadata",
    "title",
    "image_url",
    "unit_price_amount",
    "currency",
)

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class CartQuerySet(models.QuerySet["Cart"]):
    def owned_by(self, caller: Caller) -> Self:
        """Keep the carts of a signed-in shopper, and the guest carts that his session remembers."""
        owned = Q(pk__in=[])
        if caller.user_pk is not None:
            owned |= Q(user_id=caller.user_pk)
        if caller.cart_ids:
            owned |= Q(public_id__in=caller.cart_ids, user=None)
        return self.filter(owned)

    def lock(self) -> Self:
        """Lock the rows, in one order for everybody."""
        return self.order_by("pk").select_for_update(of=("self",))


class Cart(PublicRecord):
    """Lines that a shopper wants. `version` rises with each edit."""

    account = models.CharField(_("account"), max_length=64, default="default")
    user = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    version = models.PositiveIntegerField(_("version"), default=0)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = CartQuerySet.as_manager()

    if TYPE_CHECKING:
        lines: RelatedManager[CartLine]

    class Meta:
        verbose_name = _("cart")
        verbose_name_plural = _("carts")
        indexes = [models.Index(fields=["user", "-updated_at"], name="henry_cart_user")]

    def __str__(self) -> str:
        return self.ulid


class CartLine(models.Model):
    """One product link in a cart, with the options chosen for it."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines", verbose_name=_("cart"))
    key = models.CharField(_("key"), max_length=64, editable=False)
    link = models.CharField(_("link"), max_length=2048)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    selected_options = models.JSONField(_("selected options"), default=list, blank=True)
    selected_shipping = models.JSONField(_("selected shipping"), default=dict, blank=True)
    coupons = models.JSONField(_("coupons"), default=list, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    title = models.CharField(_("title"), max_length=300, blank=True)
    image_url = models.CharField(_("picture"), max_length=2048, blank=True)
    unit_price_amount = amount_field(_("unit price"))
    currency = models.CharField(_("currency"), max_length=3, blank=True)

    class Meta:
        verbose_name = _("cart line")
        verbose_name_plural = _("cart lines")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "key"], name="henry_cart_line_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="henry_cart_line_quantity"),
            models.CheckConstraint(
                condition=Q(unit_price_amount=None) | Q(unit_price_amount__gte=0),
                name="henry_cart_line_price",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.title or self.link}"

    @property
    def unit_price(self) -> Money | None:
        """The price that the shop shows for one."""
        return money_of(self.unit_price_amount, self.currency)

    @property
    def subtotal(self) -> Money | None:
        """Unit price times quantity."""
        return None if self.unit_price is None else self.unit_price * self.quantity

    def as_item(self) -> LineItem:
        """Return the line as a plain value."""
        return LineItem(
            link=self.link,
            quantity=self.quantity,
            selected_options=tuple(self.selected_options),
            selected_shipping=self.selected_shipping,
            coupons=tuple(self.coupons),
            metadata=self.metadata,
            title=self.title,
            image_url=self.image_url,
            unit_price=self.unit_price,
        )
