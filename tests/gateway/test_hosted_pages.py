"""Henry's pages and the flags: unsupported calls are refused before anything is sent."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from django_henry_checkout import gateway as gateway_module
from django_henry_checkout.exceptions import GatewayUnavailable, NotFound, Rejected
from django_henry_checkout.gateway import Gateway
from django_henry_checkout.gateway.base import Gateway as Protocol
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import LineItem, PurchaseRequest
from tests.support.headless import (
    BUYER,
    HOMELESS,
    ITEMS,
    MUG,
    V1,
    VERSIONS,
    calls_since,
    pays,
    store_card,
)
from tests.support.rejections import refused

FLAGS = {
    "v1": {
        "supports_order_list",
        "hosted_url_is_permanent",
        "accepts_card_token",
        "supports_shipping_choice",
        "supports_coupons",
        "supports_prefill",
    },
    "v1-rpc": {
        "supports_order_list",
        "hosted_url_is_permanent",
        "accepts_card_token",
        "supports_shipping_choice",
        "supports_coupons",
    },
    "v0": {"supports_card_modal", "reports_paid_cart", "supports_hosted_options"},
}


def last(sandbox: Sandbox) -> dict[str, Any]:
    return sandbox.requests()[-1]


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


# The card page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v0"])
@pytest.mark.parametrize("sign_in", [False, True])
def test_the_card_page_opens_with_the_hosted_sign_in_option(
    henry: Gateway, cart_id: str, sandbox: Sandbox, settings: Any, sign_in: bool
) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "HOSTED_SIGN_IN": sign_in}
    url = henry.card_modal_url(cart_id)
    request = last(sandbox)
    assert (request["method"], request["path"]) == ("POST", "/v0/wallet/card-collect")
    assert (request["query"], request["bodyKeys"]) == (f"auth={str(sign_in).lower()}", [])
    assert url.startswith(f"{sandbox.url}/wallet/card?")
    assert "Add a card" in requests.get(url, timeout=5).text


@pytest.mark.parametrize("version", ["v0"])
def test_a_collected_card_pays_only_for_its_own_cart(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    other = henry.create_cart(ITEMS).cart_id
    form = {
        "card_number": "4111111111111111",
        "card_expiry": "04 / 39",
        "card_cvc": "123",
        "card_name": "A L",
    }
    saved = requests.post(henry.card_modal_url(cart_id), data=form, timeout=5)
    assert "Your card is saved" in saved.text
    with refused(Rejected, "No payment card"):
        henry.purchase(other, confirmed(henry, other))
    henry.purchase(cart_id, confirmed(henry, cart_id))
    assert [order["cardLast4"] for order in sandbox.orders()] == ["1111"]


def confirmed(henry: Gateway, cart_id: str) -> PurchaseRequest:
    token = henry.quote(cart_id, items=ITEMS, buyer=BUYER).token
    return PurchaseRequest(buyer=BUYER, quote_token=token)


@pytest.mark.parametrize("version", ["v0"])
def test_the_card_page_is_requested_once(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    calls = len(sandbox.requests())
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "times": 0}])
    with pytest.raises(GatewayUnavailable):
        henry.card_modal_url(cart_id)
    assert len(calls_since(sandbox, calls)) == 1


# The hosted page ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1"])
def test_a_prefilled_page_shows_the_buyer_and_the_cart_does_not_store_them(
    henry: Gateway, cart_id: str, sandbox: Sandbox
) -> None:
    url = henry.prefilled_url(cart_id, BUYER)
    request = last(sandbox)
    assert (request["method"], request["path"], request["query"]) == ("POST", f"/v1/cart/{cart_id}", "")
    assert {"buyer.email", "buyer.name.firstName", "buyer.shippingAddress.line1"} <= set(request["bodyKeys"])
    assert not [key for key in request["bodyKeys"] if "card" in key.lower()]
    assert query_of(url) == {
        "email": "ada@example.com",
        "phone": "+12125550123",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "countryCode": "US",
        "line1": "1 Main St",
        "city": "Springfield",
        "province": "NY",
        "postalCode": "10001",
    }
    assert "ada@example.com" in requests.get(url, timeout=5).text
    assert henry.hosted_url(cart_id) == f"{sandbox.url}/cart/{cart_id}"


@pytest.mark.parametrize("version", ["v1"])
def test_a_page_may_be_prefilled_without_an_address(henry: Gateway, cart_id: str) -> None:
    found = query_of(henry.prefilled_url(cart_id, HOMELESS))
    assert set(found) == {"email", "phone", "firstName", "lastName"}


@pytest.mark.parametrize("version", ["v1"])
def test_a_prefilled_page_is_retried_after_an_error(
    henry: Gateway, cart_id: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module.transport, "RETRY_BASE_SECONDS", 0.001)
    sandbox.scenario(faults=[{"fault": "reset"}, {"fault": "status", "status": 502}])
    assert "email" in query_of(henry.prefilled_url(cart_id, BUYER))


@pytest.mark.parametrize("version", ["v1"])
def test_an_unknown_cart_has_no_prefilled_page(henry: Gateway) -> None:
    with refused(NotFound, "Cart not found"):
        henry.prefilled_url("crt_000000000000", BUYER)


@pytest.mark.parametrize("version", ["v0"])
@pytest.mark.parametrize(
    ("default", "chosen", "sent"),
    [
        (False, {}, "auth=false"),
        (True, {}, "auth=true"),
        (False, {"sign_in": True}, "auth=true"),
        (True, {"sign_in": False}, "auth=false"),
        (False, {"region": "us"}, "auth=false&region=us"),
        (False, {"sign_in": True, "region": "DE"}, "auth=true&region=de"),
    ],
)
def test_the_options_of_the_hosted_page_are_sent(
    henry: Gateway,
    cart_id: str,
    sandbox: Sandbox,
    settings: Any,
    default: bool,
    chosen: dict[str, Any],
    sent: str,
) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "HOSTED_SIGN_IN": default}
    url = henry.hosted_url(cart_id, **chosen)
    assert (last(sandbox)["path"], last(sandbox)["query"]) == ("/v0/cart/checkout", sent)
    assert "Mug" in requests.get(url, timeout=5).text


@pytest.mark.parametrize("version", ["v0"])
def test_a_refused_region_has_a_reason(henry: Gateway, cart_id: str) -> None:
    with refused(Rejected, "region") as caught:
        henry.hosted_url(cart_id, region="Texas")
    assert caught.value.status == 400


@pytest.mark.parametrize("version", V1)
def test_without_hosted_options_none_are_sent(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    plain = henry.hosted_url(cart_id)
    assert henry.hosted_url(cart_id, sign_in=True, region="us") == plain
    assert plain == f"{sandbox.url}/cart/{cart_id}"
    assert (last(sandbox)["query"], set(last(sandbox)["bodyKeys"]) - {"cartId"}) == ("", set())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_url_is_permanent_if_the_flag_is_set(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    first = henry.hosted_url(cart_id)
    sandbox.advance(31 * 60)
    assert requests.get(first, timeout=5).status_code == (200 if henry.hosted_url_is_permanent else 410)
    again = henry.hosted_url(cart_id)
    assert (again == first) is henry.hosted_url_is_permanent
    assert requests.get(again, timeout=5).status_code == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_the_last_product_can_be_removed_from_a_cart(henry: Gateway) -> None:
    cart = henry.create_cart(ITEMS[:1])
    assert henry.remove_item(cart.cart_id, ITEMS[0].link).links == ()


# Flags -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_each_generation_has_each_flag_of_the_protocol(henry: Gateway, version: str) -> None:
    flags = [name for name in inspect.get_annotations(Protocol) if not name.startswith("_")]
    assert len(flags) == 9
    assert {name for name in flags if getattr(henry, name) is True} == FLAGS[version]
    assert all(isinstance(getattr(henry, name), bool) for name in flags)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_generation_has_each_method_of_the_protocol_with_its_signature(henry: Gateway) -> None:
    methods = {name: found for name, found in vars(Protocol).items() if inspect.isfunction(found)}
    promised = {name: found for name, found in methods.items() if not name.startswith("_")}
    assert len(promised) == 17
    for name, found in promised.items():
        own = inspect.signature(getattr(type(henry), name))
        assert own.parameters == inspect.signature(found).parameters, name


CALLS: dict[str, Callable[[Gateway, str], object]] = {
    "supports_card_modal": lambda henry, cart_id: henry.card_modal_url(cart_id),
    "supports_prefill": lambda henry, cart_id: henry.prefilled_url(cart_id, BUYER),
    "supports_order_list": lambda henry, cart_id: henry.list_orders(),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("flag", CALLS)
def test_a_call_is_sent_only_if_its_flag_is_set(
    henry: Gateway, cart_id: str, sandbox: Sandbox, flag: str
) -> None:
    calls = len(sandbox.requests())
    if getattr(henry, flag):
        assert CALLS[flag](henry, cart_id) is not None
        assert len(calls_since(sandbox, calls)) == 1
        return
    with pytest.raises(Rejected, match="no such call") as caught:
        CALLS[flag](henry, cart_id)
    assert not caught.value.maybe_sent
    assert calls_since(sandbox, calls) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_card_is_a_token_or_is_stored_at_henry(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    if henry.accepts_card_token:
        with refused(Rejected, "cardToken"):
            henry.purchase(cart_id, PurchaseRequest(buyer=BUYER))
        henry.purchase(cart_id, pays())
    else:
        with refused(Rejected, "No payment card"):
            henry.purchase(cart_id, pays(quote_token=confirmed(henry, cart_id).quote_token))
        store_card(sandbox, cart_id)
        henry.purchase(cart_id, confirmed(henry, cart_id))
    assert len(sandbox.orders()) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_shipping_is_offered_and_chosen_if_its_flag_is_set(
    henry: Gateway, cart_id: str, sandbox: Sandbox
) -> None:
    before = henry.quote(cart_id, items=ITEMS, buyer=BUYER)
    calls = len(sandbox.requests())
    henry.update_item(
        cart_id,
        LineItem(
            link=MUG,
            quantity=2,
            unit_price=ITEMS[1].unit_price,
            title="Mug",
            selected_shipping={"id": "express"},
        ),
    )
    sent = {key for row in sandbox.requests()[calls:] for key in row["bodyKeys"]}
    after = henry.quote(cart_id, items=ITEMS, buyer=BUYER)
    offered = [merchant for merchant in after.merchants if merchant.options]
    assert len(offered) == (2 if henry.supports_shipping_choice else 0)
    assert (after.costs.total != before.costs.total) is henry.supports_shipping_choice
    assert any("hipping" in key for key in sent) is henry.supports_shipping_choice


@pytest.mark.parametrize("version", VERSIONS)
def test_coupons_are_sent_if_their_flag_is_set(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    plain = henry.quote(cart_id, items=ITEMS, buyer=BUYER)
    calls = len(sandbox.requests())
    quote = henry.quote(cart_id, items=ITEMS, buyer=BUYER, coupons=("SAVE10",))
    assert bool(quote.coupons) is henry.supports_coupons
    assert (quote.costs.total != plain.costs.total) is henry.supports_coupons
    assert ("coupons" in sandbox.requests()[calls]["bodyKeys"]) is henry.supports_coupons
