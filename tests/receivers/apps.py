from __future__ import annotations

import os
import time
from typing import Any

from django.apps import AppConfig


def record(*, signal: Any, event_id: str, order: Any, **kwargs: Any) -> None:
    """Write that the receiver ran; slowly if asked, so that a kill can hit it."""
    from tests.receivers.models import Received

    Received.objects.create(signal=signal.name, event_id=event_id, order_number=order.number)
    time.sleep(float(os.environ.get("TEST_RECEIVER_SECONDS", "0")))


class ReceiversConfig(AppConfig):
    name = "tests.receivers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_henry_checkout.signals import BY_NAME

        for signal in BY_NAME.values():
            signal.connect(record)
