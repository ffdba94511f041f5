"""The adapter: subclass `DefaultAdapter` for the decisions that only your shop can make.

Name your class in the settings: `HENRY_CHECKOUT = {"ADAPTER": "shop.henry.Adapter"}`. One instance serves the whole
process, so keep no state on it. `request` is Django's request, or None where no request exists, as in a command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest

from django_henry_checkout.models import Cart, Order
from django_henry_checkout.types import Buyer, Caller, LineItem

__all__ = ["DefaultAdapter"]


class DefaultAdapter:
    """Ten hooks, each with a safe default."""

    def account_for(self, request: HttpRequest) -> str:
        """Return the alias of the Henry account that serves a request, by default "default".

        Called when the app looks for the cart of a request, or creates one. The alias must be in ACCOUNTS.
        """
        return "default"

    def check_items(self, items: Sequence[LineItem], caller: Caller) -> Sequence[LineItem]:
        """Return the items that an untrusted caller may put into a cart, by default as they are.

        Called for items that are added or changed through the storefront API, unless an API key vouches for them. Return
        corrected items, for example with the price and title of your catalogue, one for each that was given.

        Raises:
            InvalidItem: an item is not for sale; nothing is changed.
        """
        return items

    def before_checkout(self, cart: Cart, request: HttpRequest | None) -> None:
        """Refuse a checkout before it begins, for example because a product is out of stock.

        Raises:
            CheckoutRefused: its message is shown to the shopper; nothing is written, Henry is not called.
        """

    def before_purchase(self, order: Order, request: HttpRequest | None) -> None:
        """Refuse a purchase in your own form before anything is sent, for example after a failed captcha.

        Called before each call that buys. Payments on Henry's page do not pass through here.

        Raises:
            CheckoutRefused: its message is shown to the shopper; nothing is bought.
        """

    def buyer_for(self, request: HttpRequest | None) -> Buyer | None:
        """Return the contact details and address to prefill in your own form, by default None."""
        return None

    def order_metadata(self, cart: Cart, request: HttpRequest | None) -> Mapping[str, Any]:
        """Return metadata for a new order, by default none. Metadata passed to `begin_checkout` takes precedence."""
        return {}

    def order_number(self, order: Order) -> str:
        """Return the number of a new order: unique, 1 to 32 characters; by default random, such as TR2WC-88PLE.

        The order is not saved yet: it has its cart, account and metadata. A number is lost if its checkout fails.
        """
        return order.number

    def return_url(self, order: Order, outcome: str) -> str:
        """Return where a shopper goes after payment; "", the default, leaves it to RETURN_URLS.

        Args:
            outcome: "completed", "canceled" or "errored".
        """
        return ""

    def support_contact(self, order: Order) -> str:
        """Return how a shopper reaches you about an order, for example an e-mail address; by default "", unknown."""
        return ""

    def may_create_links(self, user: Any) -> bool:
        """Return whether a signed-in user may turn a cart into a permanent link through the API, by default True."""
        return True
