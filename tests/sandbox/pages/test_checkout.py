from __future__ import annotations

import html
import re
from typing import Any

import pytest

from tests.sandbox.client import CARD, JACKET, MUG, TEAPOT, Client
from tests.sandbox.pages.forms import CheckoutPage, open_receipt

SHOP = "https://shop.example/back?order=7"


#: Digits that the page may contain: the example beside the card field, and random values.
ALLOWED_DIGITS = re.compile(r'4242 4242 4242 4242</span>|name="(?:attempt|seen)" value="[^"]*"')


def test_the_page_shows_the_cart_and_can_be_framed(sandbox: Client) -> None:
    page = CheckoutPage(
        sandbox, sandbox.cart({"link": MUG, "quantity": 2, "selectedOptions": ["Sea"]}, JACKET)
    )
    for part in ("Shoreline Mug", "Sea", "2 × $28.00", "Kiln & Tide", "Fernhill Outfitters", "Test mode"):
        assert part in page.text
    assert 'Pay <span data-total="total">$' in page.text
    assert "X-Frame-Options" not in page.response.headers
    assert page.response.headers["Cache-Control"] == "no-store"
    assert "'unsafe-inline'" not in page.response.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*(src=|application/json))|\son\w+=|\sstyle=", page.response.text)


def test_paying_places_an_order_and_shows_a_receipt(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG, JACKET)
    page = CheckoutPage(sandbox, cart_id)
    text = open_receipt(sandbox, page.post(shipping_0="express"))
    (order,) = sandbox.orders()
    assert (order["cartId"], order["via"], order["cardLast4"]) == (cart_id, "hosted", "4242")
    assert order["refId"] in text
    assert f"${order['total']:,.2f}" in text
    job = sandbox.status(order["refId"])
    assert job["products"][0]["selectedShipping"]["id"] == "express"
    assert job["details"]["shippingAddress"]["line1"] == "350 Harbour Street"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"email": "ada@"}, "Enter an email address"),
        ({"phone": "call me"}, "Enter a phone number"),
        ({"first_name": ""}, "Enter your first name"),
        ({"country": ""}, "Select a country"),
        ({"country": "QO"}, "Select a country"),
        ({"line1": " "}, "Enter your street"),
        ({"city": ""}, "Enter your town or city"),
        ({"province": ""}, "Enter a state"),
        ({"postal_code": "ABC"}, "Enter a ZIP code such as 10001"),
        ({"country": "CA", "postal_code": ""}, "Enter a postal code"),
        ({"card_number": "4242 4242 4242 4241"}, "not valid"),
        ({"card_number": "４２４２４２４２４２４２４２４２"}, "not valid"),
        ({"card_expiry": "13/39"}, "month"),
        ({"card_expiry": "01/20"}, "expired"),
        ({"card_expiry": "soon"}, "Enter the date as on the card"),
        ({"card_cvc": "12"}, "3 or 4 digits"),
        ({"card_name": ""}, "name on the card"),
        ({"shipping_0": "pigeon"}, "valid choice"),
        ({"seen": "other"}, "Your cart or a price changed"),
    ],
)
def test_invalid_input_is_reported_and_nothing_is_ordered(
    sandbox: Client, values: dict[str, str], message: str
) -> None:
    page = CheckoutPage(sandbox, sandbox.cart(MUG))
    response = page.post(**values)
    text = html.unescape(response.text)
    assert response.status_code == 422
    assert message in text
    assert 'role="alert"' in text
    assert "<title>Error:" in text
    for secret in ("4242", 'value="123"', "04 / 39"):
        assert secret not in ALLOWED_DIGITS.sub("", text)
    assert sandbox.orders() == []


def test_an_error_is_linked_to_its_field(sandbox: Client) -> None:
    text = CheckoutPage(sandbox, sandbox.cart(MUG)).post(city="").text
    field = re.search(r"<input[^>]*name=\"city\"[^>]*>", text)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert 'aria-describedby="id_city_error"' in field[0]
    assert 'id="id_city_error"' in text
    assert 'href="#id_city"' in text
    assert 'value="Ada"' in text


@pytest.mark.parametrize(
    ("number", "message"),
    [("4000000000000002", "Your card was declined"), ("4000 0000 0000 9995", "insufficient funds")],
)
def test_another_card_can_be_used_after_a_decline(sandbox: Client, number: str, message: str) -> None:
    page = CheckoutPage(sandbox, sandbox.cart(MUG))
    response = page.post(card_number=number)
    assert response.status_code == 402
    assert message in response.text
    assert 'value="ada@shop.example"' in response.text
    assert number[-4:] not in response.text
    assert sandbox.orders() == []
    open_receipt(sandbox, page.post())
    assert len(sandbox.orders()) == 1


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (CARD, "complete"),
        ("4111111111111111", "complete"),
        ("4000000000010001", "partially_complete"),
        ("4000000000020000", "failed"),
        ("4000000000030009", "cancelled"),
        ("4000000000040008", "awaiting_merchant"),
        ("4000000000050007", "complete"),
        ("4000000000060006", "processing"),
    ],
)
def test_a_test_card_sets_the_outcome(sandbox: Client, number: str, outcome: str) -> None:
    CheckoutPage(sandbox, sandbox.cart(MUG, TEAPOT)).post(card_number=number)
    sandbox.advance(7)
    (order,) = sandbox.orders()
    assert order["status"] == outcome
    assert ("failed" in {item["status"] for item in order["items"]}) == (
        number in ("4000000000010001", "4000000000020000", "4000000000050007", "4000000000060006")
    )


def test_a_second_click_places_no_second_order(sandbox: Client) -> None:
    page = CheckoutPage(sandbox, sandbox.cart(MUG))
    first, second = page.post(), page.post()
    assert first.headers["Location"] == second.headers["Location"]
    assert len(sandbox.orders()) == 1


def test_a_paid_cart_shows_a_notice_with_a_link_to_the_shop(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    page = CheckoutPage(sandbox, cart_id, returnUrl=SHOP)
    sandbox.control("pay", {"cartId": cart_id})
    again = CheckoutPage(sandbox, cart_id, returnUrl=SHOP)
    assert again.response.status_code == 200
    assert "has been paid for" in again.text
    assert f'href="{SHOP}"' in again.text
    assert page.post().status_code == 409
    assert len(sandbox.orders()) == 1


def test_return_and_cancel_link_to_the_shop(sandbox: Client) -> None:
    page = CheckoutPage(sandbox, sandbox.cart(MUG), returnUrl=SHOP)
    assert f'href="{SHOP}&status=cancelled"' in page.text
    text = html.unescape(open_receipt(sandbox, page.post()))
    assert f'<meta http-equiv="refresh" content="2;url={SHOP}">' in text
    assert f'href="{SHOP}" data-done' in text
    assert 'data-origin="https://shop.example"' in text
    assert 'data-announce="orderCompleted"' in text


def test_an_embedded_receipt_does_not_redirect(sandbox: Client) -> None:
    page = CheckoutPage(sandbox, sandbox.cart(MUG), returnUrl=SHOP, embed="true", theme="dark")
    assert "embedded" in page.text
    assert 'data-theme="dark"' in page.text
    text = open_receipt(sandbox, page.post())
    assert 'http-equiv="refresh"' not in text
    assert 'data-theme="dark"' in text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "/relative", "//host.example", "ftp://x.example", "https://", "https://a@b.example", 'https://x.example/"><b>']
)  # fmt: skip
def test_an_unusable_return_url_is_ignored(sandbox: Client, url: str) -> None:
    page = CheckoutPage(sandbox, sandbox.cart(MUG), returnUrl=url)
    assert page.response.status_code == 200
    assert url not in page.text.split('action="')[0]
    assert "/closed" in page.text
    assert 'data-origin="*"' in page.text


def test_cancel_without_a_return_url_closes_the_checkout(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    text = sandbox.raw("GET", f"/cart/{cart_id}/closed").text
    assert "Checkout closed" in text
    assert 'data-announce="checkoutClosed"' in text
    assert "data-order" not in text


def test_totals_can_be_updated_without_javascript(sandbox: Client) -> None:
    page = CheckoutPage(sandbox, sandbox.cart(MUG))
    response = page.post(action="update", shipping_0="express", email="not yet")
    assert response.status_code == 200
    assert 'role="alert"' not in response.text
    assert 'value="not yet"' in response.text
    assert CARD[:4] not in ALLOWED_DIGITS.sub("", response.text)
    assert re.search(r'value="express"[^>]*checked', response.text)
    # 28.00 + 18.00 shipping + 1.96 tax
    assert "$47.96" in response.text


def test_only_fields_that_the_shop_collects_are_shown(sandbox: Client) -> None:
    options = {"collectBuyerEmail": "off", "collectBuyerPhone": "required", "collectBuyerAddress": "off"}
    page = CheckoutPage(sandbox, sandbox.cart(MUG, settings={"options": options}))
    for name, is_there in {"email": False, "phone": True, "line1": False, "first_name": True}.items():
        assert (f'name="{name}"' in page.text) is is_there
    assert page.post(phone="").status_code == 422
    open_receipt(sandbox, page.post(phone="+44 20 7946 0123"))


def test_unknown_and_empty_carts_show_a_notice(sandbox: Client) -> None:
    assert sandbox.raw("GET", "/cart/crt_000000000000").status_code == 404
    assert "Your cart is empty" in CheckoutPage(sandbox, _empty(sandbox)).text
    assert sandbox.raw("GET", f"/cart/{sandbox.cart(MUG)}/receipt/ckp-ref_x").status_code == 404
    assert sandbox.raw("DELETE", f"/cart/{sandbox.cart(MUG)}").status_code == 405


def _empty(sandbox: Client) -> str:
    response: Any = sandbox.api("POST", "/cart", {"items": []}).json()
    return str(response["data"]["cartId"])
