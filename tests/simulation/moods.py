"""A receiver that fails when it is told to, and writes down each time that it does not."""

from __future__ import annotations

from typing import Any

from django_henry_checkout.signals import BY_NAME
from tests.receivers.models import Received
from tests.simulation.canaries import UnwellError

NAME = "simulation.moody"


class Mood:
    def __init__(self) -> None:
        self._unwell = 0

    def fall_ill(self, times: int) -> None:
        self._unwell = times

    def recover(self) -> None:
        self._unwell = 0

    def receive(self, *, signal: Any, event_id: str, order: Any, **kwargs: Any) -> None:
        Received.objects.create(signal=f"moody {signal.name}", event_id=event_id, order_number=order.number)
        if self._unwell:
            self._unwell -= 1
            raise UnwellError("not today")

    def connect(self) -> None:
        for signal in BY_NAME.values():
            signal.connect(self.receive, weak=False, dispatch_uid=NAME)

    def disconnect(self) -> None:
        for signal in BY_NAME.values():
            signal.disconnect(dispatch_uid=NAME)
