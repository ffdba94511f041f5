from __future__ import annotations

from typing import Any

import pytest
from moneyed import Money

from django_henry_checkout.exceptions import InvalidItem
from django_henry_checkout.flows.cart.items import clean_item, line_key
from django_henry_checkout.types import LineItem

GOOD = "https://shop.example/products/boots?size=10#top"


def item(**changes: Any) -> LineItem:
    return LineItem(**{"link": GOOD, **changes})


def test_a_valid_item_is_normalized() -> None:
    cleaned = clean_item(item(link=f"  {GOOD} ", title="  Trail\n boots\x00\ud800 ", coupons=(" SAVE10 ",)))
    assert (cleaned.link, cleaned.title, cleaned.coupons) == (GOOD, "Trail boots", ("SAVE10",))


@pytest.mark.parametrize(
    "link",
    [
        "",
        "   ",
        "http://shop.example/x",
        "ftp://shop.example/x",
        "javascript:alert(1)",
        "//shop.example/x",
        "shop.example/x",
        "https://",
        "https:///x",
        "https://localhost/x",
        "https://user:pass@shop.example/x",
        "https://user@shop.example/x",
        "https://shop.example/a b",
        "https://shop.example/\n",
        "https://shop.example/a\x00b",
        "https://shop.example/<script>",
        "https://shop.example\\@evil.example/",
        "https://shop.example:99999/x",
        "https://[::1",
        "https://shop.example/" + "x" * 2048,
    ],
)
def test_an_invalid_link_is_refused(link: str) -> None:
    with pytest.raises(InvalidItem) as caught:
        clean_item(item(link=link if link != "https://shop.example/\n" else "https://shop.example/\nx"))
    assert caught.value.field == "link"
    assert caught.value.code == "invalid_item"


@pytest.mark.parametrize("quantity", [0, -1, 1000, 1.5, "2", True, None])
def test_an_invalid_quantity_is_refused(quantity: Any) -> None:
    with pytest.raises(InvalidItem, match="between 1 and 999") as caught:
        clean_item(item(quantity=quantity))
    assert caught.value.field == "quantity"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("selected_options", tuple("abcdefghijklmnopqrstu")),
        ("selected_options", ("",)),
        ("selected_options", ("x" * 201,)),
        ("coupons", tuple("abcdefghijk")),
        ("coupons", ("a\nb",)),
        ("coupons", (7,)),
        ("selected_shipping", {"id": "1", "carrier": "dhl"}),
        ("selected_shipping", {"value": "x" * 201}),
        ("metadata", {"note": "x" * 4096}),
        ("metadata", {"when": object()}),
        ("metadata", {"ratio": float("nan")}),
        ("metadata", {"nul": "a\x00b"}),
        ("metadata", {"half": "\ud800"}),
        ("image_url", "https://shop.example/\x00"),
        ("image_url", "javascript:alert(1)"),
        ("image_url", "https://shop.example/" + "x" * 2048),
        ("unit_price", Money("-1.00", "USD")),
    ],
)
def test_each_part_is_bounded(field: str, value: Any) -> None:
    with pytest.raises(InvalidItem) as caught:
        clean_item(item(**{field: value}))
    assert caught.value.field == field


def test_the_same_link_with_other_options_is_another_line() -> None:
    assert line_key(item()) == line_key(item(quantity=3, title="other"))
    assert line_key(item()) != line_key(item(selected_options=("red",)))
    assert line_key(item(selected_options=("a", "b"))) != line_key(item(selected_options=("ab",)))
