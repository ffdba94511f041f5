"""Inline checkout of the Umbraco page (seed 003; umbraco-checkout.md 5): initialize, confirm, and the two lists."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from django_henry_checkout.models import Cart, Order
from django_henry_checkout.testing.sandbox import API_KEY, Sandbox
from tests.conformance.test_umbraco_checkout import begin
from tests.support.api import BOOTS, DETAILS, MUG, Api, assert_problem, card_for, guest, ok

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_once")]

WORDS = ["Initialized", "Authorized", "Captured", "Cancelled", "Refunded", "PendingExternalSystem", "Error"]
PAID = ["Authorized", "Captured", "PendingExternalSystem"]


def quoted() -> tuple[Api, str, dict[str, Any]]:
    """Begin inline with an address; return the holder, the path of the order's calls, and a body for confirm."""
    holder, _cart = guest(BOOTS, MUG)
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
    body = {
        "amount": quote["orderMetadata"]["totalPrice"],
        "transactionId": "INV-1",
        "paymentStatus": "Captured",
        "metaData": {"cardToken": "card_test_pays"},
    }
    return holder, f"checkout/{quote['orderId']}", body


def confirm(holder: Api, path: str, body: Any, key: str = "key-1") -> Any:
    return holder("POST", f"{path}/confirm", body, **{"Idempotency-Key": key})


def assert_refused(answer: Any, code: str, status: int = 400) -> None:
    """Check that confirm refused, and that `Umb-Notifications` has the reason."""
    problem = assert_problem(answer, status, code)
    header = answer["Umb-Notifications"]
    assert header.isascii()
    assert "\n" not in header
    [notice] = json.loads(header)
    assert (set(notice), notice["type"]) == ({"message", "category", "type"}, "Error")
    assert notice["message"] == problem["detail"]


# Inline, before the capture


def test_inline_initialize(sandbox: Sandbox, settings: Any, version: str) -> None:
    """Inline: initialize returns the settings of the payment method and the metadata that its provider expects."""
    element = {"publishableKey": "pk_test_1"}
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "CARD_ELEMENT": element}
    holder, path, _body = quoted()
    answer = holder("GET", f"{path}/initialize")
    shown = ok(answer)
    assert set(shown) == {"orderNumber", "paymentMethod"}
    assert shown["orderNumber"] == Order.objects.get().number
    method = shown["paymentMethod"]
    assert set(method) == {"settings", "metaDataDefinitions", "urls"}
    for part in method.values():
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in part.items())
    if version == "v0":
        assert method["settings"]["modalUrl"].startswith(sandbox.url)
        assert method["metaDataDefinitions"] == {}
    else:
        assert method["settings"] == {"kind": "element", **element}
        assert list(method["metaDataDefinitions"]) == ["cardToken"]
    assert set(method["urls"]) == {"continue", "cancel", "error", "callback"}
    for url in method["urls"].values():
        assert urlsplit(url)[:2] == ("http", "testserver")
        assert urlsplit(url).query == ""
    assert answer["Cache-Control"] == "no-store"
    for secret in (API_KEY, settings.SECRET_KEY, *holder._headers.values(), "ada@shop.example"):
        assert secret not in answer.content.decode()


def test_settings_that_are_no_text_become_text(settings: Any) -> None:
    """A boolean is stringified in lower case."""
    element = {"testMode": True, "capture": False, "delay": 3}
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "CARD_ELEMENT": element}
    holder, path, _body = quoted()
    found = ok(holder("GET", f"{path}/initialize"))["paymentMethod"]["settings"]
    assert (found["testMode"], found["capture"], found["delay"]) == ("true", "false", "3")


def test_initialize_again_changes_nothing() -> None:
    holder, path, body = quoted()
    first, again = (ok(holder("GET", f"{path}/initialize")) for _time in range(2))
    assert first["orderNumber"] == again["orderNumber"]
    ok(confirm(holder, path, body))


def test_initialize_400_for_an_order_that_is_bought() -> None:
    holder, path, body = quoted()
    ok(confirm(holder, path, body))
    assert_problem(holder("GET", f"{path}/initialize"), 400, "order_not_open")
    assert_problem(holder("GET", f"{path}/token"), 400, "order_not_open")


# Inline, after the capture


def test_inline_confirm(sandbox: Sandbox, version: str) -> None:
    """Confirm: writes the transaction on the order and finalizes it."""
    holder, path, body = quoted()
    body["metaData"] = card_for(sandbox, version)
    answer = confirm(holder, path, {**body, "fee": 0})
    shown = ok(answer)
    assert set(shown) == {"orderNumber", "transactionInfo"}
    order = Order.objects.get()
    assert shown["orderNumber"] == order.number
    info = shown["transactionInfo"]
    assert {"paymentStatus", "transactionId", "authorizedAmount"} <= set(info)
    assert set(info) <= {
        "paymentStatus",
        "transactionId",
        "authorizedAmount",
        "feeAmount",
        "baseCurrencyExchangeRate",
    }
    assert info["transactionId"] == "INV-1"
    assert info["paymentStatus"] in PAID
    amount = info["authorizedAmount"]
    assert amount["value"] == body["amount"] == float(sandbox.orders()[0]["total"])
    assert amount["currency"]["code"] == "USD"
    assert UUID(amount["currency"]["id"])
    assert amount["formatted"] == {"value": f"${body['amount']:,.2f}"}
    assert order.status != "open"
    assert not answer.has_header("Umb-Notifications")


@pytest.mark.parametrize("word", [*PAID, "captured", "AUTHORIZED"])
def test_payment_status_that_finalizes(word: str) -> None:
    """`paymentStatus`: a name in any case."""
    holder, path, body = quoted()
    assert (
        ok(confirm(holder, path, {**body, "paymentStatus": word}))["transactionInfo"]["paymentStatus"]
        in WORDS
    )
    assert Order.objects.get().status != "open"


def test_confirm_400_for_another_payment_status(sandbox: Sandbox) -> None:
    holder, path, body = quoted()
    for word in (*(word for word in WORDS if word not in PAID), "Paid", 3, "3"):
        assert_refused(confirm(holder, path, {**body, "paymentStatus": word}), "payment_status_refused")
    assert sandbox.orders() == []
    ok(confirm(holder, path, body))


def test_confirm_400_for_another_amount(sandbox: Sandbox) -> None:
    """`amount` is compared with the order, upwards and downwards; nothing is bought."""
    holder, path, body = quoted()
    for number, amount in enumerate((body["amount"] + 0.01, body["amount"] - 0.01, 0, body["amount"] * 100)):
        answer = confirm(holder, path, {**body, "amount": round(amount, 2)}, f"key-{number}")
        assert_refused(answer, "AMOUNT_CHANGED")
    assert sandbox.orders() == []
    assert Order.objects.get().status == "open"
    ok(confirm(holder, path, body))


def test_confirm_400_for_a_malformed_body(sandbox: Sandbox) -> None:
    """`amount`, `transactionId` and `paymentStatus` are required; so is a body."""
    holder, path, body = quoted()
    required = ["amount", "transactionId", "paymentStatus"]
    for content in (None, {}, *({key: body[key] for key in body if key != name} for name in required)):
        assert_refused(confirm(holder, path, content), "invalid")
    wrong = {
        "amount": ["much", -1, None],
        "fee": ["some", -1],
        "metaData": [[], "x", {"a": {}}],
        "transactionId": ["", []],
    }
    for name, values in wrong.items():
        for value in values:
            assert_refused(confirm(holder, path, {**body, name: value}), "invalid")
    assert_refused(confirm(holder, path, "[]"), "bad_request")
    assert sandbox.orders() == []


def test_confirm_names_wrong_fields_in_camel_case() -> None:
    holder, path, body = quoted()
    answer = confirm(holder, path, {**body, "transactionId": []})
    assert list(answer.json()["errors"]) == ["transactionId"]


def test_confirm_takes_both_spellings() -> None:
    holder, path, body = quoted()
    old = {
        "amount": body["amount"],
        "transaction_id": "INV-1",
        "payment_status": "Captured",
        "meta_data": body["metaData"],
    }
    assert ok(confirm(holder, path, old))["transactionInfo"]["transactionId"] == "INV-1"


def test_confirm_400_without_an_idempotency_key(sandbox: Sandbox) -> None:
    holder, path, body = quoted()
    assert_refused(holder("POST", f"{path}/confirm", body), "idempotency_key_required")
    assert sandbox.orders() == []


def test_confirm_400_where_nothing_was_initialized() -> None:
    """An order must be initialized before a capture; then it needs a quote."""
    holder, path = begin()
    body = {"amount": 1, "transactionId": "INV-1", "paymentStatus": "Captured"}
    answer = confirm(holder, path, body)
    assert answer.status_code == 400, answer.content


def test_confirm_400_before_anything_was_quoted() -> None:
    holder, path = begin()
    ok(holder("GET", f"{path}/initialize"))
    body = {"amount": 1, "transactionId": "INV-1", "paymentStatus": "Captured"}
    assert_refused(confirm(holder, path, body), "quote_required")


def test_confirm_404_is_in_notifications_too() -> None:
    _holder, path, body = quoted()
    assert_refused(confirm(guest()[0], path, body), "order_not_found", 404)


def test_a_second_confirm(sandbox: Sandbox, version: str) -> None:
    """The same transactionId is answered the same; another one of a finalized order is 400. Bought once."""
    holder, path, body = quoted()
    body["metaData"] = card_for(sandbox, version)
    first = confirm(holder, path, body)
    replayed, again = confirm(holder, path, body), confirm(holder, path, body, "key-2")
    assert ok(first) == ok(replayed) == ok(again)
    assert replayed["Idempotent-Replayed"] == "true"
    assert not again.has_header("Idempotent-Replayed")
    other = {**body, "transactionId": "INV-2"}
    assert_refused(confirm(holder, path, other, "key-3"), "already_confirmed")
    assert_refused(confirm(holder, path, other), "idempotency_key_reused")
    assert ok(confirm(holder, path, body, "key-4")) == ok(first)
    assert len(sandbox.orders()) == 1


def test_meta_data_ends_up_with_the_order() -> None:
    """Confirm passes back any metadata that was captured: it stays with the order, the card's token does not."""
    holder, path, body = quoted()
    body["metaData"]["henryCampaign"] = "autumn"
    ok(confirm(holder, path, body))
    assert Order.objects.get().metadata == {"henryCampaign": "autumn"}


# The two lists


def test_payment_methods(version: str) -> None:
    holder, path, _body = quoted()
    answer = holder("GET", f"{path}/paymentmethods")
    assert answer.status_code == 200
    found = answer.json()
    assert [method["alias"] for method in found] == ["henry-hosted", "henry-card"]
    for method in found:
        assert UUID(method["id"])
        assert set(method) == {
            "id", "alias", "name", "store", "sku", "taxClass", "paymentProviderAlias", "imageUrl", "fee",
        }  # fmt: skip
        assert method["fee"]["withTax"] == 0
    assert found == holder("GET", f"{path}/paymentmethods").json()


def test_shipping_methods(version: str) -> None:
    """Rates of each merchant, none before a quote; an option's `id` is what shipping/method takes."""
    holder, path = begin()
    assert holder("GET", f"{path}/shippingmethods").json() == []
    holder, path, body = quoted()
    answer = holder("GET", f"{path}/shippingmethods")
    assert answer.status_code == 200
    found = answer.json()
    if version == "v0":
        assert found == []
        return
    assert [method["alias"] for method in found] == ["alpine.example", "clay.example"]
    for method in found:
        assert UUID(method["id"])
        assert set(method) == {"id", "alias", "name", "store", "sku", "taxClass", "imageUrl", "rates"}
        for rate in method["rates"]:
            assert set(rate) == {"option", "packageId", "value"}
            assert rate["option"]["name"]
            assert UUID(rate["packageId"])
            price = rate["value"]
            assert price["withTax"] == round(price["withoutTax"] + price["tax"], 2)
            assert price["formatted"]["withTax"] == f"${price['withTax']:,.2f}"
    dear = max(found[0]["rates"], key=lambda rate: rate["value"]["withTax"])["option"]["id"]
    cart_id = Cart.objects.get(orders__sessions__kind="inline").ulid
    choice = {"cartId": cart_id, "shippingMethodId": dear}
    total = ok(holder("POST", "checkout/shipping/method", choice))["cost"]["total"]["value"]
    assert total > round(body["amount"] * 100)
    assert_refused(confirm(holder, path, body), "AMOUNT_CHANGED")
