"""Personal data of buyers: encrypted, exported, erased, and deleted after its retention."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.db import connection
from django.utils import timezone

from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.flows.access.customer_tokens import create_customer_token
from django_henry_checkout.flows.buyer.details import get_buyer
from django_henry_checkout.flows.checkout.inline import begin_inline, set_buyer
from django_henry_checkout.flows.operations import privacy
from django_henry_checkout.flows.operations.privacy import (
    ENCRYPTED_COLUMNS,
    erase_buyer,
    export_buyer,
    find_orders_by_email,
    reencrypt_batch,
)
from django_henry_checkout.flows.operations.prune import prune_batch, prune_kind
from django_henry_checkout.flows.purchase.lifecycle import refresh_purchase
from django_henry_checkout.models import (
    Cart,
    CustomerSession,
    Event,
    IdempotencyRecord,
    Order,
    OrderBuyer,
    Purchase,
    WebhookMessage,
)
from django_henry_checkout.testing.builders import build_cart, build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import Source
from tests.support.inline import BUYER, fresh

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]

FIRST, SECOND = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def encrypt_with(settings: Any, *keys: str) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "ENCRYPTION_KEYS": list(keys)}


def stored() -> str:
    """Return the rows of all tables with personal data, as they are in the database."""
    with connection.cursor() as cursor:
        texts = []
        for model in ENCRYPTED_COLUMNS:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
            texts += [repr(row) for row in cursor.fetchall()]
    return "\n".join(texts)


def paid_by_ada(sandbox: Sandbox) -> Order:
    """Return an open inline order whose buyer is known."""
    started = begin_inline(build_cart())
    set_buyer(fresh(started.session), lambda _known: BUYER, strict=True)
    return started.order


def test_with_keys_personal_data_is_encrypted_and_readable_by_the_app(
    sandbox: Sandbox, settings: Any
) -> None:
    encrypt_with(settings, FIRST)
    order = paid_by_ada(sandbox)
    create_customer_token(BUYER)
    text = stored()
    for canary in (BUYER.email, "Lovelace", BUYER.phone, "350 Fifth Avenue"):
        assert canary not in text
    assert get_buyer(order) == BUYER
    assert OrderBuyer.objects.get().shipping_address["line1"] == "350 Fifth Avenue"
    assert CustomerSession.objects.get().buyer["email"] == BUYER.email
    assert list(find_orders_by_email(BUYER.email.upper())) == [order]


def test_keys_rotate_and_plain_rows_are_encrypted_by_reencryption(sandbox: Sandbox, settings: Any) -> None:
    order = paid_by_ada(sandbox)
    assert BUYER.email in stored()
    encrypt_with(settings, FIRST)
    assert get_buyer(order) == BUYER
    reencrypt_all()
    assert BUYER.email not in stored()
    encrypt_with(settings, SECOND, FIRST)
    assert get_buyer(order) == BUYER
    reencrypt_all()
    encrypt_with(settings, SECOND)
    assert get_buyer(order) == BUYER
    encrypt_with(settings)
    with pytest.raises(ConfigurationError, match="Add the key again"):
        get_buyer(order)


def reencrypt_all() -> None:
    for model in ENCRYPTED_COLUMNS:
        last = 0
        while last := reencrypt_batch(model, last, limit=1):
            pass


def test_an_encrypted_column_cannot_be_searched_by_mistake(db: None) -> None:
    for query in ({"email": "ada@shop.example"}, {"last_name__icontains": "love"}, {"phone__in": ["1"]}):
        with pytest.raises(FieldError, match="may be encrypted"):
            list(OrderBuyer.objects.filter(**query))
    assert list(OrderBuyer.objects.filter(email="")) == []


def test_an_export_contains_all_data_of_a_buyer(sandbox: Sandbox) -> None:
    order = paid_by_ada(sandbox)
    create_customer_token(BUYER)
    build_paid_order(sandbox)
    exported = export_buyer(" ADA@shop.example ")
    (shown,) = exported["orders"]
    assert (shown["number"], shown["buyer"]["last_name"]) == (order.number, "Lovelace")
    assert shown["buyer"]["shipping_address"]["city"] == "New York"
    assert [line["title"] for line in shown["lines"]] == ["Boots", "Mug"]
    assert len(exported["customerSessions"]) == 1
    assert json.dumps(exported)
    assert export_buyer("unknown@shop.example")["orders"] == []


def test_a_buyer_of_many_orders_is_erased_from_all(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for _order in range(5):
        paid_by_ada(sandbox)
    monkeypatch.setattr(privacy, "BATCH_SIZE", 2)
    assert erase_buyer(BUYER.email, by="staff:ada").orders == 5
    assert not OrderBuyer.objects.exists()


def test_a_buyer_is_erased_and_the_order_stays(sandbox: Sandbox) -> None:
    order = build_paid_order(sandbox)
    other = build_paid_order(sandbox)
    OrderBuyer.objects.filter(order=other).delete()
    email, name = order.buyer.email, order.buyer.last_name
    purchase = Purchase.objects.get(order=order)
    now = timezone.now()
    WebhookMessage.objects.create(
        account="default", digest="1", ref_id=purchase.ref_id, body="{}", signed_at=now
    )
    WebhookMessage.objects.create(
        account="default", digest="2", body=json.dumps({"data": {"name": name}}), signed_at=now
    )
    stranger = WebhookMessage.objects.create(account="default", digest="3", body='{"data": 1}', signed_at=now)
    for number, body in enumerate([{"buyer": {"email": email}}, {"orderId": "x"}]):
        IdempotencyRecord.objects.create(
            scope="s", key=str(number), fingerprint="f", status=200, body=body, claimed_at=now, expires_at=now
        )
    total, events = order.total, Event.objects.filter(order=order).count()
    erased = erase_buyer(email, by="staff:ada")
    assert (erased.orders, erased.webhooks, erased.answers) == (1, 2, 1)
    assert name not in stored()
    order = Order.objects.get(pk=order.pk)
    assert (order.total, order.status) == (total, "completed")
    assert order.buyer_erased_at is not None
    last = Event.objects.filter(order=order).latest("sequence")
    assert (last.type, last.source, last.sequence) == ("buyer_erased", "staff:ada", events + 1)
    assert WebhookMessage.objects.exclude(body="").get() == stranger
    assert erase_buyer(email, by="staff:ada").orders == 0


def test_buyer_data_that_henry_reports_after_an_erasure_is_not_stored(sandbox: Sandbox) -> None:
    order = build_paid_order(sandbox, outcome="stays", drained=False)
    purchase = Purchase.objects.get(order=order)
    refresh_purchase(purchase, source=Source.POLL)
    email = OrderBuyer.objects.get().email
    erase_buyer(email, by="staff:ada")
    sandbox.advance(60)
    refresh_purchase(Purchase.objects.get(), source=Source.POLL)
    assert not OrderBuyer.objects.exists()
    assert email not in stored()


def test_an_open_order_accepts_a_new_buyer_after_an_erasure(sandbox: Sandbox) -> None:
    started = begin_inline(build_cart())
    set_buyer(fresh(started.session), lambda _known: BUYER, strict=True)
    erase_buyer(BUYER.email, by="staff:ada")
    assert Order.objects.get().buyer_erased_at is None
    set_buyer(fresh(started.session), lambda _known: BUYER, strict=True)
    assert get_buyer(started.order) == BUYER


def test_buyers_are_kept_for_their_retention(sandbox: Sandbox, settings: Any) -> None:
    old, young = build_paid_order(sandbox), build_paid_order(sandbox)
    left_open = paid_by_ada(sandbox)
    long_ago = timezone.now() - timedelta(days=400)
    Order.objects.exclude(pk=young.pk).update(created_at=long_ago, updated_at=long_ago)
    Order.objects.filter(pk=old.pk).update(ended_at=long_ago)
    prune_batch()
    assert OrderBuyer.objects.count() == 3
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "RETENTION": {"buyers": timedelta(days=365)}}
    assert prune_kind("buyers") == 2
    assert prune_kind("buyers") == 0
    assert OrderBuyer.objects.get().order == young
    assert Event.objects.filter(type="buyer_erased", source="retention").count() == 2
    assert Order.objects.get(pk=left_open.pk).status == "open"


def test_guests_carts_without_an_order_are_deleted(sandbox: Sandbox, django_user_model: Any) -> None:
    from django_henry_checkout.flows.cart.templates import make_template

    abandoned, template, signed_in, fresh_one = (build_cart() for _cart in range(4))
    make_template(template)
    Cart.objects.filter(pk=signed_in.pk).update(user=django_user_model.objects.create_user("ada"))
    ordered = paid_by_ada(sandbox).cart
    Cart.objects.exclude(pk=fresh_one.pk).update(updated_at=timezone.now() - timedelta(days=91))
    assert prune_kind("carts") == 1
    assert ordered is not None
    assert set(Cart.objects.values_list("pk", flat=True)) == {
        template.pk,
        signed_in.pk,
        fresh_one.pk,
        ordered.pk,
    }
    assert not Cart.objects.filter(pk=abandoned.pk).exists()
