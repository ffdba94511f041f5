"""Plain value types that all layers share: no models, no I/O.

All of them are immutable. Money is `moneyed.Money` in major units; times are aware, UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from moneyed import Money
from ulid import ULID


def new_public_id() -> UUID:
    """Return a new ULID as a `uuid.UUID`, the type in which databases store it."""
    return ULID().to_uuid()


def parse_public_id(text: str) -> UUID | None:
    """Parse a public id written as a ULID (26 characters) or a UUID; None if it is neither."""
    try:
        return ULID.from_str(text.upper()).to_uuid() if len(text) == 26 else UUID(text)
    except ValueError:
        return None


def format_public_id(value: UUID) -> str:
    """Return a public id written as a ULID."""
    return str(ULID.from_uuid(value))


def local_ref(public_id: UUID) -> str:
    """Return our own `refId` for a purchase to which Henry has not assigned one; same format as Henry's."""
    text = public_id.hex
    return f"hco-ref_{text[:8]}-{text[8:12]}-4{text[13:16]}-{text[16:20]}"


def public_ids_of_local_ref(ref: str) -> tuple[UUID, UUID] | None:
    """Return the first and the last public id that a local ref can belong to; None if it is not a local ref.

    A ULID starts with its millisecond, so there are few; compare `local_ref()` of each.
    """
    text = ref.removeprefix("hco-ref_").replace("-", "")
    if not ref.startswith("hco-ref_") or len(text) != 20 or set(text) - set("0123456789abcdef"):
        return None
    return UUID(f"{text[:12]}{'0' * 20}"), UUID(f"{text[:12]}{'f' * 20}")


class HenryStatus(StrEnum):
    """Henry's statuses of a purchase (henry-api.md 6.1). Any other word is recorded as drift."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETE = "complete"
    PARTIALLY_COMPLETE = "partially_complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Source(StrEnum):
    """The source of an observation."""

    POLL = "poll"
    WEBHOOK = "webhook"
    CONFIRM = "confirm"
    RETURN_PAGE = "return_page"
    RECONCILE = "reconcile"


def staff_source(name: str) -> str:
    """Return the source of an event that was caused by the staff user with this name."""
    return f"staff:{name}"


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An unparsed answer about one purchase. Most are unchanged, and comparing `digest` shows it.

    `digest` is equal for two answers with the same text. `parse` raises `GatewayError` if it is not usable.
    """

    ref_id: str
    digest: str
    parse: Callable[[], Observation] = field(repr=False)


@dataclass(frozen=True, kw_only=True, repr=False)
class Address:
    """A postal address. Personal data: hidden from `repr`."""

    line1: str
    city: str
    postal_code: str
    country_code: str
    line2: str = ""
    province: str = ""


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """A buyer. Personal data: hidden from `repr`, so that no log or traceback shows it by accident."""

    first_name: str = field(default="", repr=False)
    middle_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    shipping_address: Address | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class LineItem:
    """One product to buy.

    Henry buys `link`; the shop shows `title`, `image_url` and `unit_price`.
    """

    link: str
    quantity: int = 1
    selected_options: tuple[str, ...] = ()
    selected_shipping: Mapping[str, str] = field(default_factory=dict)
    coupons: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    image_url: str = ""
    unit_price: Money | None = None


@dataclass(frozen=True, kw_only=True)
class HenryCart:
    """A cart at Henry. `checkout_url` is untrusted: check it before you redirect to it."""

    cart_id: str
    checkout_url: str
    links: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Costs, as far as Henry reports them."""

    total: Money | None = None
    subtotal: Money | None = None
    tax: Money | None = None
    shipping: Money | None = None
    discount: Money | None = None
    fee: Money | None = None


@dataclass(frozen=True, kw_only=True)
class ShippingOption:
    option_id: str
    name: str
    cost: Money | None = None
    time_estimate: str = ""
    min_date: str = ""
    max_date: str = ""


@dataclass(frozen=True, kw_only=True)
class MerchantQuote:
    """One merchant's shipping cost and options. `links` are its products; empty if they are not known."""

    host: str
    links: tuple[str, ...] = ()
    shipping: Money | None = None
    options: tuple[ShippingOption, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HenryQuote:
    """The current costs of a cart. `costs.total` is always set; `token` is v0's session token, else ""."""

    costs: Costs
    merchants: tuple[MerchantQuote, ...] = ()
    coupons: tuple[tuple[str, bool], ...] = ()
    token: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class ItemDetails:
    """Costs, shipping options and coupons of one item of a details job."""

    shipping_options: tuple[ShippingOption, ...] = ()
    costs: Costs = field(default_factory=Costs)
    coupons: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, kw_only=True)
class DetailsJob:
    """One of Henry's details jobs: it calculates the costs of one merchant's items (henry-api.md 3.4.4)."""

    ref_id: str
    status: str
    items: tuple[ItemDetails, ...] = ()
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class ItemOutcome:
    """Henry's state of one item of a purchase. `status` is Henry's own word and may be an unknown one."""

    link: str
    quantity: int
    status: str
    merchant: str = ""
    host: str = ""
    selected_options: tuple[str, ...] = ()
    confirmation_number: str = ""
    costs: Costs = field(default_factory=Costs)
    shipping_option: ShippingOption | None = None
    coupon: tuple[str, Money | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Observation:
    """The state of a purchase, as reported by Henry at one moment.

    `digest` is equal for two equal answers. `status` is Henry's own word and may be an unknown one.
    """

    ref_id: str
    status: str
    items: tuple[ItemOutcome, ...]
    digest: str
    buyer: Buyer | None = None
    costs: Costs = field(default_factory=Costs)
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class RawCard:
    """A card number; requires ALLOW_RAW_CARD. It is kept in memory for one call, and hidden from `repr`."""

    number: str = field(repr=False)
    expiry_month: str = field(repr=False)
    expiry_year: str = field(repr=False)
    cvv: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Card:
    """The card that pays, as a token from Henry. `raw` requires ALLOW_RAW_CARD; v0 needs neither."""

    token: str = field(default="", repr=False)
    raw: RawCard | None = field(default=None, repr=False)
    first_name: str = field(default="", repr=False)
    middle_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    billing_address: Address | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class PurchaseRequest:
    """A headless purchase of a whole cart at Henry. `quote_token` is the token of the quote, in v0."""

    buyer: Buyer
    card: Card = field(default_factory=Card)
    quote_token: str = field(default="", repr=False)
    coupons: tuple[str, ...] = ()
    selected_shipping: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The caller of an operation, and what they may access.

    Attributes:
        user_pk: primary key of the signed-in user.
        cart_ids, order_ids: public ids stored in the Django session; they prove a guest's ownership.
        token_cart_id: the cart whose bearer token was sent.
        trusted_account: the Henry account whose carts and orders a trusted server may access.
        session_id, session_order_id: the checkout session whose secret was sent, and its order.
        is_hosted: that secret is also part of a page's URL, so it gives no access to personal data.
        customer_id: the customer session whose token was sent.
    """

    user_pk: Any = None
    cart_ids: frozenset[UUID] = frozenset()
    order_ids: frozenset[UUID] = frozenset()
    token_cart_id: UUID | None = None
    trusted_account: str = ""
    session_id: UUID | None = None
    session_order_id: UUID | None = None
    is_hosted: bool = False
    customer_id: UUID | None = None

    @property
    def uses_browser_session(self) -> bool:
        """Whether no credential but cookies was sent, so that new carts are stored in the Django session."""
        credentials = (self.token_cart_id, self.session_order_id, self.customer_id)
        return not self.trusted_account and all(credential is None for credential in credentials)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A lease on one row. A write with an outdated `fence` is refused."""

    pk: int
    fence: int
