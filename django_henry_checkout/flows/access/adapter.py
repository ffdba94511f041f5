"""The shop's adapter, as the flows see it: the few decisions that only the shop can make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, cast

from django.http import HttpRequest
from django.utils.module_loading import import_string

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.models import Cart, Order
from django_henry_checkout.types import Buyer, Caller, LineItem


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
    except (ImportError, TypeError) as error:
        raise ConfigurationError(f'HENRY_CHECKOUT["ADAPTER"] cannot be used: {error}') from error
