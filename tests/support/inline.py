"""What tests of the inline checkout share: a world without waiting, a buyer, and what the sandbox was asked."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fnmatch import fnmatch
from typing import Any

from moneyed import Money

from django_henry_checkout.flows.checkout.confirm import Payment, confirm_session
from django_henry_checkout.flows.checkout.inline import begin_inline, set_buyer
from django_henry_checkout.flows.checkout.quotes import quote_session
from django_henry_checkout.flows.checkout.sessions import StartedCheckout
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.models import Cart, CheckoutSession, Order, Purchase
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Address, Buyer, Card

VERSIONS = ["v1", "v1-rpc", "v0"]
#: The call that buys, in every generation.
BUYS = ("/v1/cart/purchase", "/v1/cart/*/purchase", "/v0/checkout/session/confirm")
BOOTS, MUG = "https://alpine.example/products/boots", "https://clay.example/products/mug"
PRICES = {BOOTS: "100.00", MUG: "20.00"}
#: 100 + 20, 6 for each of two parcels, 8 % tax; nobody takes a fee.
SUBTOTAL, SHIPPING, TAX, TOTAL = (Money(amount, "USD") for amount in ("120.00", "12.00", "9.60", "141.60"))
ADDRESS = Address(
    line1="350 Fifth Avenue", city="New York", province="NY", postal_code="10118", country_code="US"
)
BUYER = Buyer(
    first_name="Ada",
    last_name="Lovelace",
    email="ada@shop.example",
    phone="+12125550123",
    shipping_address=ADDRESS,
)


def world(sandbox: Sandbox, **scenario: Any) -> None:
    """Quotes are worked out at once, and goods have round prices; `faults` strike as said."""
    prices = {**PRICES, **scenario.pop("prices", {})}
    sandbox.scenario(timing={"jobSeconds": 0}, prices=prices, **scenario)


def use(settings: Any, version: str, **more: Any) -> str:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_VERSION": version, **more}
    return version


def buys(version: str, fault: str, **more: Any) -> dict[str, Any]:
    """A fault that strikes the call that buys."""
    path = BUYS[{"v1": 1, "v1-rpc": 0, "v0": 2}[version]]
    return {"fault": fault, "path": path, "method": "POST", **more}


def buying_calls(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [row for row in sandbox.requests() if any(fnmatch(row["path"], path) for path in BUYS)]


def fresh(session: CheckoutSession) -> CheckoutSession:
    """Read a session as each request does."""
    return CheckoutSession.objects.select_related("order", "order__cart", "quote").get(pk=session.pk)


def ready(sandbox: Sandbox, cart: Cart, version: str, *, buyer: Buyer = BUYER) -> StartedCheckout:
    """Begin an inline checkout; say who buys; in v0 a card is stored as well."""
    begun = begin_inline(cart)
    set_buyer(fresh(begun.session), lambda _known: buyer, strict=True)
    if version == "v0":
        store_card(sandbox, begun.order)
    return begun


def quoted(sandbox: Sandbox, cart: Cart, version: str) -> StartedCheckout:
    begun = ready(sandbox, cart, version)
    quote_session(fresh(begun.session))
    return begun


def store_card(sandbox: Sandbox, order: Order, card: str = "4242424242424242") -> None:
    sandbox.call("POST", "card", {"userId": order.henry_cart_id, "card": card})


def card_of(version: str, token: str = "card_test_pays") -> Card:
    return Card() if version == "v0" else Card(token=token)


def confirm(begun: StartedCheckout, version: str, **payment: Any) -> Order:
    payment.setdefault("card", card_of(version))
    return confirm_session(fresh(begun.session), Payment(**payment))


def follow(sandbox: Sandbox, *, rounds: int = 8) -> None:
    sandbox.advance(60)
    for _round in range(rounds):
        run_once()


def moved(address: Address = ADDRESS, **parts: str) -> Address:
    return replace(address, **parts)


def bought(sandbox: Sandbox) -> dict[str, Any]:
    """The one order at Henry."""
    (order,) = sandbox.orders()
    return order


def total_of(order: dict[str, Any]) -> Money:
    return Money(Decimal(str(order["total"])), order["currency"])


def nothing_was_sent(sandbox: Sandbox) -> bool:
    unsent = not Purchase.objects.exclude(status__in=["planned", "abandoned"]).exists()
    return unsent and not buying_calls(sandbox) and not sandbox.orders()
