"""The shop's adapter, as the flows see it: the few decisions that only the shop can make."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, cast

from django.http import HttpRequest
from django.utils.module_loading import import_string

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.models import Cart, Order
from django_henry_checkout.types import Buyer, Caller, LineItem

logger = logging.getLogger("django_henry_checkout.adapter")


class Adapter(Protocol):
    """Hooks of the shop. `django_henry_checkout.adapter.DefaultAdapter` documents each and has its default."""

    def account_for(self, request: HttpRequest) -> str: ...

    def check_items(self, items: Sequence[LineItem], caller: Caller) -> Sequence[LineItem]: ...

    def before_checkout(self, cart: Cart, request: HttpRequest | None) -> None: ...

    def before_purchase(self, order: Order, request: HttpRequest | None) -> None: ...

    def buyer_for(self, request: HttpRequest | None) -> Buyer | None: ...

    def order_metadata(self, cart: Cart, request: HttpRequest | None) -> Mapping[str, Any]: ...

    def order_number(self, order: Order) -> str: ...

    def return_url(self, order: Order, outcome: str) -> str: ...

    def support_contact(self, order: Order) -> str: ...

    def may_create_links(self, user: Any) -> bool: ...


#: Every hook, by name: the system check compares the shop's class with it.
HOOKS = tuple(name for name in vars(Adapter) if not name.startswith("_"))


def get_adapter() -> Adapter:
    """Return the shop's adapter, an instance of the class that ADAPTER names.

    Raises:
        ConfigurationError: the class cannot be imported or created.
    """
    return _create_adapter(app_settings.ADAPTER)


@lru_cache(maxsize=8)
def _create_adapter(path: str) -> Adapter:
    try:
        return cast("Adapter", import_string(path)())
    except Exception as error:  # the shop's own code: its module or constructor may raise anything
        raise ConfigurationError(f'HENRY_CHECKOUT["ADAPTER"] cannot be used: {error}') from error


def get_account_alias(request: HttpRequest) -> str:
    """Return the account that the adapter chooses for a request.

    Raises:
        ConfigurationError: ACCOUNTS does not have it.
    """
    alias = get_adapter().account_for(request)
    if alias not in app_settings.account_aliases:
        raise ConfigurationError(f"The adapter's account_for returned {alias!r}, which is not in ACCOUNTS.")
    return alias


def check_items(items: Sequence[LineItem], caller: Caller) -> list[LineItem]:
    """Return what the adapter makes of an untrusted caller's items; those of a trusted server are not checked.

    Raises:
        ConfigurationError: the adapter did not return one item for each.
    """
    if caller.trusted_account:
        return list(items)
    answer: Any = get_adapter().check_items(items, caller)
    checked: list[LineItem] = list(answer) if isinstance(answer, Iterable) else []
    if len(checked) != len(items) or not all(isinstance(item, LineItem) for item in checked):
        raise ConfigurationError(
            "The adapter's check_items must return one LineItem for each item that it was given."
        )
    return checked


def get_return_url(order: Order, outcome: str) -> str:
    """Return where the adapter sends a shopper after payment; "" if it does not say, or cannot be used."""
    try:
        url = str(get_adapter().return_url(order, outcome) or "")
    except Exception:  # the shop's own code; the shopper may have just paid, and must not see an error
        logger.exception("The adapter's return_url failed.")
        return ""
    if not url or url.startswith(("/", "https://", "http://")):
        return url
    logger.error("The adapter's return_url returned neither a path nor an http address.")
    return ""


def get_support_contact(order: Order) -> str:
    """Return how a shopper reaches the shop about an order; "" if the adapter does not say, or fails."""
    try:
        return str(get_adapter().support_contact(order) or "")
    except Exception:  # the shop's own code; the order's page matters more than the contact on it
        logger.exception("The adapter's support_contact failed.")
        return ""
