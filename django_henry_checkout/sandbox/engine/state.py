"""The records of the sandbox, in terms that are independent of Henry's API versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

JSON = dict[str, Any]


@dataclass(frozen=True)
class Person:
    first_name: str
    last_name: str
    middle_name: str = ""


@dataclass(frozen=True)
class Address:
    line1: str
    city: str
    province: str
    postal_code: str
    country_code: str
    line2: str = ""


@dataclass(frozen=True)
class Buyer:
    """The person who pays. Only the holder, billing address and last four digits of the card are stored."""

    name: Person
    email: str = ""
    phone: str = ""
    shipping: Address | None = None
    name_on_card: Person | None = None
    billing: Address | None = None
    last4: str = ""


@dataclass(frozen=True)
class Line:
    link: str
    quantity: int = 1
    options: tuple[str, ...] | list[str] = ()
    shipping: JSON | None = None
    coupons: tuple[str, ...] | list[str] = ()
    metadata: JSON | None = None
    affiliate_link: str = ""
    # The options as early v1 sends them: a string or an object. `options` has the same as plain values.
    variant: str | JSON | None = None
    # Sent by v0 only. Title and price are used for products that are not in the catalogue.
    product_id: str = ""
    title: str = ""
    price: Decimal | None = None
    image_link: str = ""
    check_id: str = ""


@dataclass(frozen=True)
class Rules:
    """Checkout settings of the integrator: which fields to collect and which fee to add."""

    collect_email: str = "required"
    collect_address: str = "required"
    collect_phone: str = "optional"
    allow_partial: bool = False
    fee_percent: Decimal = Decimal(0)
    fee_fixed: Decimal = Decimal(0)


@dataclass
class Cart:
    cart_id: str
    created_at: datetime
    lines: list[Line]
    rules: Rules = field(default_factory=Rules)
    settings: JSON | None = None
    tags: JSON | None = None
    order_ref: str = ""
    # The v0 user who owns it; empty for carts of v1.
    user_id: str = ""
    # The statuses that its orders use if the scenario does not set `dialect`.
    dialect: str = ""


@dataclass(frozen=True)
class StoredCard:
    """The card behind a token; `kind` is the token of the test card that it behaves like."""

    token: str
    last4: str
    kind: str
    name: str = ""


@dataclass
class Shopper:
    """A user of v0: at most one open cart, one stored card and one checkout session."""

    user_id: str
    cart_id: str = ""
    card_token: str = ""
    session_token: str = ""


@dataclass
class Session:
    """A headless checkout session of v0, created by its quote."""

    token: str
    user_id: str
    cart_id: str
    quoted_at: datetime
    buyer: Buyer
    order_ref: str = ""


@dataclass(frozen=True)
class ShippingOption:
    id: str
    name: str
    cost: Decimal
    min_days: int
    max_days: int


@dataclass(frozen=True)
class PricedLine:
    """A line with its price at one time; later changes of the catalogue do not affect it."""

    line: Line
    title: str
    merchant: str
    host: str
    unit_price: Decimal
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    shipping: Decimal
    option: ShippingOption
    coupon: str = ""

    @property
    def total(self) -> Decimal:
        return self.subtotal - self.discount + self.tax + self.shipping


@dataclass(frozen=True)
class Plan:
    """The course of an order, fixed when it is paid: its final status and that of each line."""

    outcome: str
    lines: tuple[str, ...] | list[str]
    pending_seconds: float
    processing_seconds: float
    settle_seconds: float = 0.0


@dataclass(frozen=True)
class Order:
    ref_id: str
    cart_id: str
    created_at: datetime
    via: str
    lines: tuple[PricedLine, ...] | list[PricedLine]
    buyer: Buyer
    rules: Rules
    plan: Plan
    attempt: str = ""
    problem: str = ""
    # Orders of v0 have a UUID beside the reference.
    order_id: str = ""
    user_id: str = ""
    dialect: str = ""
    # The metadata of a v1 purchase; those of its lines are separate.
    metadata: JSON | None = None
    # Created to push others down the order list; no client requested it.
    filler: bool = False

    @property
    def is_paid(self) -> bool:
        return not self.problem

    @property
    def public_id(self) -> str:
        """The id that the order has in its own generation of the API."""
        return self.order_id or self.ref_id


@dataclass(frozen=True)
class Endpoint:
    """A webhook endpoint: it gets the events of carts that name its UUID, or those of every cart."""

    uuid: str
    url: str
    secret: str = field(repr=False)
    every_cart: bool = False


@dataclass(frozen=True)
class Job:
    """A search, product or details job; its result is computed at once and returned after `seconds`."""

    ref_id: str
    kind: str
    created_at: datetime
    seconds: float
    result: JSON | None = None
    error: JSON | None = None
