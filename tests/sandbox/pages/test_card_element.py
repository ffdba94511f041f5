"""The card element: a form in a frame on the shop's page, which posts a token to the shop."""

from __future__ import annotations

import html
import re

import pytest
import requests

from tests.sandbox.client import CARD, MUG, Client, SandboxProcess
from tests.sandbox.pages.forms import INVALID_CARDS, VALID_CARD, assert_input_rejected

SHOP = "https://shop.example"


def post(sandbox: Client, **values: str) -> requests.Response:
    return sandbox.raw("POST", "/elements/card", params={"origin": SHOP}, data={**VALID_CARD, **values})


def token_of(response: requests.Response) -> str:
    assert response.status_code == 200, response.text
    found = re.search(r' data-token="(card_test_\w{35})"', response.text)
    assert found, response.text
    return found[1]


def test_the_form_can_be_framed_and_sets_no_cookie(sandbox: Client) -> None:
    response = sandbox.raw("GET", "/elements/card", params={"origin": SHOP, "theme": "dark"})
    assert response.status_code == 200
    assert f'data-origin="{SHOP}" data-element>' in response.text
    assert 'data-theme="dark"' in response.text
    for name in ("card_number", "card_expiry", "card_cvc", "card_name"):
        assert f'name="{name}"' in response.text
    assert "data-token" not in response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "frame-ancestors" not in response.headers["Content-Security-Policy"]
    assert not {"X-Frame-Options", "Set-Cookie"} & set(response.headers)
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", response.text)
    assert sandbox.raw("HEAD", "/elements/card").status_code == 200
    assert sandbox.raw("PUT", "/elements/card").status_code == 405


@pytest.mark.parametrize(("values", "message"), INVALID_CARDS)
def test_invalid_input_is_reported_without_values(
    sandbox: Client, values: dict[str, str], message: str
) -> None:
    text = assert_input_rejected(post(sandbox, **values), message)
    assert f'data-origin="{SHOP}"' in text
    assert "data-token" not in text


def test_a_card_is_exchanged_for_a_token_that_is_in_no_url(sandbox: Client) -> None:
    response = post(sandbox)
    token = token_of(response)
    assert 'data-last4="4242"' in response.text
    assert "Card ending in 4242 is ready" in response.text
    assert CARD not in response.text
    assert "Location" not in response.headers
    assert not re.findall(rf'(?:href|src|action)="[^"]*{token}', response.text)
    again = re.search(r'href="([^"]+)">Use another card', response.text)
    assert again
    assert "Use this card" in sandbox.raw("GET", html.unescape(again[1])).text
    assert token_of(post(sandbox)) != token


def test_a_purchase_can_be_paid_with_the_token(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    token = token_of(post(sandbox))
    card = sandbox.api("GET", f"/card/{token}").json()["data"]
    assert (card["last4"], card["nameOnCard"]) == ("4242", "Ada Lovelace")
    assert sandbox.purchase(cart_id, token).status_code == 200
    (order,) = sandbox.orders()
    assert (order["cartId"], order["cardLast4"]) == (cart_id, "4242")


def test_a_card_that_will_be_declined_gets_a_token(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    response = post(sandbox, card_number="4000 0000 0000 0002")
    assert "Card ending in 0002 is ready" in response.text
    job = sandbox.purchase(cart_id, token_of(response)).json()
    sandbox.advance(7)
    assert sandbox.status(job["refId"])["status"] == "failed"
    assert sandbox.orders() == []


@pytest.mark.parametrize(
    "origin", ["https://shop.example", "http://127.0.0.1:8000", "http://localhost", "https://[::1]:8443"]
)
def test_messages_are_posted_to_the_origin_of_the_query(sandbox: Client, origin: str) -> None:
    response = sandbox.raw("GET", "/elements/card", params={"origin": origin})
    assert response.status_code == 200
    assert f'data-origin="{origin}"' in response.text


@pytest.mark.parametrize(
    "origin", ["", "*", "null", "shop.example", "https://shop.example/", "https://shop.example/pay", "https://shop.example?a=b", "https://shop.example#a", "https://a@shop.example", "ftp://shop.example", "https://", "https://shop.example:70000", "https://shop.example:x", "https://[1", "https://sh%op.example", 'https://shop.example"><b>', "https://shop.example\n"]
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_invalid_origin_is_refused(sandbox: Client, origin: str, method: str) -> None:
    response = sandbox.raw(method, "/elements/card", params={"origin": origin}, data=VALID_CARD)
    assert response.status_code == 400
    assert "This origin is not valid" in response.text
    assert "data-token" not in response.text
    assert "data-element" not in response.text


def test_without_an_origin_the_option_is_used(sandbox: Client) -> None:
    assert 'data-origin="*"' in sandbox.raw("GET", "/elements/card").text
    running = SandboxProcess("--message-origin", SHOP)
    client = Client(running.url)
    assert f'data-origin="{SHOP}"' in client.raw("POST", "/elements/card", data=VALID_CARD).text
    client.session.close()
    running.stop()


def test_the_front_page_lists_the_element(sandbox: Client) -> None:
    assert f"{sandbox.url}/elements/card?origin=" in sandbox.raw("GET", "/").text
