"""What is deleted after its retention, and what is never deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from django_henry_checkout.flows.events.journal import EventJournal
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.operations import prune
from django_henry_checkout.flows.operations.prune import prune_batch
from django_henry_checkout.models import Delivery, Event, IdempotencyRecord, Order, WebhookMessage

pytestmark = pytest.mark.django_db(transaction=True)

OLD = timedelta(days=31)


def record_event(kind: str) -> None:
    order = Order.objects.create(account="default")
    with transaction.atomic():
        journal = EventJournal(order, source="test")
        journal.add(kind)
        journal.write()


def webhook(number: int, status: str, age: timedelta) -> None:
    now = timezone.now()
    WebhookMessage.objects.create(
        account="default", digest=str(number), status=status, signed_at=now, received_at=now - age
    )


def test_old_finished_rows_are_deleted_and_the_rest_stays(db: None) -> None:
    for number, status in enumerate(["done", "ignored", "refused", "dead", "received", "unmatched"]):
        webhook(number, status, OLD)
        webhook(number + 10, status, timedelta(days=29))
    record_event("purchase_submitted")
    record_event("purchase_completed")
    deliver_due()
    made = Delivery.objects.filter(status="done")
    assert made.count() == Delivery.objects.count() > 2
    made.filter(event__type="purchase_submitted").update(done_at=timezone.now() - OLD)
    events, left = Event.objects.count(), Delivery.objects.filter(event__type="purchase_completed").count()
    now = timezone.now()
    for age in (timedelta(days=2), timedelta(hours=1)):
        IdempotencyRecord.objects.create(
            scope="s", key=str(age), fingerprint="f", claimed_at=now, expires_at=now - age
        )
    assert prune_batch() > 0
    assert WebhookMessage.objects.count() == 8
    assert set(
        WebhookMessage.objects.filter(received_at__lt=now - timedelta(days=30)).values_list(
            "status", flat=True
        )
    ) == {"received", "unmatched"}
    assert Delivery.objects.count() == left
    assert (Event.objects.count(), Order.objects.count()) == (events, 2)
    assert IdempotencyRecord.objects.count() == 1
    assert prune_batch() == 0


def test_rows_are_deleted_in_batches(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(prune, "BATCH_SIZE", 3)
    for number in range(7):
        webhook(number, "done", OLD)
    assert [prune_batch() for _batch in range(4)] == [3, 3, 1, 0]
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "RETENTION": {"webhooks": timedelta(days=60)}}
    webhook(9, "done", OLD)
    assert prune_batch() == 0
