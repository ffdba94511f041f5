"""The part `messages` of the scenario reaches each page that speaks; tests/browser listens to what it says."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import MUG, Client
from tests.sandbox.pages.forms import GOOD, Page, modal, receipt


def pages(sandbox: Client) -> list[str]:
    cart_id = sandbox.cart(MUG)
    form = Page(sandbox, cart_id)
    card_link = modal(sandbox).removeprefix(sandbox.url)
    sandbox.raw("POST", card_link, data=GOOD)
    return [
        form.text,
        receipt(sandbox, form.post()),
        sandbox.raw("GET", f"/cart/{cart_id}/closed").text,
        sandbox.raw("GET", card_link).text,
        sandbox.raw("GET", f"{card_link}&saved=1").text,
        sandbox.raw("GET", "/elements/card").text,
        sandbox.raw("POST", "/elements/card", data=GOOD).text,
    ]


@pytest.mark.parametrize("manner", ["usual", "none", "twice", "late", "json"])
def test_each_page_knows_the_manner(sandbox: Client, manner: str) -> None:
    sandbox.scenario(messages=manner)
    assert sandbox.control("scenario")["scenario"] == {"messages": manner}
    for text in pages(sandbox):
        assert f'data-messages="{manner}"' in text


def test_without_it_they_speak_as_usual(sandbox: Client) -> None:
    sandbox.scenario(messages="none")
    sandbox.scenario(outcome="failed")
    assert all('data-messages="usual"' in text for text in pages(sandbox))


@pytest.mark.parametrize("wrong", ["", "loud", "None", None, 1, True, ["late"], {}])
def test_another_manner_is_refused(sandbox: Client, wrong: object) -> None:
    sandbox.scenario(messages="late")
    answer = sandbox.raw("POST", "/__sandbox__/scenario", json={"messages": wrong})
    assert answer.status_code == 400
    assert answer.json()["message"] == "messages must be one of usual, none, twice, late, json."
    assert sandbox.control("scenario")["scenario"] == {"messages": "late"}
