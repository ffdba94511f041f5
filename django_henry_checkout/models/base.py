"""What the records share: public ids, money, state tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_henry_checkout.exceptions import IllegalTransition
from django_henry_checkout.types import Caller, LineItem, format_public_id, new_public_id

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise


class PublicRecord(models.Model):
    """A record that is shown outside by a ULID; the database key never leaves."""

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)

    class Meta:
        abstract = True

    @property
    def ulid(self) -> str:
        """The public id as a ULID."""
        return format_public_id(self.public_id)


class StateMachine(models.Model):
    """A record whose `status` moves by a table. States that are missing from the table are terminal."""

    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]] = {}

    status: Any

    class Meta:
        abstract = True

    @property
    def is_terminal(self) -> bool:
        """Whether no move leads out of the status."""
        return not self.TRANSITIONS.get(self.status)

    def can_transition_to(self, status: str) -> bool:
        """Tell whether the table has the move."""
        return status in self.TRANSITIONS.get(self.status, frozenset())

    @classmethod
    def sources_of(cls, status: str) -> list[str]:
        """Return the statuses from which the table has a move to this one."""
        return [before for before, after in cls.TRANSITIONS.items() if status in after]

    def transition_to(self, status: str) -> None:
        """Set the status; the caller saves, and writes the event in the same transaction.

        Raises:
            IllegalTransition: the table has no such move.
        """
        if not self.can_transition_to(status):
            raise IllegalTransition(
                f"{type(self).__name__} {self.pk} cannot move from {self.status} to {status}."
            )
        self.status = status


def owned_by(caller: Caller, *, remembered: frozenset[UUID], cart_path: str) -> Q:
    """Return which records a caller may touch: the one rule of ownership, for carts and for orders.

    Args:
        remembered: the public ids that his Django session remembers; they count while nobody has signed in.
        cart_path: the way from the record to the public id of the cart that a token was given for.
    """
    owned = Q(pk__in=[])
    if caller.user_pk is not None:
        owned |= Q(user_id=caller.user_pk)
    if remembered:
        owned |= Q(public_id__in=remembered, user=None)
    if caller.token_cart_id is not None:
        owned |= Q(**{cart_path: caller.token_cart_id})
    if caller.customer_id is not None:
        holder = cart_path.removesuffix("public_id")
        owned |= Q(**{f"{holder}customer__public_id": caller.customer_id})
    if caller.trusted_account:
        owned |= Q(account=caller.trusted_account)
    return owned


def amount_field(verbose_name: StrPromise) -> models.DecimalField[Any, Any]:
    """Return a column for an amount in major units; NULL means that it is not known yet."""
    return models.DecimalField(verbose_name, max_digits=19, decimal_places=4, null=True, blank=True)


def money_of(amount: Any, currency: str) -> Money | None:
    """Join an amount, a column or its text, and its currency; None when either is not known."""
    return None if amount is None or not currency else Money(amount, currency)


#: The columns of a `ProductLine`: what an order's snapshot copies from the cart.
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


class ProductLine(models.Model):
    """A product, its options and how many: what a cart line and an order line have in common."""

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
        abstract = True

    def __str__(self) -> str:
        return f"{self.quantity} x {self.title or self.link}"

    @property
    def unit_price(self) -> Money | None:
        """The price that the shop shows for one."""
        return money_of(self.unit_price_amount, self.currency)

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
