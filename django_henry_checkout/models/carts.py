from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_henry_checkout.models.access import CustomerSession
from django_henry_checkout.models.base import ProductLine, PublicRecord, owned_by
from django_henry_checkout.types import Caller

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class CartQuerySet(models.QuerySet["Cart"]):
    def owned_by(self, caller: Caller) -> Self:
        """Filter to the carts that a caller may access: see `Caller`."""
        return self.filter(owned_by(caller, remembered=caller.cart_ids, cart_path="public_id"))

    def lock(self) -> Self:
        """Lock the rows, always in the same order, so that transactions cannot deadlock."""
        return self.order_by("pk").select_for_update(of=("self",))


class Cart(PublicRecord):
    """Lines that a shopper wants to buy. `version` increases with each edit."""

    account = models.CharField(_("account"), max_length=64, default="default")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    customer = models.ForeignKey(
        CustomerSession,
        verbose_name=_("customer session"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="carts",
    )
    template = models.ForeignKey(
        "self",
        verbose_name=_("copied from"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="copies",
    )
    version = models.PositiveIntegerField(_("version"), default=0)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects = CartQuerySet.as_manager()

    if TYPE_CHECKING:
        lines: RelatedManager[CartLine]
        link: TemplateLink

    class Meta:
        verbose_name = _("cart")
        verbose_name_plural = _("carts")
        indexes = [models.Index(fields=["user", "-updated_at"], name="henry_cart_user")]

    def __str__(self) -> str:
        return self.ulid


class CartLine(ProductLine):
    """One product link in a cart, with its selected options."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="lines", verbose_name=_("cart"))

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

    @property
    def subtotal(self) -> Money | None:
        """Unit price times quantity."""
        return None if self.unit_price is None else self.unit_price * self.quantity


class TemplateLink(models.Model):
    """Makes a cart a template: while the link is open, its id is enough to check out a copy."""

    cart = models.OneToOneField(
        Cart, primary_key=True, on_delete=models.CASCADE, related_name="link", verbose_name=_("template cart")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    uses = models.PositiveIntegerField(_("times used"), default=0)
    max_uses = models.PositiveIntegerField(_("maximum uses"), null=True, blank=True)

    class Meta:
        verbose_name = _("template link")
        verbose_name_plural = _("template links")

    def __str__(self) -> str:
        return gettext("link of cart %(cart)s") % {"cart": self.cart_id}

    def is_open(self, now: datetime) -> bool:
        """Return whether a checkout may start from the link."""
        if self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now):
            return False
        return self.max_uses is None or self.uses < self.max_uses


class CartTokenQuerySet(models.QuerySet["CartToken"]):
    def valid(self, now: datetime) -> Self:
        """Filter to the tokens that are neither expired nor revoked."""
        return self.filter(Q(revoked_at=None), expires_at__gt=now)


class CartToken(models.Model):
    """A bearer token that gives access to one cart and its orders."""

    token_hash = models.CharField(_("token hash"), max_length=64, unique=True, editable=False)
    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="tokens", verbose_name=_("cart"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = CartTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("cart token")
        verbose_name_plural = _("cart tokens")

    def __str__(self) -> str:
        return f"token of cart {self.cart_id}"
