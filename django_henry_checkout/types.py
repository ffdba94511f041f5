"""The words that every layer shares: plain values, no Django models, no input or output.

Everything here is frozen. Money is `moneyed.Money` in major units; times are aware, UTC.
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
    """Return a fresh ULID as a `uuid.UUID`, which is how databases hold it."""
    return ULID().to_uuid()


def parse_public_id(text: str) -> UUID | None:
    """Read a public id in either spelling, ULID (26 characters) or UUID; None if it is neither."""
    try:
        return ULID.from_str(text.upper()).to_uuid() if len(text) == 26 else UUID(text)
    except ValueError:
        return None


def format_public_id(value: UUID) -> str:
    """Return the ULID spelling of a public id."""
    return str(ULID.from_uuid(value))


def local_ref(public_id: UUID) -> str:
    """Return the `refId` by which we call a purchase that has none from Henry yet; of the same form as Henry's."""
    text = public_id.hex
    return f"hco-ref_{text[:8]}-{text[8:12]}-4{text[13:16]}-{text[16:20]}"


def public_ids_of_local_ref(ref: str) -> tuple[UUID, UUID] | None:
    """Return the first and the last public id that a `local_ref` can stand for; None if it is none.

    A ULID begins with its millisecond, so they are few; `local_ref` of each tells which one it is.
    """
    text = ref.removeprefix("hco-ref_").replace("-", "")
    if not ref.startswith("hco-ref_") or len(text) != 20 or set(text) - set("0123456789abcdef"):
        return None
    return UUID(f"{text[:12]}{'0' * 20}"), UUID(f"{text[:12]}{'f' * 20}")


class HenryStatus(StrEnum):
    """The status words of Henry for a purchase (henry-api.md 6.1). Any other word is drift."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETE = "complete"
    PARTIALLY_COMPLETE = "partially_complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Source(StrEnum):
    """Where an observation came from."""

    POLL = "poll"
    WEBHOOK = "webhook"
    CONFIRM = "confirm"
    RETURN_PAGE = "return_page"
    RECONCILE = "reconcile"


def staff_source(name: str) -> str:
    """Return what an event's source is called when a person with this user name caused it."""
    return f"staff:{name}"


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer about one purchase that nobody has read yet: most say nothing new, and their digest tells.

    `digest` is equal for two answers of the same text. `parse` raises `GatewayError` if it cannot be used.
    """

    ref_id: str
    digest: str
    parse: Callable[[], Observation] = field(repr=False)


@dataclass(frozen=True, kw_only=True, repr=False)
class Address:
    """Where somebody lives. Personal data: without a `repr` that shows it."""

    line1: str
    city: str
    postal_code: str
    country_code: str
    line2: str = ""
    province: str = ""


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """Who buys. Personal data: hidden from `repr`, so that no log or traceback shows it by accident."""

    first_name: str = field(default="", repr=False)
    middle_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    shipping_address: Address | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class LineItem:
    """One product that somebody wants.

    `link` is what Henry buys; `title`, `image_url` and `unit_price` are what the shop shows.
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
    """A cart at Henry. `checkout_url` is as Henry gave it: check it before anybody is sent there."""

    cart_id: str
    checkout_url: str
    links: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What something costs, as far as Henry said."""

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
    """What one merchant asks and offers. `links` says which products; empty if that cannot be told."""

    host: str
    links: tuple[str, ...] = ()
    shipping: Money | None = None
    options: tuple[ShippingOption, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HenryQuote:
    """What a cart would cost now. `costs.total` is always known; `token` is v0's session token, else ""."""

    costs: Costs
    merchants: tuple[MerchantQuote, ...] = ()
    coupons: tuple[tuple[str, bool], ...] = ()
    token: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class ItemDetails:
    """Costs and choices for one item of a details job."""

    shipping_options: tuple[ShippingOption, ...] = ()
    costs: Costs = field(default_factory=Costs)
    coupons: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, kw_only=True)
class DetailsJob:
    """What a checkout would cost, worked out by Henry per merchant (henry-api.md 3.4.4)."""

    ref_id: str
    status: str
    items: tuple[ItemDetails, ...] = ()
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class ItemOutcome:
    """What Henry says of one item of a purchase. `status` is Henry's word, perhaps an unknown one."""

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
    """What Henry says about one purchase at one moment.

    `digest` is equal for two answers that say the same. `status` is Henry's word, perhaps an unknown one.
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
    """A card number, with ALLOW_RAW_CARD only. It lives in memory for one call, and is hidden from `repr`."""

    number: str = field(repr=False)
    expiry_month: str = field(repr=False)
    expiry_year: str = field(repr=False)
    cvv: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Card:
    """What pays: the token of a card that Henry collected. `raw` needs ALLOW_RAW_CARD; v0 needs neither."""

    token: str = field(default="", repr=False)
    raw: RawCard | None = field(default=None, repr=False)
    first_name: str = field(default="", repr=False)
    middle_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    billing_address: Address | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class PurchaseRequest:
    """A headless purchase of a whole cart at Henry. `quote_token` is that of the quote, in v0."""

    buyer: Buyer
    card: Card = field(default_factory=Card)
    quote_token: str = field(default="", repr=False)
    coupons: tuple[str, ...] = ()
    selected_shipping: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Caller:
    """On whose behalf something is asked.

    A signed-in shopper has `user_pk`; a guest proves ownership by what his Django session remembers;
    `token_cart_id` is the cart whose token was shown; `trusted_account` names the Henry account whose
    carts and orders a trusted server may all touch. The holder of a checkout session's secret has
    `session_id` and may see its order, `session_order_id`; `is_hosted` says that the secret also stands in
    the address of a page, so that it opens no personal data. `customer_id` is that of a customer session.
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
        """Whether he comes with the shop's cookies, if with any: then his session keeps what he begins."""
        shown = (self.token_cart_id, self.session_order_id, self.customer_id, self.trusted_account or None)
        return all(each is None for each in shown)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to work on one row until the lease ends. A write with an outdated `fence` is refused."""

    pk: int
    fence: int
