from __future__ import annotations

import html
import re
from typing import Any

import pytest

from tests.sandbox.client import CARD, Client, product
from tests.sandbox.pages.forms import INVALID_CARDS, VALID_CARD, assert_input_rejected, create_card_link
from tests.sandbox.v0.calls import add, link_of


def page(sandbox: Client, url: str, **query: str) -> Any:
    return sandbox.session.get(url, params=query, timeout=5)


def test_a_card_is_stored_and_reported_to_the_shop(sandbox: Client) -> None:
    url = create_card_link(sandbox)
    form = page(sandbox, url, theme="dark", embed="true", returnUrl="https://shop.example/x")
    assert form.status_code == 200
    assert 'data-theme="dark"' in form.text
    assert "embedded" in form.text
    assert "X-Frame-Options" not in form.headers
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", form.text)
    saved = sandbox.session.post(form.url, data=VALID_CARD, timeout=5)
    assert saved.status_code == 200
    assert "Your card is saved" in saved.text
    assert "Ending in 4242" in saved.text
    assert " data-complete" in saved.text
    assert "data-announce" not in saved.text
    assert 'data-origin="https://shop.example"' in saved.text
    assert "data-complete" not in form.text
    assert CARD not in saved.text
    again = page(sandbox, url)
    assert "replaces your card ending in 4242" in again.text


@pytest.mark.parametrize(("values", "message"), INVALID_CARDS)
def test_invalid_input_is_reported_and_nothing_is_stored(
    sandbox: Client, values: dict[str, str], message: str
) -> None:
    url = create_card_link(sandbox)
    response = sandbox.session.post(url, data={**VALID_CARD, **values}, timeout=5)
    assert "Nothing was saved" in assert_input_rejected(response, message)
    assert "replaces your card" not in page(sandbox, url).text


def test_a_link_to_the_card_page_expires_and_opens_no_checkout(sandbox: Client) -> None:
    url = create_card_link(sandbox)
    token = url.partition("session=")[2]
    assert sandbox.raw("GET", "/", params={"session": token}).status_code == 404
    add(sandbox, product())
    other = link_of(sandbox).partition("session=")[2]
    assert sandbox.raw("GET", "/wallet/card", params={"session": other}).status_code == 404
    assert sandbox.raw("GET", "/wallet/card").status_code == 404
    assert sandbox.raw("DELETE", "/wallet/card", params={"session": token}).status_code == 405
    assert page(sandbox, url, saved="1").status_code == 404
    sandbox.advance(31 * 60)
    assert page(sandbox, url).status_code == 410
    assert sandbox.session.post(url, data=VALID_CARD, timeout=5).status_code == 410


def test_cancel_stores_nothing(sandbox: Client) -> None:
    url = create_card_link(sandbox)
    assert (
        'href="https://shop.example/?status=cancelled"'
        in page(sandbox, url, returnUrl="https://shop.example/").text
    )
    leave = re.search(r'class="quiet" href="([^"]+)"', page(sandbox, url).text)
    assert leave
    text = sandbox.raw("GET", html.unescape(leave[1])).text
    assert "Nothing was saved" in text
    assert "data-complete" not in text
    assert "data-announce" not in text


def test_an_invalid_query_is_refused(sandbox: Client) -> None:
    assert sandbox.v0("POST", "/wallet/card-collect?auth=1").status_code == 400
