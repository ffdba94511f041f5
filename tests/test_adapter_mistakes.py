"""What a faulty adapter does: a message to the shop's developers, never a wrong order nor a lost shopper."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory

from django_henry_checkout import shop
from django_henry_checkout.adapter import DefaultAdapter
from django_henry_checkout.flows.buyer.details import get_buyer
from django_henry_checkout.models import Cart, Order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.adapter import answering
from tests.support.api import BOOTS, Api, assert_problem, guest
from tests.support.inline import BUYER
from tests.support.items import make_item

pytestmark = pytest.mark.django_db(transaction=True)

BROKEN = RuntimeError("The shop's database is down.")


class Unaware(DefaultAdapter):
    """Forgets that hooks are called without await."""

    async def before_checkout(self, cart: Cart, request: HttpRequest | None) -> None:  # type: ignore[override]  # the mistake
        raise shop.CheckoutRefused


class Broken(DefaultAdapter):
    """Cannot be created."""

    def __init__(self) -> None:
        raise RuntimeError("The catalogue is missing.")


@pytest.fixture
def filled(sandbox: Sandbox) -> Cart:
    return shop.create_cart([make_item()])


@pytest.mark.parametrize(
    ("hook", "answer"),
    [("order_metadata", None), ("order_metadata", ["a"]), ("order_number", None), ("order_number", 7)],
)
def test_an_answer_of_a_wrong_type_writes_and_sends_nothing(
    filled: Cart, settings: Any, sandbox: Sandbox, hook: str, answer: Any
) -> None:
    with answering(settings, **{hook: answer}), pytest.raises(shop.ConfigurationError, match=hook):
        shop.begin_checkout(filled)
    assert (Order.objects.count(), sandbox.requests()) == (0, [])


def test_a_number_that_another_order_has_writes_and_sends_nothing(
    filled: Cart, settings: Any, sandbox: Sandbox
) -> None:
    with answering(settings, order_number="S-1"):
        first = shop.begin_checkout(filled).order
        asked = len(sandbox.requests())
        with pytest.raises(shop.ConfigurationError, match="'S-1', which another order has"):
            shop.begin_checkout(shop.create_cart([make_item()]))
    assert (Order.objects.get(), len(sandbox.requests())) == (first, asked)


def test_an_unknown_account_creates_no_cart(sandbox: Sandbox, settings: Any) -> None:
    with (
        answering(settings, account_for="us"),
        pytest.raises(shop.ConfigurationError, match="'us', which is not in ACCOUNTS"),
    ):
        shop.get_or_create_cart(RequestFactory().get("/"))
    assert not Cart.objects.exists()


@pytest.mark.parametrize("answer", [[], None, [1]])
def test_items_that_were_lost_by_the_check_create_no_cart(
    sandbox: Sandbox, settings: Any, answer: Any
) -> None:
    with answering(settings, check_items=answer):
        assert_problem(Api()("POST", "cart", {"items": [BOOTS]}), 503, "not_configured")
    assert not Cart.objects.exists()


def test_a_change_of_the_quantity_is_checked_too(sandbox: Sandbox, settings: Any) -> None:
    holder, cart = guest(BOOTS)
    refusal = shop.InvalidItem("At most two of these.", field="quantity")
    with answering(settings, check_items=refusal):
        answer = holder(
            "PUT", f"cart/{cart['cartId']}/item", {"item": {"link": BOOTS["link"], "quantity": 3}}
        )
    assert_problem(answer, 422, "invalid_item")
    assert Cart.objects.get().lines.get().quantity == BOOTS["quantity"]


@pytest.mark.parametrize("answer", [BROKEN, "javascript:alert(1)", "thanks/"])
def test_a_shopper_who_paid_sees_the_apps_page_if_return_url_fails(
    filled: Cart, settings: Any, sandbox: Sandbox, client: Client, answer: Any
) -> None:
    checkout = shop.begin_checkout(filled)
    sandbox.pay(checkout.order.henry_cart_id)
    with answering(settings, return_url=answer):
        response = client.get(f"{checkout.url}/completed")
    assert response.status_code == 302
    assert response["Location"].startswith(("/", "http"))


def test_the_status_page_is_shown_even_if_support_contact_fails(
    filled: Cart, settings: Any, client: Client
) -> None:
    order = shop.begin_checkout(filled).order
    Order.objects.filter(pk=order.pk).update(status="failed")
    with answering(settings, support_contact=BROKEN) as calls:
        assert client.get(shop.status_url(order)).status_code == 200
    assert "support_contact" in [name for name, *_arguments in calls]


def test_a_buyer_that_cannot_be_used_leaves_the_form_empty(filled: Cart, settings: Any) -> None:
    with answering(settings, buyer_for=shop.Buyer(email="no address")):
        order = shop.begin_inline(filled).order
    assert get_buyer(order) == shop.Buyer()


def test_a_buyer_that_the_shop_gives_replaces_an_earlier_one(filled: Cart) -> None:
    shop.begin_inline(filled, buyer=shop.Buyer(email="old@shop.example"))
    order = shop.begin_inline(filled, buyer=BUYER).order
    assert get_buyer(order).email == BUYER.email


def test_a_refusal_without_a_message_shows_a_neutral_one(filled: Cart, settings: Any) -> None:
    client = Client()
    session = client.session
    session["henry_checkout"] = {"carts": [filled.ulid]}
    session.save()
    with answering(settings, before_checkout=shop.CheckoutRefused()):
        page = client.post("/henry/buy", {"cart": filled.ulid}).content.decode()
    assert "Nothing was charged." in page


def test_lines_that_were_prefetched_before_a_change_are_not_bought(filled: Cart, sandbox: Sandbox) -> None:
    outdated = Cart.objects.prefetch_related("lines").get()
    shop.set_items(filled, [make_item("https://clay.example/products/mug")])
    order = shop.begin_checkout(outdated).order
    assert order.lines.get().link == "https://clay.example/products/mug"


def test_an_unknown_mode_is_refused(filled: Cart) -> None:
    with pytest.raises(ValueError, match="no mode 'modal'"):
        shop.begin_checkout(filled, mode="modal")  # type: ignore[arg-type]  # the mistake
