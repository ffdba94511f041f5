"""Permissions: each page and each action, with and without each permission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.http import Http404
from django.test import Client, RequestFactory
from django.urls import reverse

from django_henry_checkout.admin.order_actions import ORDER_ACTIONS
from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.flows.cart.templates import make_template
from django_henry_checkout.models import (
    AccountRateLimit,
    ApiKey,
    Cart,
    Delivery,
    Event,
    Order,
    Purchase,
    TemplateLink,
    WebhookMessage,
)
from django_henry_checkout.testing.builders import build_cart, build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.orders import OURS, dead_delivery, doubtful_order, partial_order, stuck_order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

Person = Callable[..., Client]
MODELS = [AccountRateLimit, ApiKey, Cart, Delivery, Event, Order, Purchase, TemplateLink, WebhookMessage]


def page(model: type[Any], name: str, *args: Any) -> str:
    return reverse(f"admin:henry_checkout_{model._meta.model_name}_{name}", args=args)


def action_url(order: Order, name: str, target: Any) -> str:
    return reverse("admin:henry_checkout_order_action", args=[order.pk, name, target.pk])


def order_with_action(sandbox: Sandbox, action: str) -> tuple[Order, Any]:
    """Return an order that offers an action, and the action's target."""
    if action in {"poll", "found", "not-bought", "try-again"}:
        order = doubtful_order(sandbox)
        return order, Purchase.objects.get(order=order)
    if action == "review":
        order = partial_order(sandbox)
        return order, order
    if action == "cancel":
        order = stuck_order(sandbox)
        return order, order
    delivery = dead_delivery(sandbox)
    return delivery.order, delivery if action == "resume" else delivery.event


def form_data(action: str, target: Any) -> dict[str, Any]:
    if action == "found":
        return {"ref_id": "ckp-ref_unknown", "previewed": "ckp-ref_unknown", "note": ""}
    if action == "replay":
        return {"receivers": [target.deliveries.filter(status="dead")[0].receiver]}
    return {"note": "looked"}


@pytest.mark.parametrize("action", ORDER_ACTIONS)
def test_an_action_needs_its_own_permission(sandbox: Sandbox, person: Person, action: str) -> None:
    order, target = order_with_action(sandbox, action)
    url, data = action_url(order, action, target), form_data(action, target)
    events = Event.objects.filter(order=order).count()
    others = person(*(name for name in OURS if name != ORDER_ACTIONS[action].permission))
    assert others.get(url).status_code == 403
    assert others.post(url, data).status_code == 403
    assert Event.objects.filter(order=order).count() == events
    text = others.get(page(Order, "change", order.pk)).content.decode()
    assert url not in text
    allowed = person(ORDER_ACTIONS[action].permission)
    assert url in allowed.get(page(Order, "change", order.pk)).content.decode()
    assert allowed.get(url).status_code == 200
    assert Event.objects.filter(order=order).count() == events
    response = allowed.post(url, data)
    assert response.status_code == (200 if action == "found" else 302)
    if action != "found":  # Henry does not know that refId
        assert Event.objects.filter(order=order, source__startswith="staff:with 1").exists()


@pytest.mark.parametrize("action", ORDER_ACTIONS)
def test_an_action_on_a_record_of_another_order_is_not_found(
    sandbox: Sandbox, rf: RequestFactory, action: str
) -> None:
    other = build_paid_order(sandbox)
    order, target = order_with_action(sandbox, action)
    if target == order:
        return  # it acts on the order itself and ignores the target id
    with pytest.raises(Http404):
        post_to_view(rf, other, action, target.pk)
    with pytest.raises(Http404):
        post_to_view(rf, order, "explode", target.pk)


def post_to_view(rf: RequestFactory, order: Order, action: str, target_pk: int) -> Any:
    """Call the view itself: the test project has no 404 page."""
    request = rf.post("/")
    request.user = get_user_model()(username="grace", is_superuser=True, is_staff=True, is_active=True)
    return site.get_model_admin(Order).action_view(request, str(order.pk), action, target_pk)


def test_an_action_that_is_no_longer_offered_changes_nothing(sandbox: Sandbox, staff: Client) -> None:
    order = build_paid_order(sandbox)
    before = Event.objects.count()
    for name, target in (
        ("review", order),
        ("cancel", order),
        ("poll", order.purchases.get()),
        ("not-bought", order.purchases.get()),
        ("found", order.purchases.get()),
    ):
        response = staff.post(action_url(order, name, target), {"note": "", "ref_id": "x"}, follow=True)
        assert b"That is no longer needed." in response.content
    assert Event.objects.count() == before


@pytest.mark.parametrize("model", MODELS)
def test_pages_need_their_view_permission(sandbox: Sandbox, person: Person, model: type[Any]) -> None:
    build_paid_order(sandbox)
    make_template(build_cart())
    create_api_key("till")
    row = model.objects.first()
    anonymous = Client()
    assert anonymous.get(page(model, "changelist")).status_code == 302
    no_permission = Client()
    no_permission.force_login(get_user_model().objects.create_user("without", is_staff=True))
    viewer = person()
    assert no_permission.get(page(model, "changelist")).status_code == 403
    assert viewer.get(page(model, "changelist")).status_code == 200
    if row is not None:
        assert no_permission.get(page(model, "change", row.pk)).status_code == 403
        assert viewer.get(page(model, "change", row.pk)).status_code == 200
    assert viewer.get(page(model, "add")).status_code == 403


def test_the_attention_page_needs_permission_to_view_orders(db: None, person: Person) -> None:
    url = reverse("admin:henry_checkout_attention")
    no_permission = Client()
    no_permission.force_login(get_user_model().objects.create_user("without", is_staff=True))
    assert no_permission.get(url).status_code == 403
    assert person().get(url).status_code == 200
    assert Client().get(url).status_code == 302


def test_operators_run_the_doctors_checks_on_demand(sandbox: Sandbox, person: Person, settings: Any) -> None:
    url = reverse("admin:henry_checkout_doctor")
    assert person("resolve_money", "see_personal_data").get(url).status_code == 403
    operator = person("operate_checkouts")
    assert "Run checks" in operator.get(url).content.decode()
    assert [row for row in sandbox.requests() if row["method"] == "GET"] == []
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "NO_SUCH_OPTION": 1}
    found = operator.post(url).content.decode()
    assert "W001" in found
    assert "NO_SUCH_OPTION" in found
    assert "Run checks again" in found


def test_no_page_shows_buyers_without_the_permission(sandbox: Sandbox, person: Person) -> None:
    order = build_paid_order(sandbox)
    canaries = [order.buyer.email, order.buyer.last_name, order.buyer.phone]
    assert all(canaries)
    viewer, trusted = person("operate_checkouts", "resolve_money"), person("see_personal_data")
    pages = [
        page(Order, "changelist"),
        page(Order, "change", order.pk),
        *(page(model, "changelist") for model in MODELS),
        *(page(model, "change", row.pk) for model in MODELS if (row := model.objects.first()) is not None),
    ]
    for url in pages:
        text = viewer.get(url).content.decode()
        assert not [canary for canary in canaries if canary in text], url
    seen = trusted.get(page(Order, "change", order.pk)).content.decode()
    assert all(canary in seen for canary in canaries)
    assert order.buyer.last_name in trusted.get(page(Order, "changelist")).content.decode()


def test_searching_by_buyer_needs_the_permission(sandbox: Sandbox, person: Person) -> None:
    order = build_paid_order(sandbox)
    query = {"q": order.buyer.email.upper()}
    found = person("see_personal_data").get(page(Order, "changelist"), query).content.decode()
    assert order.number in found
    assert order.number not in person().get(page(Order, "changelist"), query).content.decode()


def test_adding_a_key_needs_add_permission_and_revoking_it_operate(db: None, person: Person) -> None:
    assert person(*OURS).get(page(ApiKey, "add")).status_code == 403
    creator = person("add_apikey")
    response = creator.post(page(ApiKey, "add"), {"name": "till", "account": "default"})
    key = ApiKey.objects.get()
    assert "no-store" in response.headers["Cache-Control"]
    assert key.hint in response.content.decode()
    assert creator.get(page(ApiKey, "changelist")).content.decode().count(key.hint) == 1
    form = {"action": "revoke", "_selected_action": [key.pk]}
    creator.post(page(ApiKey, "changelist"), form)
    assert ApiKey.objects.valid().exists()
    person("operate_checkouts").post(page(ApiKey, "changelist"), form)
    assert not ApiKey.objects.valid().exists()
