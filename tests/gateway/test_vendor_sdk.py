"""Henry's own Python client (v0) against the sandbox: all fields of its models are present."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import henry_sdk
import pytest
import requests

from django_henry_checkout.testing.sandbox import API_KEY, Sandbox

USER = "user_123"
BOOTS = "https://fernhill.example/products/larkspur-trail-boots"
MUG = "https://kilnandtide.example/products/shoreline-mug"
SHIPPING: dict[str, Any] = {
    "full_name": "John Doe",
    "email": "john@shop.example",
    "phone_number": "+12125550123",
    "address_line1": "350 5th Ave",
    "address_line2": "Apt 1",
    "city": "New York",
    "state_or_province": "NY",
    "postal_code": "10001",
    "country_code": "US",
}
PRODUCTS: list[dict[str, Any]] = [
    {
        "name": "Trail Boots",
        "price": "164.00",
        "quantity": 1,
        "product_link": BOOTS,
        "product_id": "P01145AC2",
        "product_image_link": "https://shop.example/boots.png",
        "affiliate_product_link": "https://link.example/boots",
        "metadata": {"size": "9"},
    },
    {"name": "Mug", "price": "28.00", "quantity": 2, "product_link": MUG},
]


@pytest.fixture
def henry(sandbox: Sandbox) -> Iterator[Any]:
    with client_for(sandbox) as client:
        yield client


def client_for(sandbox: Sandbox, key: str = API_KEY) -> Any:
    return henry_sdk.HenrySDK(
        api_key=key,
        base_url=f"{sandbox.url}/v0",
        max_retries=0,
        http_client=henry_sdk.DefaultHttpxClient(trust_env=False),
    )


@pytest.fixture
def filled(henry: Any) -> Any:
    """A client whose user has a cart."""
    henry.cart.items.add(x_user_id=USER, products_details=PRODUCTS)
    return henry


def store_card(sandbox: Sandbox, user: str = USER) -> None:
    answer = requests.post(f"{sandbox.url}/__sandbox__/card", json={"userId": user}, timeout=5)
    assert answer.ok, answer.text


def assert_whole(model: Any, *, absent: frozenset[str] = frozenset(), path: str = "") -> None:
    """Assert that each field of the vendor's model is present and has its declared type.

    The client does not validate its models, so a missing field is found only by this check.
    """
    fields = type(model).model_fields
    known = {field.alias or name for name, field in fields.items()}
    assert set(model.model_extra or ()) <= known | NEWER, path
    for name, field in fields.items():
        where = f"{path}.{name}"
        value = getattr(model, name, None)
        if name in absent:
            assert value is None, where
            continue
        assert value is not None, where
        assert isinstance(value, _plain(field.annotation)), (where, value)
        for each in value if isinstance(value, list) else [value]:
            if hasattr(each, "model_fields_set"):
                assert_whole(each, absent=absent, path=where)


# Fields of newer pages, or of the older client, that 0.2.0 has no attribute for.
NEWER = {
    "productLink",
    "pagination",
    "transaction_fee",
    "transaction_fee_percentage",
    "transactionFee",
}


def _plain(annotation: Any) -> Any:
    """Return the classes that `isinstance` accepts: `Optional[List[X]]` becomes `(list,)`."""
    parts = getattr(annotation, "__args__", None)
    origin = getattr(annotation, "__origin__", None)
    if annotation is object or annotation is Any:
        return object
    if isinstance(origin, type):
        return origin
    if parts and all(isinstance(part, str) for part in parts):
        return str
    if parts:
        found = [_plain(part) for part in parts if part is not type(None)]
        return tuple(each for part in found for each in (part if isinstance(part, tuple) else (part,)))
    # A JSON number without decimals is an int here, though the models say float.
    return (int, float) if annotation is float else annotation


def test_product_search(henry: Any) -> None:
    found = henry.products.search(
        query="jacket",
        color="Pine",
        gender="women",
        size="M",
        manufacturer="Fernhill Outfitters",
        region="Austin, Texas",
        greater_than_price=100,
        lower_than_price=200,
        limit=5,
    )
    assert_whole(found)
    assert (found.success, found.status) == (True, "success")
    (jacket,) = found.data
    assert (jacket.name, jacket.price, jacket.currency) == ("Summit Shell Jacket", 189.0, "USD")
    assert jacket.original_price == "225.00"


def test_product_details(henry: Any) -> None:
    found = henry.products.retrieve_details(product_id="larkspur-trail-boots")
    assert_whole(found)
    results = found.data.product_results
    assert (results.title, results.stores[0].link) == ("Larkspur Trail Boots", BOOTS)
    assert [item.name for item in results.variants[0].items][:2] == ["7", "8"]


def test_variant_checks(henry: Any, sandbox: Sandbox) -> None:
    product = {"product_link": BOOTS, "metadata": {"size": "9"}}
    created = henry.products.variant_check.create(product=product, x_user_id=USER)
    assert_whole(created)
    assert created.status == "pending"
    running = henry.products.variant_check.retrieve_status(created.request_id)
    assert (running.status, running.data) == ("pending", None)
    sandbox.advance(1)
    ended = henry.products.variant_check.retrieve_status(created.request_id)
    assert_whole(ended, absent=frozenset({"error_message"}))
    assert (ended.status, ended.product_link, ended.requested_variant) == ("completed", BOOTS, {"size": "9"})
    stock = ended.data.stock_status
    assert stock.available is True
    assert (stock.details["size"].found, stock.details["size"].actual_value) == (True, "9")
    failed = henry.products.variant_check.create(product={"name": "Nothing in particular"})
    sandbox.advance(1)
    assert henry.products.variant_check.retrieve_status(failed.request_id).error_message


def test_cart_items(henry: Any) -> None:
    added = henry.cart.items.add(x_user_id=USER, products_details=PRODUCTS, check_variant_availability=True)
    assert_whole(added)
    assert [product.price for product in added.data.added_products] == ["164.00", "28.00"]
    assert (added.data.cart_summary.total_items, added.data.cart_summary.total_unique_products) == (3, 2)
    assert [check.product_id for check in added.data.variant_checks] == ["P01145AC2"]
    again = henry.cart.items.add(x_user_id=USER, products_details=PRODUCTS[:1])
    assert_whole(again, absent=frozenset({"variant_checks"}))
    (updated,) = again.data.updated_products
    assert (updated.previous_quantity, updated.added_quantity, updated.quantity) == (1, 1, 2)

    listed = henry.cart.items.list(x_user_id=USER)
    boots, mug = listed.data.products
    assert_whole(boots)
    assert (boots.product_id, boots.price, boots.metadata) == ("P01145AC2", "164.00", {"size": "9"})
    assert boots.affiliate_product_link == "https://link.example/boots"

    removed = henry.cart.items.remove(mug.product_id, x_user_id=USER)
    assert_whole(removed)
    assert_whole(henry.cart.items.clear(x_user_id=USER))
    assert henry.cart.items.list(x_user_id=USER).data.products == []


def test_hosted_checkout(filled: Any, sandbox: Sandbox) -> None:
    created = filled.cart.create_checkout(x_user_id=USER, auth=False)
    assert_whole(created)
    page = requests.get(created.data.checkout_url, timeout=5)
    assert "Larkspur Trail Boots" in page.text
    # This client cannot pay, so the sandbox's control API pays instead of the shopper.
    answer = requests.post(f"{sandbox.url}/__sandbox__/pay", json={"userId": USER}, timeout=5)
    order = filled.orders.retrieve_status(answer.json()["orderId"])
    boots = order.data.products[0]
    assert_whole(boots)
    assert (boots.product_name, boots.product_metadata) == ("Larkspur Trail Boots", {"size": "9"})
    assert_whole(order.data.shipping_details, absent=frozenset({"address_line2"}))
    assert (order.data.user_id, order.data.subtotal, order.data.currency) == (USER, "220.00", "USD")
    assert filled.cart.items.list(x_user_id=USER).data.products == []


def test_headless_checkout(filled: Any, sandbox: Sandbox) -> None:
    quote = filled.checkout.session.create_quote(x_user_id=USER, shipping_details=SHIPPING)
    assert_whole(quote)
    amounts = quote.data.order_metadata
    assert set(amounts.shipping) == {"fernhill.example", "kilnandtide.example"}
    assert amounts.shipping_total == sum(amounts.shipping.values())
    token = quote.data.session_token

    listed = filled.checkout.session.list_products(x_session_token=token)
    assert [product.quantity for product in listed.data.products] == [1, 2]
    assert_whole(listed.data.products[0], absent=frozenset({"variant_check"}))
    shipping = filled.checkout.session.retrieve_shipping_info(x_user_id=USER)
    assert_whole(shipping)
    assert shipping.data.shipping_details.full_name == "John Doe"

    store_card(sandbox)
    override = {**SHIPPING, "city": "Boston"}
    placed = filled.checkout.session.confirm_checkout(
        x_session_token=token, x_user_id=USER, shipping_details=override
    )
    order = placed.data
    assert_whole(order.shipping_details)
    assert_whole(order.products[0])
    assert (order.shipping_details.city, order.card_last4, order.currency) == ("Boston", "4242", "USD")
    assert float(order.grand_total) == pytest.approx(amounts.total_price)
    assert (order.subtotal, order.status) == ("220.00", "pending")
    sandbox.advance(7)
    later = filled.orders.retrieve_status(order.id)
    assert later.data.user_id == USER
    assert (later.data.id, later.data.status, later.data.grand_total) == (
        order.id,
        "ordered",
        order.grand_total,
    )
    assert later.data.products[0].product_metadata == {"size": "9"}


def test_card_collection(henry: Any) -> None:
    created = henry.wallet.create_card_collection(x_user_id=USER, auth=True)
    assert_whole(created)
    assert "Add a card" in requests.get(created.data.modal_url, timeout=5).text


def test_merchants(henry: Any) -> None:
    listed = henry.merchants.list_supported(limit=2, page=1)
    assert_whole(listed)
    assert (len(listed.data.merchants), listed.data.pagination.has_next_page) == (2, True)
    checked = henry.merchants.check_status("fernhill.example", checkout_mode="allowlist")
    assert_whole(checked)
    assert checked.data.merchant_support_status is True
    shipping = henry.merchants.get_shipping_info(domain="fernhill.example", limit=5, offset=0)
    # The sandbox has no notes on shipping.
    assert_whole(shipping, absent=frozenset({"shipping_notes"}))
    (merchant,) = shipping.data.merchants
    assert (merchant.free_shipping_threshold, merchant.shipping_tiers[0].cost) == (150.0, 7.5)
    assert henry.merchants.get_shipping_info(merchant_id=merchant.id).data.total_count == 1


def test_errors_are_distinguished(henry: Any, filled: Any, sandbox: Sandbox) -> None:
    with (
        client_for(sandbox, "another-key") as stranger,
        pytest.raises(henry_sdk.AuthenticationError) as unknown,
    ):
        stranger.cart.items.list(x_user_id=USER)
    assert unknown.value.status_code == 401
    with pytest.raises(henry_sdk.NotFoundError) as missing:
        henry.orders.retrieve_status("123e4567-e89b-12d3-a456-426614174000")
    assert missing.value.body["message"] == "Order not found"
    with pytest.raises(henry_sdk.NotFoundError):
        henry.cart.items.clear(x_user_id="another-user")
    with pytest.raises(henry_sdk.BadRequestError) as bad:
        henry.cart.items.add(x_user_id=USER, products_details=[{**PRODUCTS[0], "price": 164.0}])
    assert bad.value.body == {
        "success": False,
        "status": "error",
        "message": 'productsDetails[0].price must be a string such as "149.00".',
    }
    quote = filled.checkout.session.create_quote(x_user_id=USER, shipping_details=SHIPPING)
    with pytest.raises(henry_sdk.ConflictError):
        filled.checkout.session.confirm_checkout(x_session_token=quote.data.session_token, x_user_id=USER)


def test_faults_are_errors_too(henry: Any, sandbox: Sandbox) -> None:
    sandbox.scenario(faults=[{"fault": "status", "status": 500}, {"fault": "status", "status": 429}])
    with pytest.raises(henry_sdk.InternalServerError):
        henry.merchants.list_supported()
    with pytest.raises(henry_sdk.RateLimitError):
        henry.merchants.list_supported()


def test_every_method_of_the_client_is_run_here() -> None:
    """A later version of the client with new methods must make this test fail."""
    spec = importlib.util.find_spec("henry_sdk")
    assert spec is not None
    assert spec.origin is not None
    offered = set()
    for file in (Path(spec.origin).parent / "resources").rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and re.fullmatch(r"(?!Async)\w+Resource", node.name):
                calls = [each for each in node.body if isinstance(each, ast.FunctionDef)]
                offered |= {f"{node.name}.{each.name}" for each in calls if not each.decorator_list}
    mine = Path(__file__).read_text(encoding="utf-8")
    assert len(offered) == 18, json.dumps(sorted(offered))
    assert {name for name in offered if f".{name.partition('.')[2]}(" not in mine} == set()
