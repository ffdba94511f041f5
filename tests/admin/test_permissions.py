"""Who may do what: each page and each deed, with each permission and without."""

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


def deed_url(order: Order, deed: str, target: Any) -> str:
    return reverse("admin:henry_checkout_order_deed", args=[order.pk, deed, target.pk])


def in_trouble(sandbox: Sandbox, deed: str) -> tuple[Order, Any]:
    """An order for which a deed is offered, and what it is about."""
    if deed in {"poll", "found", "not-bought", "try-again"}:
        order = doubtful_order(sandbox)
        return order, Purchase.objects.get(order=order)
    if deed == "review":
        order = partial_order(sandbox)
        return order, order
    if deed == "cancel":
        order = stuck_order(sandbox)
        return order, order
    delivery = dead_delivery(sandbox)
    return delivery.order, delivery if deed == "resume" else delivery.event


def answers_to(deed: str, target: Any) -> dict[str, Any]:
    if deed == "found":
        return {"ref_id": "ckp-ref_nobody", "seen": "ckp-ref_nobody", "note": ""}
    if deed == "replay":
        return {"receivers": [target.deliveries.filter(status="dead")[0].receiver]}
    return {"note": "looked"}


@pytest.mark.parametrize("deed", ORDER_ACTIONS)
def test_a_deed_needs_its_permission_and_no_other_does(sandbox: Sandbox, person: Person, deed: str) -> None:
    order, target = in_trouble(sandbox, deed)
    url, answers = deed_url(order, deed, target), answers_to(deed, target)
    events = Event.objects.filter(order=order).count()
    others = person(*(name for name in OURS if name != ORDER_ACTIONS[deed].permission))
    assert others.get(url).status_code == 403
    assert others.post(url, answers).status_code == 403
    assert Event.objects.filter(order=order).count() == events
    story = others.get(page(Order, "change", order.pk)).content.decode()
    assert url not in story
    one = person(ORDER_ACTIONS[deed].permission)
    assert url in one.get(page(Order, "change", order.pk)).content.decode()
    assert one.get(url).status_code == 200
    assert Event.objects.filter(order=order).count() == events
    done = one.post(url, answers)
    assert done.status_code == (200 if deed == "found" else 302)
    if deed != "found":  # Henry does not know that refId
        assert Event.objects.filter(order=order, source__startswith="staff:with 1").exists()


@pytest.mark.parametrize("deed", ORDER_ACTIONS)
def test_a_deed_on_something_of_another_order_is_not_found(
    sandbox: Sandbox, rf: RequestFactory, deed: str
) -> None:
    other = build_paid_order(sandbox)
    order, target = in_trouble(sandbox, deed)
    if target == order:
        return  # it is about the order itself, whatever stands behind it
    with pytest.raises(Http404):
        ask(rf, other, deed, target.pk)
    with pytest.raises(Http404):
        ask(rf, order, "explode", target.pk)


def ask(rf: RequestFactory, order: Order, deed: str, target_pk: int) -> Any:
    """Call the view itself: the suite's shop has no page for 404."""
    request = rf.post("/")
    request.user = get_user_model()(username="grace", is_superuser=True, is_staff=True, is_active=True)
    return site.get_model_admin(Order).deed_view(request, str(order.pk), deed, target_pk)


def test_what_is_not_offered_any_more_changes_nothing(sandbox: Sandbox, staff: Client) -> None:
    order = build_paid_order(sandbox)
    before = Event.objects.count()
    for name, target in (
        ("review", order),
        ("cancel", order),
        ("poll", order.purchases.get()),
        ("not-bought", order.purchases.get()),
        ("found", order.purchases.get()),
    ):
        answer = staff.post(deed_url(order, name, target), {"note": "", "ref_id": "x"}, follow=True)
        assert b"That is not needed any more." in answer.content
    assert Event.objects.count() == before


@pytest.mark.parametrize("model", MODELS)
def test_pages_need_their_view_permission(sandbox: Sandbox, person: Person, model: type[Any]) -> None:
    build_paid_order(sandbox)
    make_template(build_cart())
    create_api_key("till")
    row = model.objects.first()
    stranger = Client()
    assert stranger.get(page(model, "changelist")).status_code == 302
    nobody = Client()
    nobody.force_login(get_user_model().objects.create_user("nobody", is_staff=True))
    viewer = person()
    assert nobody.get(page(model, "changelist")).status_code == 403
    assert viewer.get(page(model, "changelist")).status_code == 200
    if row is not None:
        assert nobody.get(page(model, "change", row.pk)).status_code == 403
        assert viewer.get(page(model, "change", row.pk)).status_code == 200
    assert viewer.get(page(model, "add")).status_code == 403


def test_attention_needs_the_right_to_see_orders(db: None, person: Person) -> None:
    url = reverse("admin:henry_checkout_attention")
    nobody = Client()
    nobody.force_login(get_user_model().objects.create_user("nobody", is_staff=True))
    assert nobody.get(url).status_code == 403
    assert person().get(url).status_code == 200
    assert Client().get(url).status_code == 302


def test_the_doctor_is_asked_by_operators_and_only_when_they_want(
    sandbox: Sandbox, person: Person, settings: Any
) -> None:
    url = reverse("admin:henry_checkout_doctor")
    assert person("resolve_money", "see_personal_data").get(url).status_code == 403
    operator = person("operate_checkouts")
    assert "Examine now" in operator.get(url).content.decode()
    assert [row for row in sandbox.requests() if row["method"] == "GET"] == []
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "NO_SUCH_OPTION": 1}
    found = operator.post(url).content.decode()
    assert "W001" in found
    assert "NO_SUCH_OPTION" in found
    assert "Examine again" in found


def test_who_may_not_see_buyers_finds_nothing_of_them(sandbox: Sandbox, person: Person) -> None:
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


def test_only_who_may_see_buyers_finds_orders_by_them(sandbox: Sandbox, person: Person) -> None:
    order = build_paid_order(sandbox)
    query = {"q": order.buyer.email.upper()}
    found = person("see_personal_data").get(page(Order, "changelist"), query).content.decode()
    assert order.number in found
    assert order.number not in person().get(page(Order, "changelist"), query).content.decode()


def test_keys_are_made_by_who_may_add_them_and_revoked_by_operators(db: None, person: Person) -> None:
    assert person(*OURS).get(page(ApiKey, "add")).status_code == 403
    maker = person("add_apikey")
    answer = maker.post(page(ApiKey, "add"), {"name": "till", "account": "default"})
    key = ApiKey.objects.get()
    assert "no-store" in answer.headers["Cache-Control"]
    assert key.hint in answer.content.decode()
    assert maker.get(page(ApiKey, "changelist")).content.decode().count(key.hint) == 1
    form = {"action": "revoke", "_selected_action": [key.pk]}
    maker.post(page(ApiKey, "changelist"), form)
    assert ApiKey.objects.valid().exists()
    person("operate_checkouts").post(page(ApiKey, "changelist"), form)
    assert not ApiKey.objects.valid().exists()
