"""A card number that is posted wherever something can be posted: refused, and neither logged nor kept."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.models import Cart, Purchase
from django_henry_checkout.testing.sandbox import API_KEY, Sandbox
from tests.api.journey import MADE_UP, begin, everything
from tests.faults.wire import Options, options
from tests.support.api import Api
from tests.support.canaries import Watch, all_logs, rows
from tests.support.inline import world
from tests.views.test_inline import TYPED, Shopper, step_of

__all__ = ["options"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("options")]

#: Passes the check digit, as every number of a card does; nothing else in these tests looks like it.
NUMBER, SPACED = "5555555555554444", "5555 5555 5555 4444"
#: What may well be a long number of another kind is taken, and so kept: see the docs of the fault table.
LONG_NUMBERS = {"link", "phone", "phoneNumber", "transactionId", "imageUrl", "shippingMethodId"}


def leaves(value: Any, *way: Any) -> Iterator[tuple[Any, ...]]:
    """The way to each text and number within a body."""
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in inside:
            yield from leaves(inner, *way, key)
    elif way:
        yield way


def with_card(body: Any, way: tuple[Any, ...], number: str) -> Any:
    changed = copy.deepcopy(body)
    holder = changed
    for key in way[:-1]:
        holder = holder[key]
    holder[way[-1]] = number
    return changed


class Fuzz(Watch):
    """Sends each call of the journey with a card number in each place of its body first."""

    keys = itertools.count(1)

    def call(
        self, api: Api, method: str, path: str, body: Any = None, *, shows: str = "", **headers: str
    ) -> Any:
        for spoilt in self._spoilt(body):
            key = {"Idempotency-Key": f"card-{next(self.keys)}"} if "Idempotency-Key" in headers else {}
            answer = super().call(api, method, path, spoilt, **{**headers, **key})
            # Whoever begins with a link sends nothing that is read.
            assert 400 <= answer.status_code < 500 or path.startswith("checkout/begin/"), (path, spoilt)
        return super().call(api, method, path, body, shows=shows, **headers)

    def _spoilt(self, body: Any) -> Iterator[Any]:
        if not isinstance(body, dict):
            return
        for number, way in enumerate(leaves(body)):
            if not LONG_NUMBERS & set(way):
                yield with_card(body, way, SPACED if number % 2 else NUMBER)
        yield {**body, "note": f"my card is {NUMBER}"}
        yield {**body, "card": {"number": int(NUMBER)}}
        yield {**body, "cvv": "123"}


@pytest.fixture
def watched(sandbox: Sandbox, options: Options) -> Iterator[Fuzz]:
    world(sandbox)
    rates = dict.fromkeys(("checkout", "refused", "write", "read"), "100000/min")
    options(API_THROTTLES=rates, READ_RETRIES=0)
    with all_logs() as logs:
        found = Fuzz(sandbox, logs)
        found.add("card number", NUMBER)
        yield found


def test_fault_53_in_each_place_of_each_call(watched: Fuzz) -> None:
    everything(begin(watched, "v1"))
    assert watched.statuses.count(422) > 150
    assert watched.leaks() == {}
    # The journey itself has bought as far as it can without a card number of its own.
    assert Purchase.objects.exclude(ref_id="").count() == len(watched.sandbox.orders()) > 0


def addresses() -> Iterator[str]:
    """The address of each page and call, with something made up for each of its parts."""

    def walk(patterns: list[Any]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            elif isinstance(pattern, URLPattern):
                named = set(pattern.pattern.regex.groupindex) - set(pattern.default_args)
                yield reverse(f"henry_checkout:{pattern.name}", args=[MADE_UP] * len(named))

    yield from walk([each for each in get_resolver().url_patterns if "henry" in str(each.pattern)])


def test_fault_53_in_the_form_of_each_page(watched: Fuzz, cart: Cart) -> None:
    form = {"cart": NUMBER, "mode": NUMBER, "cardNumber": NUMBER, "cvv": "123", "step": SPACED, "x": NUMBER}
    paths = set(addresses())
    for path in paths:
        for kind in ("multipart/form-data; boundary=BoUnDaRyStRiNg", "application/x-www-form-urlencoded"):
            content = form if "multipart" in kind else urlencode(form)
            client = Client(raise_request_exception=False)
            watched.keep(f"POST {path}", client.post(path, content, content_type=kind))
    assert len(paths) > 30
    assert max(watched.statuses) < 500
    assert watched.leaks() == {}


def test_fault_53_in_the_fields_of_the_shops_own_form(watched: Fuzz, cart: Cart) -> None:
    shopper = Shopper(begin_inline(cart).order)
    shopper.to_card()
    names = ["email", "phone", "country_code", "province", "postal_code"]
    names += ["card_token", "card_last4", "amount", "currency", "rate-1", "step", "x"]
    for action in ("address", "card", "confirm"):
        for name in names:
            shopper.post(action, **{**TYPED, name: SPACED if action == "card" else NUMBER})
            assert [place for place, text in rows() if watched.found_in(text)] == []
    # What was typed may come back to who typed it, in his own page: nothing of it is kept by any other part.
    assert watched.leaks() == {}


@pytest.mark.parametrize("name", ["first_name", "last_name", "line1", "line2", "city"])
def test_fault_53_a_card_number_in_a_free_field_of_the_form(
    sandbox: Sandbox, options: Options, cart: Cart, name: str
) -> None:
    world(sandbox)
    shopper = Shopper(begin_inline(cart).order)
    answer = shopper.post("address", **{**TYPED, name: "5555 5555 5555 4444"})
    assert [place for place, text in rows() if "5555 5555 5555 4444" in text] == []
    assert step_of(answer) == "address"


def test_fault_61_the_sandboxs_key_in_production_is_found_at_the_start(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {"API_KEY": API_KEY, "BASE_URL": "https://api.henrylabs.ai"}
    found = [each for each in run_checks() if each.id and each.id.startswith("henry_checkout.E")]
    assert found
    assert all(each.hint for each in found)
