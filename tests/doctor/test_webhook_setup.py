"""Findings about webhooks that do not arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.doctor import webhook_setup
from django_henry_checkout.models import Order, Purchase, WebhookMessage
from tests.doctor.projects import HENRY, WELL, names, use

pytestmark = pytest.mark.django_db(transaction=True)


def receive(age: timedelta, account: str = "default") -> None:
    moment = timezone.now() - age
    WebhookMessage.objects.create(
        account=account, digest="1", signed_at=moment, received_at=moment, status="done"
    )


def end(order: Order, age: timedelta) -> None:
    Purchase.objects.filter(order=order).update(status="complete", ended_at=timezone.now() - age)


HOUR, TWO_DAYS = timedelta(hours=1), timedelta(days=2)


@pytest.mark.parametrize(
    ("received_ago", "ended_ago", "expected"),
    [
        (HOUR, HOUR, []),
        (HOUR, TWO_DAYS, []),
        (TWO_DAYS, HOUR, ["webhooks_silent"]),
        (None, HOUR, ["webhooks_silent"]),
        (TWO_DAYS, TWO_DAYS, ["webhooks_unconfirmed"]),
        (None, None, ["webhooks_unconfirmed"]),
    ],
)
def test_webhooks_that_do_not_arrive_are_reported(
    bought: Order,
    settings: Any,
    received_ago: timedelta | None,
    ended_ago: timedelta | None,
    expected: list[str],
) -> None:
    use(settings, WELL)
    receive(HOUR, account="another")
    if received_ago:
        receive(received_ago)
    if ended_ago:
        end(bought, ended_ago)
    assert names(webhook_setup.probe_webhook_arrival) == expected
    settings.HENRY_CHECKOUT = {**HENRY, "WEBHOOK_SECRETS": []}
    assert names(webhook_setup.probe_webhook_arrival) == []
