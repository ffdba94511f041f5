"""A receiver of every signal. It writes a row, so that tests can count what they did."""

from __future__ import annotations

from django.db import models


class Received(models.Model):
    """One run of one receiver. Nothing makes it unique: a second run would show."""

    signal = models.CharField(max_length=64)
    event_id = models.CharField(max_length=26)
    order_number = models.CharField(max_length=32)

    def __str__(self) -> str:
        return f"{self.signal} {self.order_number}"
