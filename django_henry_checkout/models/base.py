"""Base classes and helpers of the models: public ids, state machines, ownership, money."""

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
    """A record that is identified outside by a ULID, never by its primary key."""

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)

    class Meta:
        abstract = True

    @property
    def ulid(self) -> str:
        """The public id as a ULID."""
        return format_public_id(self.public_id)


class StateMachine(models.Model):
    """A record whose `status` changes only along TRANSITIONS. States without an entry are terminal."""

    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]] = {}

    status: Any

    class Meta:
        abstract = True

    @property
    def is_terminal(self) -> bool:
        """Whether no transition leaves the status."""
        return not self.TRANSITIONS.get(self.status)

    def can_transition_to(self, status: str) -> bool:
        """Return whether TRANSITIONS allows the change."""
        return status in self.TRANSITIONS.get(self.status, frozenset())

    @classmethod
    def sources_of(cls, status: str) -> list[str]:
        """Return the statuses from which this one can be reached in one transition."""
        return [before for before, after in cls.TRANSITIONS.items() if status in after]

    def transition_to(self, status: str) -> None:
        """Set the status. The caller saves it, and writes the event in the same transaction.

        Raises:
            IllegalTransition: TRANSITIONS does not allow it.
        """
        if not self.can_transition_to(status):
            raise IllegalTransition(
                f"{type(self).__name__} {self.pk} cannot move from {self.status} to {status}."
            )
        self.status = status


def owned_by(caller: Caller, *, remembered: frozenset[UUID], cart_path: str) -> Q:
    """Return the filter for the records that a caller may access: the ownership rule of carts and orders.

    Args:
        remembered: public ids stored in the caller's Django session; they match only records without a user.
        cart_path: lookup from the record to the public id of its cart.
    """
    owned = Q(pk__in=[])
    if caller.user_pk is not None:
        owned |= Q(user_id=caller.user_pk)
    if remembered:
        owned |= Q(public_id__in=remembered, user=None)
    if caller.token_cart_id is not None:
        owned |= Q(**{cart_path: caller.token_cart_id})
    if caller.customer_id is not None:
        prefix = cart_path.removesuffix("public_id")
        owned |= Q(**{f"{prefix}customer__public_id": caller.customer_id})
    if caller.trusted_account:
        owned |= Q(account=caller.trusted_account)
    return owned


def amount_field(verbose_name: StrPromise) -> models.DecimalField[Any, Any]:
    """Return a field for an amount in major units; NULL means that it is not known yet."""
    return models.DecimalField(verbose_name, max_digits=19, decimal_places=4, null=True, blank=True)


def money_of(amount: Any, currency: str) -> Money | None:
    """Return an amount with its currency as Money; None if either is not known."""
    return None if amount is None or not currency else Money(amount, currency)


#: The fields of a `ProductLine`, which an order copies from the cart.
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
    """Base class of cart lines and order lines: a product, its options and its quantity."""

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
        """Price of one unit, as shown by the shop."""
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
