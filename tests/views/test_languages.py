"""Pages and the admin in the active language: errors, amounts, days, numbers in attributes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils.translation import override

from django_henry_checkout.admin.labels import ERRORS, error_message
from django_henry_checkout.exceptions import (
    CartFull,
    CheckoutError,
    ConfigurationError,
    GatewayError,
    GatewayTimeout,
    HenryCheckoutError,
    LinkClosed,
    NotInDoubt,
    PurchaseUnderWay,
    StaffError,
    TooManyCalls,
)
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.models import Cart
from django_henry_checkout.testing.builders import build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.views.inline_notices import build_notice
from django_henry_checkout.views.pages import error_text
from tests.test_formatting import plain
from tests.views.test_frames import framed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def german(settings: Any) -> None:
    settings.LANGUAGE_CODE = "de"
    settings.USE_THOUSAND_SEPARATOR = True


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (LinkClosed(), "Dieser Link ist geschlossen"),
        (PurchaseUnderWay(), "Wir prüfen Ihre Zahlung"),
        (CartFull("A cart holds 100 lines at most."), "Das hat nicht geklappt"),
        (CheckoutError("for developers"), "Das hat nicht geklappt"),
        (GatewayTimeout("for developers"), "Die Kasse macht eine kurze Pause"),
        (ConfigurationError("A setting is wrong."), "Die Kasse macht eine kurze Pause"),
        (TooManyCalls(retry_after=1), "Das war etwas zu schnell"),
    ],
)
def test_errors_are_shown_in_the_shoppers_language(error: Any, title: str) -> None:
    with override("de"):
        texts, notice = error_text(error), build_notice(error)
    assert texts[0] == title
    for text in (*texts, notice.title, notice.text):
        assert str(error) not in text


def test_seconds_to_wait_are_counted() -> None:
    with override("de"):
        assert "1 Sekunde und" in error_text(TooManyCalls(retry_after=1))[1]
        assert "7 Sekunden und" in error_text(TooManyCalls(retry_after=7))[1]


def _below(kind: type[Any]) -> set[type[Any]]:
    return {kind, *(each for child in kind.__subclasses__() for each in _below(child))}


def test_staff_see_errors_in_their_language() -> None:
    with override("de"):
        assert error_message(NotInDoubt()).startswith("Laden Sie")
        assert error_message(HenryCheckoutError("Something new.")) == "Something new."
    codes = {each.code for each in _below(StaffError) if each is not StaffError}
    assert codes <= set(ERRORS)
    assert set(ERRORS) - codes - {"illegal_transition"} <= {each.code for each in _below(GatewayError)}


def test_the_page_of_an_order_is_german(german: None, sandbox: Sandbox, client: Client, db: None) -> None:
    order = build_paid_order(sandbox)
    page = plain(client.get(f"/henry/status/{create_status_token(order)}").content.decode())
    assert "Ihre Bestellung ist abgeschlossen" in page
    assert re.search(r"<bdi>[0-9.]+,[0-9]{2} \$</bdi>", page)
    assert not re.search(r"\$[0-9]", page)


def test_the_admin_is_german(german: None, sandbox: Sandbox, client: Client) -> None:
    order = build_paid_order(sandbox)
    client.force_login(get_user_model().objects.create_superuser("grace"))
    for path in ("", f"{order.pk}/change/"):
        page = plain(client.get(f"/admin/henry_checkout/order/{path}").content.decode())
        assert re.search(r"<bdi>[0-9.]+,[0-9]{2} \$</bdi>", page), path
        assert not re.search(r"\$ ?[0-9]", page), path


def test_numbers_for_scripts_stay_numbers(
    german: None, sandbox: Sandbox, client: Client, cart: Cart, settings: Any
) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "FRAME_SLOW_AFTER": 1.5, "FRAME_TIMEOUT": 1500}
    _started, address = framed(cart)
    page = client.get(address).content.decode()
    assert 'data-slow-after="1.5"' in page
    assert 'data-frame-timeout="1500.0"' in page
