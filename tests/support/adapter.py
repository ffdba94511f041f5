"""A shop's own adapter, as HENRY_CHECKOUT["ADAPTER"] names it; it records what it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar, cast

from django.http import HttpRequest

from django_henry_checkout import shop
from django_henry_checkout.adapter import DefaultAdapter
from django_henry_checkout.models import Cart, Order
from django_henry_checkout.types import Buyer, Caller, LineItem

PATH = f"{__name__}.RecordingAdapter"


class RecordingAdapter(DefaultAdapter):
    """Returns what a test has put into `answers`, else the default."""

    answers: ClassVar[dict[str, Any]] = {}
    calls: ClassVar[list[tuple[Any, ...]]] = []

    def account_for(self, request: HttpRequest) -> str:
        return str(self._answer("account_for", super().account_for(request), request))

    def check_items(self, items: Sequence[LineItem], caller: Caller) -> Sequence[LineItem]:
        answer = self._answer("check_items", items, list(items), caller)
        return [replace(item, title=answer) for item in items] if isinstance(answer, str) else answer

    def before_checkout(self, cart: Cart, request: HttpRequest | None) -> None:
        self._answer("before_checkout", None, cart, request)

    def before_purchase(self, order: Order, request: HttpRequest | None) -> None:
        self._answer("before_purchase", None, order, request)

    def buyer_for(self, request: HttpRequest | None) -> Buyer | None:
        buyer: Buyer | None = self._answer("buyer_for", None, request)
        return buyer

    def order_metadata(self, cart: Cart, request: HttpRequest | None) -> Mapping[str, Any]:
        metadata: Mapping[str, Any] = self._answer("order_metadata", {}, cart, request)
        return metadata

    def order_number(self, order: Order) -> str:
        return cast("str", self._answer("order_number", order.number, order))

    def return_url(self, order: Order, outcome: str) -> str:
        return str(self._answer("return_url", "", order, outcome))

    def support_contact(self, order: Order) -> str:
        return str(self._answer("support_contact", "", order))

    def may_create_links(self, user: Any) -> bool:
        return bool(self._answer("may_create_links", True, user))

    def _answer(self, name: str, default: Any, *arguments: Any) -> Any:
        self.calls.append((name, *arguments))
        answer = self.answers.get(name, default)
        if isinstance(answer, Exception):
            raise answer
        return answer


@contextmanager
def answering(settings: Any, **answers: Any) -> Iterator[list[tuple[Any, ...]]]:
    """Use the adapter with these answers; an exception is raised. Yields the calls, which begin empty."""
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "ADAPTER": PATH}
    RecordingAdapter.answers, RecordingAdapter.calls = answers, []
    try:
        yield RecordingAdapter.calls
    finally:
        RecordingAdapter.answers = {}


def refused(message: str = "Boots are out of stock.") -> Exception:
    """The answer of a hook that refuses."""
    return shop.CheckoutRefused(message)
