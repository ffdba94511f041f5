"""P14, the other side: a guest's basket and checkout in django-oscar, in a process of its own.

Products have one stock record each and are not counted in stock; one way to ship, nothing to pay with, no offers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django

django.setup()

from django.conf import settings
from django.core.signing import Signer
from django.test import Client
from django.urls import reverse
from oscar.core.loading import get_class, get_model

from benchmarks.peers.answering import answer, make_tables
from benchmarks.peers.measuring import Watch, cpu_each, statements

Basket = get_model("basket", "Basket")
Country = get_model("address", "Country")
Line = get_model("basket", "Line")
Order = get_model("order", "Order")
Partner = get_model("partner", "Partner")
Product = get_model("catalogue", "Product")
ProductClass = get_model("catalogue", "ProductClass")
StockRecord = get_model("partner", "StockRecord")
Selector = get_class("partner.strategy", "Selector")

ADDRESS = {
    "first_name": "Ada", "last_name": "Lovelace", "line1": "1 Main Street", "line4": "New York",
    "state": "NY", "postcode": "10001", "country": "US", "phone_number": "", "notes": "",
}  # fmt: skip


def make_shop() -> None:
    """Make fifty-one products and a country to ship to."""
    kind = ProductClass.objects.create(name="Shoes", track_stock=False)
    partner = Partner.objects.create(name="Alpine")
    Country.objects.create(
        iso_3166_1_a2="US", iso_3166_1_a3="USA", iso_3166_1_numeric="840", printable_name="United States",
        name="United States", is_shipping_country=True,
    )  # fmt: skip
    for number in range(51):
        product = Product.objects.create(title=f"Boots number {number}", upc=str(number), product_class=kind)
        StockRecord.objects.create(
            product=product, partner=partner, partner_sku=str(number), price=Decimal("149.00")
        )


def guest(lines: int) -> tuple[Any, Client]:
    """Return a basket that holds so many lines, and the browser of the guest that it belongs to."""
    basket = Basket.objects.create()
    basket.strategy = Selector().strategy()
    for product in Product.objects.order_by("pk")[:lines]:
        basket.add_product(product)
    client = Client()
    client.cookies[settings.OSCAR_BASKET_COOKIE_OPEN] = Signer().sign(basket.pk)
    return basket, client


class Adding:
    """A guest's basket of so many lines, into which one more product is put."""

    def __init__(self, lines: int) -> None:
        self.basket, self.client = guest(lines)
        self.product = Product.objects.order_by("pk").last()
        self.path = reverse("basket:add", args=[self.product.pk])

    def once(self, watch: Watch) -> None:
        """Send the form; the product is taken out again beside the clock."""
        with watch.running():
            response = self.client.post(self.path, {"quantity": 1})
        assert response.status_code == 302, response.content
        added = self.basket.lines.filter(product=self.product)
        assert added.count() == 1
        added.delete()


#: What a browser sends: address, form, status. The forms of the first three pages are looked at before they are sent.
BROWSED = (
    ("checkout:index", None, 200),
    ("checkout:index", {"username": "ada@shop.example", "options": "anonymous"}, 302),
    ("checkout:shipping-address", None, 200),
    ("checkout:shipping-address", ADDRESS, 302),
    ("checkout:shipping-method", None, 302),
    ("checkout:payment-method", None, 302),
    ("checkout:payment-details", None, 200),
    ("checkout:preview", None, 200),
    ("checkout:preview", {"action": "place_order"}, 302),
    ("checkout:thank-you", None, 200),
)
#: The same without looking at forms: the seven requests that cannot be left out.
LEAST = tuple(step for number, step in enumerate(BROWSED) if number not in {0, 2, 6})


def check_out(watch: Watch, *, lines: int, least: bool = False) -> None:
    """Check out as a guest."""
    _basket, client = guest(lines)
    before = Order.objects.count()
    for name, form, status in LEAST if least else BROWSED:
        path = reverse(name)
        with watch.running():
            response = client.get(path) if form is None else client.post(path, form)
        assert response.status_code == status, (name, response.status_code, response.content[:5000])
    assert Order.objects.count() == before + 1


def main() -> None:
    """Serve the blocks that `benchmarks.oscar` asks for."""
    make_tables()
    make_shop()
    adding: dict[int, Adding] = {}

    def one_of(lines: int) -> Adding:
        if lines not in adding:
            adding[lines] = Adding(lines)
        return adding[lines]

    answer({
        "add": lambda calls, lines: cpu_each(one_of(lines).once, calls=calls),
        "add_sql": lambda lines: statements(one_of(lines).once),
        "checkout": lambda calls, **how: cpu_each(lambda watch: check_out(watch, **how), calls=calls),
        "checkout_sql": lambda **how: statements(lambda watch: check_out(watch, **how)),
    })  # fmt: skip


main()
