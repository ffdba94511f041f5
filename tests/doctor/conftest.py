from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.flows.checkout.sessions import begin_checkout
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.models import Cart, Order, PurchasePoll
from django_henry_checkout.testing.sandbox import Sandbox


@pytest.fixture
def bought(sandbox: Sandbox, cart: Cart, settings: Any) -> Order:
    """An order that Henry is processing; its signals have not been delivered."""
    order = begin_checkout(cart).order
    sandbox.pay(order.henry_cart_id)
    PurchasePoll.objects.update(due_at=timezone.now())
    poll_due()
    return order
