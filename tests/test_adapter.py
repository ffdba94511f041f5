"""Each hook of the adapter is asked on every surface, and what the shop's own class answers counts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.test import Client

from django_henry_checkout import shop
from django_henry_checkout.adapter import DefaultAdapter
from django_henry_checkout.flows.access.adapter import HOOKS
from django_henry_checkout.models import Cart, CartLine, Order, OrderBuyer
from django_henry_checkout.testing.drain import drain
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.adapter import answering, refused
from tests.support.api import BOOTS, DETAILS, PERSON, Api, assert_problem, guest, make, ok
from tests.support.inline import BUYER, confirm, quoted, world
from tests.support.items import make_item
from tests.support.shop import shop_settings

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGE = "Boots are out of stock."
KEY = {"Idempotency-Key": "a-key"}


def names(calls: list[tuple[Any, ...]]) -> list[str]:
    return [name for name, *_arguments in calls]


def shop_client(cart: Cart) -> Client:
    """The browser of a guest who owns a cart."""
    client = Client()
    session = client.session
    session["henry_checkout"] = {"carts": [cart.ulid]}
    session.save()
    return client


@pytest.fixture
def filled(sandbox: Sandbox) -> Cart:
    return shop.create_cart([make_item()])


def test_the_default_has_ten_hooks_and_changes_nothing(filled: Cart, settings: Any) -> None:
    assert len(HOOKS) == 10
    assert {name for name in vars(DefaultAdapter) if not name.startswith("_")} == set(HOOKS)
    order = shop.begin_checkout(filled).order
    assert (order.metadata, order.account, len(order.number)) == ({}, "default", 11)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("tests.support.adapter.RecordingAdapter", None),
        ("tests.support.adapter.NoSuchClass", "E019"),
        ("no_such_module.Adapter", "E019"),
        ("django_henry_checkout.models.Order", "E020"),
        ("collections.OrderedDict", "E020"),
        ("tests.test_adapter_mistakes.Unaware", "E020"),
        ("tests.test_adapter_mistakes.Broken", "E019"),
    ],
)
def test_a_system_check_names_an_adapter_that_cannot_be_used(
    sandbox: Sandbox, settings: Any, path: str, found: str | None
) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "ADAPTER": path}
    ids = [
        message.id for message in run_checks() if message.id in {"henry_checkout.E019", "henry_checkout.E020"}
    ]
    assert ids == ([] if found is None else [f"henry_checkout.{found}"])


class TestAccountFor:
    def test_it_chooses_the_account_of_a_guests_cart(self, sandbox: Sandbox, settings: Any) -> None:
        uk = {"ACCOUNTS": {"default": {}, "uk": {"API_KEY": sandbox.api_key}}}
        settings.HENRY_CHECKOUT = shop_settings(sandbox, **uk)
        with answering(settings, account_for="uk") as calls:
            client = Client()
            made = client.post("/henry/api/v1/cart", "{}", content_type="application/json")
            assert Cart.objects.get(public_id__isnull=False).account == "uk", made.content
        assert "account_for" in names(calls)


class TestCheckItems:
    def test_what_an_untrusted_caller_adds_is_checked(self, sandbox: Sandbox, settings: Any) -> None:
        with answering(settings, check_items="From the catalogue") as calls:
            holder, cart = guest(BOOTS)
            ok(holder("POST", f"cart/{cart['cartId']}/item", {"item": {"link": "https://clay.example/mug"}}))
        assert names(calls).count("check_items") == 2
        assert set(CartLine.objects.values_list("title", flat=True)) == {"From the catalogue"}

    def test_a_refused_item_changes_nothing(self, sandbox: Sandbox, settings: Any) -> None:
        with answering(settings, check_items=shop.InvalidItem("We do not sell this.", field="link")):
            assert_problem(Api()("POST", "cart", {"items": [BOOTS]}), 422, "invalid_item")
        assert not Cart.objects.exists()

    def test_a_trusted_server_is_not_checked(self, sandbox: Sandbox, settings: Any) -> None:
        server = Api(**{"Api-Key": shop.create_api_key("till")})
        with answering(settings, check_items="From the catalogue") as calls:
            make(server, BOOTS)
        assert "check_items" not in names(calls)


class TestBeforeCheckout:
    def test_the_button_shows_the_shops_message(self, filled: Cart, settings: Any, sandbox: Sandbox) -> None:
        with answering(settings, before_checkout=refused(MESSAGE)) as calls:
            response = shop_client(filled).post("/henry/buy", {"cart": filled.ulid})
        assert (response.status_code, MESSAGE in response.content.decode()) == (409, True)
        (called,) = [call for call in calls if call[0] == "before_checkout"]
        assert (called[1], called[2].path) == (filled, "/henry/buy")
        assert (Order.objects.count(), sandbox.requests()) == (0, [])

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("cart/checkout", {}),
            ("checkout/session/quote", {"shippingDetails": DETAILS}),
            ("cart/purchase", {"buyer": {**PERSON, "card": {"details": {"cardToken": "card_test_pays"}}}}),
        ],
    )
    def test_each_call_of_the_api_answers_with_it(
        self, sandbox: Sandbox, settings: Any, path: str, body: dict[str, Any]
    ) -> None:
        holder, cart = guest(BOOTS)
        with answering(settings, before_checkout=refused(MESSAGE)) as calls:
            answer = holder("POST", path, {"cartId": cart["cartId"], **body}, **KEY)
        assert assert_problem(answer, 409, "checkout_refused")["detail"] == MESSAGE
        assert next(call for call in calls if call[0] == "before_checkout")[2] is not None
        assert not Order.objects.exists()

    def test_a_link_shows_it(self, filled: Cart, settings: Any, client: Client) -> None:
        link = shop.create_link(filled)
        with answering(settings, before_checkout=refused(MESSAGE)):
            response = client.post(link.url)
        assert (response.status_code, MESSAGE in response.content.decode()) == (409, True)

    def test_the_door_raises_it(self, filled: Cart, settings: Any) -> None:
        with answering(settings, before_checkout=refused(MESSAGE)):
            for begin in (shop.begin_checkout, shop.begin_inline):
                with pytest.raises(shop.CheckoutRefused, match=MESSAGE):
                    begin(filled)


class TestBeforePurchase:
    def test_a_confirm_is_refused_before_anything_is_sent(
        self, sandbox: Sandbox, cart: Cart, settings: Any
    ) -> None:
        world(sandbox)
        started = quoted(sandbox, cart, "v1")
        with (
            answering(settings, before_purchase=refused("The captcha is wrong.")) as calls,
            pytest.raises(shop.CheckoutRefused, match="captcha"),
        ):
            confirm(started, "v1")
        assert (calls[-1][0], calls[-1][1]) == ("before_purchase", started.order)
        assert sandbox.orders() == []
        assert confirm(started, "v1").status == "placed"

    def test_a_one_call_purchase_is_refused(self, sandbox: Sandbox, settings: Any) -> None:
        holder, cart = guest(BOOTS)
        card = {"details": {"cardToken": "card_test_pays"}}
        body = {"cartId": cart["cartId"], "buyer": {**PERSON, "card": card}}
        with answering(settings, before_purchase=refused("The captcha is wrong.")) as calls:
            assert_problem(holder("POST", "cart/purchase", body, **KEY), 409, "checkout_refused")
        assert next(call for call in calls if call[0] == "before_purchase")[2] is not None
        assert sandbox.orders() == []
        ok(holder("POST", "cart/purchase", body, **KEY))
        assert len(sandbox.orders()) == 1


class TestBuyerFor:
    def test_it_prefills_the_shops_own_form(self, filled: Cart, settings: Any) -> None:
        with answering(settings, buyer_for=BUYER):
            order = shop.begin_inline(filled).order
        assert OrderBuyer.objects.get(order=order).email == BUYER.email

    def test_what_the_caller_gives_takes_precedence(self, filled: Cart, settings: Any) -> None:
        with answering(settings, buyer_for=BUYER):
            order = shop.begin_inline(filled, buyer=shop.Buyer(email="eve@shop.example")).order
        assert OrderBuyer.objects.get(order=order).email == "eve@shop.example"


class TestOrders:
    def test_metadata_is_stored_with_a_new_order(self, filled: Cart, settings: Any) -> None:
        with answering(settings, order_metadata={"shop_order": 7, "channel": "web"}):
            order = shop.begin_checkout(filled, metadata={"channel": "app"}).order
        assert order.metadata == {"shop_order": 7, "channel": "app"}

    def test_the_shop_numbers_its_orders(self, filled: Cart, settings: Any) -> None:
        with answering(settings, order_number="S-2026-17"):
            order = shop.begin_checkout(filled).order
        assert Order.objects.get(pk=order.pk).number == "S-2026-17"

    @pytest.mark.parametrize("number", ["", "x" * 33, "a\nb"])
    def test_an_impossible_number_writes_nothing(self, filled: Cart, settings: Any, number: str) -> None:
        with (
            answering(settings, order_number=number),
            pytest.raises(shop.ConfigurationError, match="order_number"),
        ):
            shop.begin_checkout(filled)
        assert not Order.objects.exists()


class TestReturnUrl:
    @pytest.mark.parametrize(("path", "outcome"), [("completed", "completed"), ("canceled", "canceled")])
    def test_it_says_where_a_shopper_goes(
        self, sandbox: Sandbox, settings: Any, filled: Cart, client: Client, path: str, outcome: str
    ) -> None:
        checkout = shop.begin_checkout(filled)
        if outcome == "completed":
            sandbox.pay(checkout.order.henry_cart_id)
        with answering(settings, return_url="https://shop.example/thanks") as calls:
            response = client.get(f"{checkout.url}/{path}")
        assert (response.status_code, response["Location"]) == (302, "https://shop.example/thanks")
        assert ("return_url", checkout.order, outcome) in calls


class TestSupportContact:
    def test_the_status_page_shows_it_once_an_order_has_problems(
        self, sandbox: Sandbox, settings: Any, filled: Cart, client: Client
    ) -> None:
        order = shop.begin_checkout(filled).order
        sandbox.pay(order.henry_cart_id, outcome="failed")
        settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "POLL_SCHEDULE": ((0, 0),), "POLL_JITTER": 0}
        drain(sandbox)
        order.refresh_from_db()
        with answering(settings, support_contact="help@shop.example") as calls:
            page = client.get(shop.status_url(order)).content.decode()
        assert "help@shop.example" in page
        assert ("support_contact", order) in calls


class TestMayCreateLinks:
    def test_a_user_may_not_turn_a_cart_into_a_link(self, sandbox: Sandbox, settings: Any) -> None:
        ada = get_user_model().objects.create_user("ada")
        client = Client()
        client.force_login(ada)
        cart = shop.create_cart([make_item()], user=ada)
        with answering(settings, may_create_links=False) as calls:
            refusal = client.put(
                f"/henry/api/v1/cart/{cart.ulid}/link", "{}", content_type="application/json"
            )
            assert_problem(refusal, 404, "cart_not_found")
        assert ("may_create_links", ada) in calls
        allowed = client.put(f"/henry/api/v1/cart/{cart.ulid}/link", "{}", content_type="application/json")
        assert allowed.status_code == 200
