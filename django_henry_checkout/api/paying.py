"""What all calls that buy have in common: sent once for each key, and paused after many refused cards."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.base import HenryView, subjects_of
from django_henry_checkout.api.repeating import OnIntent, buy_once
from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import PaymentRefused, TooManyCalls
from django_henry_checkout.flows.access.throttling import check_rate, count_call
from django_henry_checkout.models import Order


def pay_once(
    view: HenryView,
    request: Request,
    *,
    buy: Callable[[OnIntent], Order],
    show: Callable[[Order], Response],
) -> Response:
    """Buy as `buy_once` does, unless the caller tries one refused card after the other.

    Raises:
        TooManyCalls: too many payments of his were refused; stolen cards are tried out like that.
    """
    rate = app_settings.API_THROTTLES["refused"]
    subjects = [f"refused:{subject}" for subject, _scope in subjects_of(request)]
    check_rate(subjects, rate=rate)
    try:
        return buy_once(view, request, buy=buy, show=show)
    except PaymentRefused:
        with suppress(TooManyCalls):  # the next one is refused
            count_call(subjects, rate=rate)
        raise
