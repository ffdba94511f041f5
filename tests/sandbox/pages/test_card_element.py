"""The card element: a form in a frame of the shop, and a token that only a message carries."""

from __future__ import annotations

import html
import re

import pytest
import requests

from tests.sandbox.conftest import CARD, MUG, Client, Process
from tests.sandbox.pages.forms import GOOD, MISTAKES, said_of_a_mistake

SHOP = "https://shop.example"


def post(sandbox: Client, **values: str) -> requests.Response:
    return sandbox.raw("POST", "/elements/card", params={"origin": SHOP}, data={**GOOD, **values})


def token_of(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    found = re.search(r' data-token="(card_test_\w{35})"', answer.text)
    assert found, answer.text
    return found[1]


def test_the_form_may_be_framed_and_keeps_no_cookie(sandbox: Client) -> None:
    answer = sandbox.raw("GET", "/elements/card", params={"origin": SHOP, "theme": "dark"})
    assert answer.status_code == 200
    assert f'data-origin="{SHOP}" data-element>' in answer.text
    assert 'data-theme="dark"' in answer.text
    for name in ("card_number", "card_expiry", "card_cvc", "card_name"):
        assert f'name="{name}"' in answer.text
    assert "data-token" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors" not in answer.headers["Content-Security-Policy"]
    assert not {"X-Frame-Options", "Set-Cookie"} & set(answer.headers)
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", answer.text)
    assert sandbox.raw("HEAD", "/elements/card").status_code == 200
    assert sandbox.raw("PUT", "/elements/card").status_code == 405


@pytest.mark.parametrize(("values", "message"), MISTAKES)
def test_a_mistake_is_shown_and_no_value_comes_back(
    sandbox: Client, values: dict[str, str], message: str
) -> None:
    text = said_of_a_mistake(post(sandbox, **values), message)
    assert f'data-origin="{SHOP}"' in text
    assert "data-token" not in text


def test_a_card_becomes_a_token_that_stands_in_no_address(sandbox: Client) -> None:
    answer = post(sandbox)
    token = token_of(answer)
    assert 'data-last4="4242"' in answer.text
    assert "Card ending in 4242 is ready" in answer.text
    assert CARD not in answer.text
    assert "Location" not in answer.headers
    assert not re.findall(rf'(?:href|src|action)="[^"]*{token}', answer.text)
    again = re.search(r'href="([^"]+)">Use another card', answer.text)
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


def test_only_the_payment_finds_out_that_a_card_is_declined(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    answer = post(sandbox, card_number="4000 0000 0000 0002")
    assert "Card ending in 0002 is ready" in answer.text
    job = sandbox.purchase(cart_id, token_of(answer)).json()
    sandbox.advance(7)
    assert sandbox.status(job["refId"])["status"] == "failed"
    assert sandbox.orders() == []


@pytest.mark.parametrize(
    "origin", ["https://shop.example", "http://127.0.0.1:8000", "http://localhost", "https://[::1]:8443"]
)
def test_the_page_speaks_to_the_origin_that_the_address_names(sandbox: Client, origin: str) -> None:
    answer = sandbox.raw("GET", "/elements/card", params={"origin": origin})
    assert answer.status_code == 200
    assert f'data-origin="{origin}"' in answer.text


@pytest.mark.parametrize(
    "origin", ["", "*", "null", "shop.example", "https://shop.example/", "https://shop.example/pay", "https://shop.example?a=b", "https://shop.example#a", "https://a@shop.example", "ftp://shop.example", "https://", "https://shop.example:70000", "https://shop.example:x", "https://[1", "https://sh%op.example", 'https://shop.example"><b>', "https://shop.example\n"]
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_origin_is_refused_and_never_widened(sandbox: Client, origin: str, method: str) -> None:
    answer = sandbox.raw(method, "/elements/card", params={"origin": origin}, data=GOOD)
    assert answer.status_code == 400
    assert "This origin is not valid" in answer.text
    assert "data-token" not in answer.text
    assert "data-element" not in answer.text


def test_without_an_origin_the_option_counts(sandbox: Client) -> None:
    assert 'data-origin="*"' in sandbox.raw("GET", "/elements/card").text
    running = Process("--message-origin", SHOP)
    client = Client(running.url)
    assert f'data-origin="{SHOP}"' in client.raw("POST", "/elements/card", data=GOOD).text
    client.session.close()
    running.stop()


def test_the_front_page_names_it(sandbox: Client) -> None:
    assert f"{sandbox.url}/elements/card?origin=" in sandbox.raw("GET", "/").text
