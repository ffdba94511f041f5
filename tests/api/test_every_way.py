"""Every payment method on each generation of Henry's API, over JSON, with real HTTP to the sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.cart.templates import make_template
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.models import Cart, Order, Purchase
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.api import (
    BOOTS,
    BUYER_INFO,
    DETAILS,
    MUG,
    PERSON,
    Api,
    assert_problem,
    card_for,
    guest,
    ok,
)
from tests.support.items import make_item

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


@pytest.fixture(params=["v1", "v1-rpc", "v0"])
def version(request: Any, settings: Any, sandbox: Sandbox) -> str:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_VERSION": request.param}
    sandbox.scenario(timing={"jobSeconds": 0})
    found: str = request.param
    return found


def ends_completed(sandbox: Sandbox, holder: Api, order_id: str) -> None:
    sandbox.advance(60)
    for _round in range(5):
        run_once()
    order = ok(holder("GET", f"orders/{order_id}"))
    assert (order["status"], order["needsReview"]) == ("completed", False)
    [bought] = sandbox.orders()
    assert order["totals"]["total"] == {"value": f"{float(bought['total']):.2f}", "currency": "USD"}
    assert Purchase.objects.filter(ref_id__in=[bought["refId"], bought.get("orderId")]).count() == 1


def test_hosted(sandbox: Sandbox, version: str) -> None:
    holder, cart = guest(BOOTS, MUG)
    begun = ok(
        holder("POST", "cart/checkout", {"cartId": cart["cartId"], "auth": False, "region": "us"}), 201
    )
    assert begun["ignored"] == ([] if version == "v0" else ["auth", "region"])
    order = Order.objects.get()
    who = {"userId": order.henry_cart_id} if version == "v0" else {"cartId": order.henry_cart_id}
    paid = sandbox.call("POST", "pay", who)
    path = f"/henry/api/v1/checkout/{begun['orderId']}/pay/{begun['sessionToken']}/completed"
    assert Client().get(path, {"orderId": paid.get("orderId", paid["refId"])}).status_code == 302
    viewer = Api(**{"X-Session-Token": begun["sessionToken"]})
    ends_completed(sandbox, viewer, begun["orderId"])


def test_headless(sandbox: Sandbox, version: str) -> None:
    holder, _cart = guest(BOOTS, MUG)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
    session = Api(**{"X-Session-Token": quote["sessionToken"]})
    products = ok(session("GET", "checkout/session/products"))["products"]
    assert [product["productLink"] for product in products] == [BOOTS["link"], MUG["link"]]
    shipping = ok(session("GET", "checkout/session/shipping"))
    assert shipping["hasShipping"]
    assert shipping["shippingDetails"] == DETAILS
    assert bool(shipping["shippingMethods"]) is (version != "v0")
    card = ok(session("POST", "checkout/session/card", {}))
    assert card["kind"] == ("modal" if version == "v0" else "element")
    body = {**card_for(sandbox, version), "shippingDetails": DETAILS}
    key = {"Idempotency-Key": "confirm-1"}
    assert_problem(session("POST", "checkout/session/confirm", body), 400, "idempotency_key_required")
    receipt = ok(session("POST", "checkout/session/confirm", body, **key))
    again = session("POST", "checkout/session/confirm", body, **key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert ok(again)["orderId"] == receipt["orderId"] == quote["orderId"]
    assert receipt["grandTotal"] == quote["totals"]["total"]["value"]
    assert float(receipt["grandTotal"]) == quote["orderMetadata"]["totalPrice"]
    ends_completed(sandbox, session, receipt["orderId"])


def test_one_call(sandbox: Sandbox, version: str) -> None:
    holder, cart = guest(BOOTS, MUG)
    body = {
        "cartId": cart["cartId"],
        "buyer": {**PERSON, "card": {"details": {"cardToken": "card_test_pays"}}},
        "overrideProducts": {BOOTS["link"]: 1},
        "metadata": {"campaign": "autumn"},
    }
    answer = holder("POST", "cart/purchase", body, **{"Idempotency-Key": "buy-1"})
    if version == "v0":
        assert_problem(answer, 409, "not_supported")
        assert not Order.objects.exists()
        return
    job = ok(answer)
    assert job["status"] == "pending"
    assert ok(holder("GET", f"cart/purchase/status?refId={job['refId']}"))["refId"] == job["refId"]
    ends_completed(sandbox, holder, job["orderId"])
    done = ok(holder("GET", f"cart/purchase/status?refId={job['refId']}"))
    assert done["status"] == "complete"
    assert done["result"]["costs"]["total"]["value"] == float(sandbox.orders()[0]["total"])


def test_umbracos_hosted(sandbox: Sandbox, version: str) -> None:
    holder, cart = guest(BOOTS)
    begun = ok(holder("POST", "cart/checkout", {"cartId": cart["cartId"]}), 201)
    headers = {"Mode": "Framed", "Origin": "https://store.example"}
    token = ok(holder("GET", f"checkout/{begun['orderId']}/token", **headers))
    browser = Client()
    page = browser.get(token["payUrl"])
    assert page.headers["Content-Security-Policy"] == "frame-ancestors 'self' https://store.example"
    assert "X-Frame-Options" not in page.headers
    canceled = browser.get(f"{token['payUrl']}/canceled")
    assert f"UC:{begun['orderId']}:{token['token']}:canceled" in canceled.content.decode()
    fresh = ok(holder("GET", f"checkout/{begun['orderId']}/token", **headers))
    assert fresh["token"] != token["token"]
    order = Order.objects.get()
    who = {"userId": order.henry_cart_id} if version == "v0" else {"cartId": order.henry_cart_id}
    paid = sandbox.call("POST", "pay", who)
    done = browser.get(f"{fresh['payUrl']}/completed", {"orderId": paid.get("orderId", paid["refId"])})
    assert f"UC:{begun['orderId']}:{fresh['token']}:completed" in done.content.decode()
    ends_completed(sandbox, holder, begun["orderId"])


def test_umbracos_inline(sandbox: Sandbox, version: str) -> None:
    holder, _cart = guest(BOOTS, MUG)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
    path = f"checkout/{quote['orderId']}"
    prepared = ok(holder("GET", f"{path}/initialize"))
    assert prepared["orderNumber"] == quote["orderNumber"]
    assert [method["alias"] for method in holder("GET", f"{path}/paymentmethods").json()]
    assert bool(holder("GET", f"{path}/shippingmethods").json()) is (version != "v0")
    body = {
        "amount": quote["orderMetadata"]["totalPrice"],
        "transactionId": "INV-1",
        "paymentStatus": "Captured",
        "metaData": card_for(sandbox, version),
    }
    confirmed = ok(holder("POST", f"{path}/confirm", body, **{"Idempotency-Key": "umbraco-1"}))
    assert confirmed["transactionInfo"]["transactionId"] == "INV-1"
    assert confirmed["transactionInfo"]["authorizedAmount"]["value"] == body["amount"]
    ends_completed(sandbox, holder, quote["orderId"])


def test_a_link_begun_by_a_customer(sandbox: Sandbox, version: str) -> None:
    template = carts.create_cart()
    carts.add_item(template, make_item(BOOTS["link"], price="149.00"))
    make_template(Cart.objects.get())
    server = Api(Authorization=f"Api-Key {create_api_key('till')}")
    cst = ok(server("POST", "checkout/cst", {"email": "ada@shop.example"}))["cst"]
    customer = Api(Authorization=f"Bearer {cst}")
    begun = ok(customer("POST", f"checkout/begin/{template.ulid}", {}))
    assert begun["templateCartId"] == template.ulid != begun["cartId"]
    assert begun["cart"]["buyerIdentity"]["email"] == "ada@shop.example"
    shown = ok(customer("POST", "checkout/shipping", {"cartId": begun["cartId"], "buyerInfo": BUYER_INFO}))
    assert shown["buyerIdentity"]["provinceCode"] == "NY"
    assert shown["cost"]["isEstimated"] is False
    [store] = shown["stores"]
    choice = {"cartId": begun["cartId"], "shippingMethodId": 1}
    if version == "v0":
        assert_problem(customer("POST", "checkout/shipping/method", choice), 409, "not_supported")
    else:
        method = store["offer"]["shippingMethods"][-1]
        assert_problem(
            customer("POST", "checkout/shipping/method", choice), 400, "shipping_method_not_offered"
        )
        chosen = ok(
            customer("POST", "checkout/shipping/method", {**choice, "shippingMethodId": method["id"]})
        )
        assert chosen["cost"]["shipping"]["value"] == method["price"]["value"]
    session = Api(**{"X-Session-Token": begun["sessionToken"]})
    key = {"Idempotency-Key": "link-1"}
    receipt = ok(session("POST", "checkout/session/confirm", card_for(sandbox, version), **key))
    ends_completed(sandbox, customer, receipt["orderId"])
    assert template.lines.count() == 1
