"""Admin lists and pages: they open, search and filter in a fixed number of queries; actions run flows."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_henry_checkout.admin import base
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.models import (
    AccountRateLimit,
    Cart,
    Delivery,
    Event,
    Order,
    OrderBuyer,
    Purchase,
    WebhookMessage,
)
from django_henry_checkout.testing.builders import build_cart, build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.items import make_item
from tests.support.orders import doubtful_order, partial_order, stuck_order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]

MODELS = [Cart, Order, Purchase, Event, Delivery, WebhookMessage, AccountRateLimit]


def page(model: type[Any], name: str, *args: Any) -> str:
    return reverse(f"admin:henry_checkout_{model._meta.model_name}_{name}", args=args)


def make_orders(sandbox: Sandbox, number: int) -> None:
    for _order in range(number):
        WebhookMessage.objects.create(
            account="default", digest=uuid4().hex, ref_id="ckp-ref_x", body="{}", signed_at=timezone.now()
        )
        cart = carts.create_cart()
        carts.add_item(cart, make_item())
        sandbox.pay(begin_checkout(cart).order.henry_cart_id)
    sandbox.advance(60)
    for _round in range(4):
        run_once()


@pytest.mark.parametrize("model", MODELS)
def test_lists_pages_and_search_open_and_change_nothing(
    sandbox: Sandbox, staff: Client, model: type[Any]
) -> None:
    make_orders(sandbox, 1)
    row = model.objects.first()
    assert staff.get(page(model, "changelist")).status_code == 200
    assert staff.get(page(model, "changelist"), {"q": "ckp-ref"}).status_code == 200
    shown = staff.get(page(model, "change", row.pk))
    assert shown.status_code == 200
    assert b'name="_save"' not in shown.content
    assert staff.get(page(model, "add")).status_code == 403
    assert staff.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", MODELS)
def test_lists_use_the_same_queries_for_one_row_and_for_many(
    sandbox: Sandbox, staff: Client, model: type[Any], django_assert_num_queries: Any
) -> None:
    make_orders(sandbox, 1)
    staff.get(page(model, "changelist"))
    queries = {Order: 5}.get(model, 4)
    for _more in range(2):
        with django_assert_num_queries(queries):
            assert staff.get(page(model, "changelist")).status_code == 200
        make_orders(sandbox, 3)


def test_the_order_page_shows_its_whole_history(sandbox: Sandbox, staff: Client, cart: Cart) -> None:
    started = begin_checkout(cart)
    sandbox.pay(started.order.henry_cart_id)
    for _round in range(20):
        sandbox.advance(2)
        run_once()
    text = staff.get(page(Order, "change", started.order.pk)).content.decode()
    purchase = Purchase.objects.get()
    for shown in (started.order.number, "All items bought", purchase.ref_id, "boots", "mug"):
        assert shown in text
    for step in ("Paid", "Buying started", "Completed"):
        assert f"<strong>{step}</strong>" in text


def test_staff_can_resume_a_dead_receiver(sandbox: Sandbox, staff: Client, cart: Cart) -> None:
    begin_checkout(cart)
    Delivery.objects.update(status="dead", attempts=8)
    delivery = Delivery.objects.get()
    form = {"action": "resume", "_selected_action": [delivery.pk]}
    response = staff.post(page(Delivery, "changelist"), form, follow=True)
    assert b"1 delivery will run again" in response.content
    run_once()
    delivery.refresh_from_db()
    assert delivery.status == "done"


def test_the_order_page_uses_the_same_queries_for_any_length_of_history(
    sandbox: Sandbox, staff: Client, django_assert_num_queries: Any
) -> None:
    short, long = begin_checkout(build_cart()).order, build_paid_order(sandbox)
    for order, query in ((short, {}), (long, {}), (long, {"at": "1"})):
        with django_assert_num_queries(9):  # two of them read the session and the user
            assert staff.get(page(Order, "change", order.pk), query).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"needs": "in_doubt"}, {"doubtful"}),
        ({"needs": "stuck"}, {"stuck"}),
        ({"needs": "partial"}, {"partial"}),
        ({"needs": "review"}, {"stuck"}),
        ({"status__exact": "partially_completed"}, {"partial"}),
        ({"account": "default"}, {"doubtful", "stuck", "partial"}),
        ({"account": "elsewhere"}, set()),
    ],
)
def test_filters_use_a_fixed_number_of_queries(
    sandbox: Sandbox, staff: Client, query: dict[str, str], found: set[str], django_assert_num_queries: Any
) -> None:
    orders = {
        "partial": partial_order(sandbox),
        "stuck": stuck_order(sandbox),
        "doubtful": doubtful_order(sandbox),
    }
    with django_assert_num_queries(5 if found else 4):
        text = staff.get(page(Order, "changelist"), query).content.decode()
    assert {name for name, order in orders.items() if order.number in text} == found


def test_orders_are_found_by_every_id_that_staff_have(
    sandbox: Sandbox, staff: Client, django_assert_num_queries: Any
) -> None:
    order, other = build_paid_order(sandbox), build_paid_order(sandbox)
    OrderBuyer.objects.filter(order=other).delete()
    purchase = Purchase.objects.get(order=order)
    terms = {
        order.number: 9,
        order.number[:6].lower(): 9,
        order.ulid: 6,
        str(order.public_id): 6,
        purchase.ref_id: 9,
        f" {order.henry_cart_id} ": 9,
        order.buyer.email.upper(): 6,
    }
    for term, queries in terms.items():
        with django_assert_num_queries(queries):
            text = staff.get(page(Order, "changelist"), {"q": term}).content.decode()
        assert (order.number in text, other.number in text) == (True, False), term
    assert (
        order.number
        not in staff.get(page(Order, "changelist"), {"q": "unknown@shop.example"}).content.decode()
    )


def test_a_list_pages_through_the_newest_rows_and_never_counts_the_table(
    staff: Client, db: None, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(base, "MAX_COUNTED_ROWS", 100)
    orders = [Order.objects.create(account="default") for _order in range(120)]
    with CaptureQueriesContext(connection) as queries:
        first = staff.get(page(Order, "changelist")).content.decode()
    assert all(
        "LIMIT" in query["sql"]
        for query in queries
        if "henry_checkout_order" in query["sql"] and "COUNT" in query["sql"]
    )
    assert orders[-1].number in first
    assert "100 orders" in first
    last = staff.get(page(Order, "changelist"), {"p": "2"}).content.decode()
    assert orders[25].number in last
    assert staff.get(page(Order, "changelist"), {"p": "3"}).status_code == 302


def test_an_anonymous_visitor_sees_nothing(client: Client, db: None) -> None:
    assert client.get(page(Order, "changelist")).status_code == 302


def test_a_user_with_view_permission_only_gets_no_action(sandbox: Sandbox, cart: Cart) -> None:
    from django.contrib.auth.models import Permission

    begin_checkout(cart)
    Delivery.objects.update(status="dead")
    viewer = get_user_model().objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(viewer)
    form = {"action": "resume", "_selected_action": [Delivery.objects.get().pk]}
    client.post(page(Delivery, "changelist"), form)
    assert Delivery.objects.get().status == "dead"


def test_an_order_is_found_by_the_id_that_is_shown(sandbox: Sandbox, staff: Client, cart: Cart) -> None:
    order = begin_checkout(cart).order
    found = staff.get(page(Order, "changelist"), {"q": order.ulid})
    assert order.number in found.content.decode()


def test_a_failed_webhook_is_applied_again(sandbox: Sandbox, staff: Client) -> None:
    message = WebhookMessage.objects.create(
        account="default",
        digest="one",
        body='{"event": "x"}',
        status="dead",
        attempts=8,
        signed_at=timezone.now(),
    )
    done = WebhookMessage.objects.create(
        account="default", digest="two", status="done", signed_at=timezone.now()
    )
    form = {"action": "replay", "_selected_action": [message.pk, done.pk]}
    text = staff.post(page(WebhookMessage, "changelist"), form, follow=True).content.decode()
    assert "1 webhook will be applied again." in text
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("received", 0)
    shown = staff.get(page(WebhookMessage, "change", message.pk)).content.decode()
    assert "&quot;event&quot;" not in shown  # the body is not shown
