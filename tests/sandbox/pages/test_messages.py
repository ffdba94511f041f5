"""The message mode of the scenario reaches each page; tests/browser checks the messages themselves."""

from __future__ import annotations

import pytest

from tests.sandbox.client import MUG, Client
from tests.sandbox.pages.forms import VALID_CARD, CheckoutPage, create_card_link, open_receipt


def open_pages(sandbox: Client) -> list[str]:
    cart_id = sandbox.cart(MUG)
    form = CheckoutPage(sandbox, cart_id)
    card_link = create_card_link(sandbox).removeprefix(sandbox.url)
    sandbox.raw("POST", card_link, data=VALID_CARD)
    return [
        form.text,
        open_receipt(sandbox, form.post()),
        sandbox.raw("GET", f"/cart/{cart_id}/closed").text,
        sandbox.raw("GET", card_link).text,
        sandbox.raw("GET", f"{card_link}&saved=1").text,
        sandbox.raw("GET", "/elements/card").text,
        sandbox.raw("POST", "/elements/card", data=VALID_CARD).text,
    ]


@pytest.mark.parametrize("mode", ["usual", "none", "twice", "late", "json"])
def test_each_page_has_the_message_mode(sandbox: Client, mode: str) -> None:
    sandbox.scenario(messages=mode)
    assert sandbox.control("scenario")["scenario"] == {"messages": mode}
    for text in open_pages(sandbox):
        assert f'data-messages="{mode}"' in text


def test_the_default_mode_is_usual(sandbox: Client) -> None:
    sandbox.scenario(messages="none")
    sandbox.scenario(outcome="failed")
    assert all('data-messages="usual"' in text for text in open_pages(sandbox))


@pytest.mark.parametrize("invalid", ["", "loud", "None", None, 1, True, ["late"], {}])
def test_an_invalid_mode_is_refused(sandbox: Client, invalid: object) -> None:
    sandbox.scenario(messages="late")
    response = sandbox.raw("POST", "/__sandbox__/scenario", json={"messages": invalid})
    assert response.status_code == 400
    assert response.json()["message"] == "messages must be one of usual, none, twice, late, json."
    assert sandbox.control("scenario")["scenario"] == {"messages": "late"}
