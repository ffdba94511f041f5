"""`Idempotency-Key`: same key and body replays, another body is refused, a call in progress is waited for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_henry_checkout.flows.access import idempotency
from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.models import Cart, CartToken, IdempotencyRecord, Order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.api import BOOTS, DETAILS, Api, assert_problem, guest, make
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

KEY = {"Idempotency-Key": "click-1"}


def add(holder: Api, cart: dict[str, Any], item: dict[str, Any] = BOOTS, **headers: str) -> Any:
    return holder("POST", f"cart/{cart['cartId']}/item", {"item": item}, **{**KEY, **headers})


def test_a_repeated_call_is_done_once_and_answered_the_same() -> None:
    holder, cart = guest()
    first, again = add(holder, cart), add(holder, cart)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert not first.has_header("Idempotent-Replayed")
    assert Cart.objects.get().lines.get().quantity == 2
    reordered = dict(reversed(BOOTS.items()))
    assert add(holder, cart, reordered).json() == first.json()


def test_the_same_key_with_another_body_is_refused() -> None:
    holder, cart = guest()
    add(holder, cart)
    assert_problem(add(holder, cart, {**BOOTS, "quantity": 3}), 422, "idempotency_key_reused")
    assert Cart.objects.get().lines.get().quantity == 2


def test_keys_of_different_callers_and_calls_do_not_meet() -> None:
    (holder, cart), (other, theirs) = guest(), guest()
    add(holder, cart)
    assert add(other, theirs).status_code == 200
    removed = holder("DELETE", f"cart/{cart['cartId']}/item", {"link": BOOTS["link"]}, **KEY)
    assert removed.json()["items"] == []


def test_a_call_that_changed_nothing_may_be_repeated_with_its_key() -> None:
    holder, cart = guest()
    bad = {**BOOTS, "quantity": 0}
    for _time in range(2):
        assert_problem(add(holder, cart, bad), 422, "invalid_item")
    assert not IdempotencyRecord.objects.exists()
    assert add(holder, cart).status_code == 200


def test_a_call_in_progress_is_waited_for_and_a_dead_one_taken_over() -> None:
    holder, cart = guest()
    add(holder, cart)
    IdempotencyRecord.objects.update(status=None, body=None)
    running = add(holder, cart)
    assert_problem(running, 409, "still_running")
    assert running["Retry-After"] == "1"
    IdempotencyRecord.objects.update(claimed_at=timezone.now() - timedelta(minutes=3))
    assert add(holder, cart).status_code == 200


def test_an_old_key_may_be_used_anew() -> None:
    holder, cart = guest()
    add(holder, cart)
    IdempotencyRecord.objects.update(expires_at=timezone.now())
    assert add(holder, cart).json()["items"][0]["quantity"] == 4


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"])
def test_an_odd_key_is_refused(key: str) -> None:
    holder, cart = guest()
    assert_problem(add(holder, cart, **{"Idempotency-Key": key}), 400, "invalid_idempotency_key")


def test_a_replayed_cart_gets_a_token_of_its_own_and_none_is_kept() -> None:
    holder, _cart = guest()
    first, again = (holder("POST", "cart", {"items": [BOOTS]}, **KEY).json() for _time in range(2))
    assert first["cartId"] == again["cartId"]
    assert first["sessionToken"] != again["sessionToken"]
    kept = "".join(str(vars(record)) for record in IdempotencyRecord.objects.all())
    assert first["sessionToken"] not in kept
    assert CartToken.objects.count() == 3


def test_the_key_of_an_unauthenticated_caller_is_ignored(api: Api) -> None:
    assert make(Api(**KEY))["cartId"] != make(Api(**KEY))["cartId"]
    assert not IdempotencyRecord.objects.exists()


def test_the_change_and_its_record_commit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    from django_henry_checkout.api.common import idempotency as api_idempotency

    def die(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError

    holder, cart = guest()
    monkeypatch.setattr(api_idempotency, "store_response", die)
    with pytest.raises(RuntimeError):
        add(holder, cart)
    assert not Cart.objects.get().lines.exists()


def test_repeats_at_once_are_done_once() -> None:
    server = {"Authorization": f"Api-Key {create_api_key('back office')}"}
    cart = make(Api(**server))
    answers = at_once(lambda _number: add(Api(**server), cart).status_code)
    assert set(answers) <= {200, 409}
    assert 200 in answers
    assert Cart.objects.get().lines.get().quantity == 2
    assert timedelta(hours=24) < idempotency.RETENTION


def test_calls_to_henry_are_idempotent_too(sandbox: Sandbox) -> None:
    """Their responses hold a secret and are not stored: a repeated call continues with the same order."""
    sandbox.scenario(timing={"jobSeconds": 0})
    holder, cart = guest(BOOTS)
    for path, body, other in (
        ("cart/checkout", {"cartId": cart["cartId"]}, {"cartId": cart["cartId"], "theme": "dark"}),
        (
            "checkout/session/quote",
            {"shippingDetails": DETAILS},
            {"shippingDetails": {**DETAILS, "city": "Brooklyn"}},
        ),
    ):
        key = {"Idempotency-Key": f"key-{path}"}
        first, again = (holder("POST", path, body, **key) for _time in range(2))
        assert first.json()["orderId"] == again.json()["orderId"]
        assert "Idempotent-Replayed" not in first.headers
        assert again.headers["Idempotent-Replayed"] == "true"
        assert_problem(holder("POST", path, other, **key), 422, "idempotency_key_reused")
    assert Order.objects.count() == 1
