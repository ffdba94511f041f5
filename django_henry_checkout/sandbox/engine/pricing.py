"""What a cart costs: lines, coupons, shipping per merchant and tax, in exact cents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from django_henry_checkout.sandbox.engine.catalogue import PRODUCTS, Merchant, Product, product_for
from django_henry_checkout.sandbox.engine.state import Line, PricedLine, Rules, ShippingOption
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import CENT

ZERO = Decimal("0.00")
COUPONS = ("SAVE10", "FREESHIP")


@dataclass(frozen=True)
class Totals:
    subtotal: Decimal
    discount: Decimal
    shipping: Decimal
    tax: Decimal
    fee: Decimal

    @property
    def total(self) -> Decimal:
        return self.subtotal - self.discount + self.shipping + self.tax + self.fee


def product_of(line: Line) -> Product:
    """What a line buys. Of goods in no catalogue the sandbox knows only what the shop said, as v0 lets it.

    Whether Henry charges the price that a v0 shop sends is not known; here the merchant's own price wins. [SIM]
    """
    product = product_for(line.link)
    if not product.is_listed and line.price is not None:
        product = replace(product, title=line.title, price=line.price)
    return as_sold(product)


def as_sold(product: Product) -> Product:
    """A product at its price of this moment, which the scenario may have changed."""
    price_now = store.scenario.prices.get(product.link)
    return product if price_now is None else replace(product, price=price_now)


def goods() -> list[Product]:
    """The whole catalogue at the prices of this moment."""
    return [as_sold(product) for product in PRODUCTS.values()]


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def merchants_of(lines: Iterable[Line]) -> list[Merchant]:
    """The merchants of a cart in the order in which they first appear."""
    found = {product_for(line.link).merchant.host: product_for(line.link).merchant for line in lines}
    return list(found.values())


def shipping_options(merchant: Merchant, lines: Iterable[Line]) -> list[ShippingOption]:
    """What this merchant offers for these lines; the first option is free above the merchant's threshold."""
    worth = sum((_subtotal(line) for line in _of(merchant, lines)), ZERO)
    options = list(merchant.shipping)
    if merchant.free_over and worth >= merchant.free_over:
        options[0] = replace(options[0], cost=ZERO)
    return options


def chosen_option(
    options: Sequence[ShippingOption], lines: Iterable[Line], choice: str = ""
) -> ShippingOption:
    """The shopper's choice, else what a cart line asked for, else the merchant's first option.

    [SIM] A choice that the merchant does not offer is passed over, not refused: what Henry does with one is not
    known, but options that match no variant do not stop it either. The answer tells what was really chosen.
    """
    wanted = [choice.lower()] if choice else []
    for line in lines:
        asked = line.shipping or {}
        wanted += [str(asked[key]).lower() for key in ("id", "value") if asked.get(key)]
    for each in wanted:
        for option in options:
            if each in (option.id, option.name.lower()):
                return option
    return options[0]


def price(
    lines: Sequence[Line], *, choices: dict[str, str] | None = None, coupons: Sequence[str] = ()
) -> list[PricedLine]:
    """Price every line; `choices` maps a merchant's host to the id of a shipping option."""
    priced: dict[int, PricedLine] = {}
    for merchant in merchants_of(lines):
        own = _of(merchant, lines)
        choice = (choices or {}).get(merchant.host, "")
        option = chosen_option(shipping_options(merchant, lines), own, choice)
        free = any("FREESHIP" in _codes(line, coupons) for line in own)
        shares = _shares(ZERO if free else option.cost, [_subtotal(line) for line in own])
        for line, share in zip(own, shares, strict=True):
            priced[id(line)] = _priced(line, option=option, shipping=share, coupons=coupons)
    return [priced[id(line)] for line in lines]


def totals(lines: Iterable[PricedLine], rules: Rules) -> Totals:
    kept = list(lines)
    subtotal = sum((each.subtotal for each in kept), ZERO)
    discount = sum((each.discount for each in kept), ZERO)
    shipping = sum((each.shipping for each in kept), ZERO)
    tax = sum((each.tax for each in kept), ZERO)
    base = subtotal - discount + shipping + tax
    fee = cents(base * rules.fee_percent / 100) + rules.fee_fixed if kept else ZERO
    return Totals(subtotal, discount, shipping, tax, cents(fee))


def _priced(line: Line, *, option: ShippingOption, shipping: Decimal, coupons: Sequence[str]) -> PricedLine:
    product = product_of(line)
    subtotal = _subtotal(line)
    codes = [code for code in _codes(line, coupons) if code in COUPONS]
    discount = cents(subtotal / 10) if "SAVE10" in codes else ZERO
    # An item names one coupon: the one that took something off its price.
    coupon = "SAVE10" if discount else next(iter(codes), "")
    return PricedLine(
        line=line,
        title=product.title,
        merchant=product.merchant.name,
        host=product.merchant.host,
        unit_price=product.price,
        subtotal=subtotal,
        discount=discount,
        tax=cents((subtotal - discount) * product.merchant.tax_rate),
        shipping=shipping,
        option=option,
        coupon=coupon,
    )


def _shares(cost: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Divide a shipping cost over the lines in proportion; the last line takes what rounding left."""
    whole = sum(weights, ZERO) or Decimal(1)
    shares = [(cost * weight / whole).quantize(CENT, "ROUND_DOWN") for weight in weights[:-1]]
    return [*shares, cost - sum(shares, ZERO)]


def _of(merchant: Merchant, lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if product_for(line.link).merchant.host == merchant.host]


def _subtotal(line: Line) -> Decimal:
    return cents(product_of(line).price * line.quantity)


def _codes(line: Line, coupons: Sequence[str]) -> list[str]:
    return [code.strip().upper() for code in (*line.coupons, *coupons)]
