"""Price carts: lines, coupons, shipping per merchant and tax, in exact cents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from django_henry_checkout.sandbox.engine.catalogue import PRODUCTS, Merchant, Product, product_for_link
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


def product_for_line(line: Line) -> Product:
    """Return the product of a line. Outside the catalogue it has the title and price that a v0 shop sent.

    [SIM] It is not known whether Henry charges the price that a v0 shop sends; here the merchant's price wins.
    """
    product = product_for_link(line.link)
    if not product.is_listed and line.price is not None:
        product = replace(product, title=line.title, price=line.price)
    return with_current_price(product)


def with_current_price(product: Product) -> Product:
    """Return a product at its current price, which the scenario may have changed."""
    price_now = store.scenario.prices.get(product.link)
    return product if price_now is None else replace(product, price=price_now)


def current_products() -> list[Product]:
    """Return the whole catalogue at current prices."""
    return [with_current_price(product) for product in PRODUCTS.values()]


def round_cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def list_merchants(lines: Iterable[Line]) -> list[Merchant]:
    """Return the merchants of a cart in the order of their first line."""
    found = {
        product_for_link(line.link).merchant.host: product_for_link(line.link).merchant for line in lines
    }
    return list(found.values())


def list_shipping_options(merchant: Merchant, lines: Iterable[Line]) -> list[ShippingOption]:
    """Return what a merchant offers for these lines; above its threshold the first option is free."""
    subtotal_of_merchant = sum((_line_subtotal(line) for line in _lines_of_merchant(merchant, lines)), ZERO)
    options = list(merchant.shipping)
    if merchant.free_over and subtotal_of_merchant >= merchant.free_over:
        options[0] = replace(options[0], cost=ZERO)
    return options


def choose_option(
    options: Sequence[ShippingOption], lines: Iterable[Line], choice: str = ""
) -> ShippingOption:
    """Return the shopper's choice, else that of a cart line, else the merchant's first option.

    [SIM] A choice that the merchant does not offer is ignored, not refused. What Henry does is not known, but it
    accepts options that match no variant. The response contains the option that was used.
    """
    names = [choice.lower()] if choice else []
    for line in lines:
        requested = line.shipping or {}
        names += [str(requested[key]).lower() for key in ("id", "value") if requested.get(key)]
    for name in names:
        for option in options:
            if name in (option.id, option.name.lower()):
                return option
    return options[0]


def price_lines(
    lines: Sequence[Line], *, choices: dict[str, str] | None = None, coupons: Sequence[str] = ()
) -> list[PricedLine]:
    """Price every line; `choices` maps a merchant's host to the id of a shipping option."""
    priced: dict[int, PricedLine] = {}
    for merchant in list_merchants(lines):
        merchant_lines = _lines_of_merchant(merchant, lines)
        choice = (choices or {}).get(merchant.host, "")
        option = choose_option(list_shipping_options(merchant, lines), merchant_lines, choice)
        free = any("FREESHIP" in _coupon_codes(line, coupons) for line in merchant_lines)
        shares = _split_cost(ZERO if free else option.cost, [_line_subtotal(line) for line in merchant_lines])
        for line, share in zip(merchant_lines, shares, strict=True):
            priced[id(line)] = _price_line(line, option=option, shipping=share, coupons=coupons)
    return [priced[id(line)] for line in lines]


def compute_totals(lines: Iterable[PricedLine], rules: Rules) -> Totals:
    priced = list(lines)
    subtotal = sum((each.subtotal for each in priced), ZERO)
    discount = sum((each.discount for each in priced), ZERO)
    shipping = sum((each.shipping for each in priced), ZERO)
    tax = sum((each.tax for each in priced), ZERO)
    base = subtotal - discount + shipping + tax
    fee = round_cents(base * rules.fee_percent / 100) + rules.fee_fixed if priced else ZERO
    return Totals(subtotal, discount, shipping, tax, round_cents(fee))


def _price_line(
    line: Line, *, option: ShippingOption, shipping: Decimal, coupons: Sequence[str]
) -> PricedLine:
    product = product_for_line(line)
    subtotal = _line_subtotal(line)
    codes = [code for code in _coupon_codes(line, coupons) if code in COUPONS]
    discount = round_cents(subtotal / 10) if "SAVE10" in codes else ZERO
    # An item has one coupon: the one with a discount.
    coupon = "SAVE10" if discount else next(iter(codes), "")
    return PricedLine(
        line=line,
        title=product.title,
        merchant=product.merchant.name,
        host=product.merchant.host,
        unit_price=product.price,
        subtotal=subtotal,
        discount=discount,
        tax=round_cents((subtotal - discount) * product.merchant.tax_rate),
        shipping=shipping,
        option=option,
        coupon=coupon,
    )


def _split_cost(cost: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Split a shipping cost over lines in proportion; the last line gets the rounding difference."""
    whole = sum(weights, ZERO) or Decimal(1)
    shares = [(cost * weight / whole).quantize(CENT, "ROUND_DOWN") for weight in weights[:-1]]
    return [*shares, cost - sum(shares, ZERO)]


def _lines_of_merchant(merchant: Merchant, lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if product_for_link(line.link).merchant.host == merchant.host]


def _line_subtotal(line: Line) -> Decimal:
    return round_cents(product_for_line(line).price * line.quantity)


def _coupon_codes(line: Line, coupons: Sequence[str]) -> list[str]:
    return [code.strip().upper() for code in (*line.coupons, *coupons)]
