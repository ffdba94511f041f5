"""`Idempotency-Key` on the three calls that buy: clicks, retries and crashes lead to one purchase at Henry."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from django_henry_checkout.gateway.v1 import GatewayV1
from django_henry_checkout.models import IdempotencyRecord, Order, Purchase
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.api import BOOTS, DETAILS, MUG, PERSON, Api, assert_problem, guest, ok
from tests.support.inline import buying_calls, buys, follow, store_card
from tests.support.threads import at_once
from tests.support.workers import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("calm")]

WAYS = ["confirm", "purchase", "umbraco"]


@pytest.fixture
def calm(sandbox: Sandbox, polls_at_once: None, settings: Any) -> None:
    """Quotes without waiting, and no throttling."""
    sandbox.scenario(timing={"jobSeconds": 0})
    throttles = {"checkout": "1000/min", "refused": "1000/min"}
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_THROTTLES": throttles}


@dataclass(frozen=True)
class Buying:
    """One call that buys, ready to be made."""

    token: str
    path: str
    body: dict[str, Any]
    cart_token: str
    refused: int = 402
    other: dict[str, Any] = field(default_factory=dict)

    def __call__(self, key: str | None = "click-1", *, card: str = "card_test_pays", **changes: Any) -> Any:
        """Make the call with a new client, so that threads share nothing."""
        headers = {} if key is None else {"Idempotency-Key": key}
        body = _with_card({**self.body, **changes}, card)
        return Api(**{"X-Session-Token": self.token})("POST", self.path, body, **headers)


def _with_card(body: dict[str, Any], card: str) -> dict[str, Any]:
    if "metaData" in body:
        return {**body, "metaData": {"cardToken": card}}
    if "buyer" in body:
        return {**body, "buyer": {**body["buyer"], "card": {"details": {"cardToken": card}}}}
    return {**body, "cardToken": card}


def ready(way: str) -> Buying:
    holder, cart = guest(BOOTS, MUG)
    token = cart["sessionToken"]
    if way == "purchase":
        body = {"cartId": cart["cartId"], "buyer": PERSON}
        return Buying(token, "cart/purchase", body, token, other={"metadata": {"gift": True}})
    quote = ok(holder("POST", "checkout/session/quote", {"shippingDetails": DETAILS}))
    if way == "confirm":
        other = {"metadata": {"gift": True}}
        return Buying(
            quote["sessionToken"],
            "checkout/session/confirm",
            {"sessionId": quote["sessionId"]},
            token,
            other=other,
        )
    body = {
        "amount": quote["orderMetadata"]["totalPrice"],
        "transactionId": "INV-1",
        "paymentStatus": "Captured",
        "metaData": {},
    }
    path = f"checkout/{quote['orderId']}/confirm"
    return Buying(token, path, body, token, refused=400, other={"paymentStatus": "Authorized"})


@pytest.fixture(params=WAYS)
def buying(request: Any, calm: None) -> Buying:
    return ready(request.param)


def assert_bought_once(sandbox: Sandbox) -> None:
    [bought] = sandbox.orders()
    assert len(buying_calls(sandbox)) == 1
    purchase = Purchase.objects.get(sent_at__isnull=False)
    assert purchase.ref_id == bought["refId"]


def test_it_needs_a_key(sandbox: Sandbox, buying: Buying) -> None:
    assert_problem(buying(None), 400, "idempotency_key_required")
    assert buying_calls(sandbox) == []


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_an_odd_key_buys_nothing(sandbox: Sandbox, buying: Buying, key: str) -> None:
    assert_problem(buying(key), 400, "invalid_idempotency_key")
    assert buying_calls(sandbox) == []


def test_the_same_key_and_body_is_answered_again_and_bought_once(sandbox: Sandbox, buying: Buying) -> None:
    first, again = buying(), buying()
    assert (first.status_code, again.status_code) == (200, 200)
    assert not first.has_header("Idempotent-Replayed")
    assert again["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    assert_bought_once(sandbox)


@pytest.mark.parametrize("way", ["confirm", "purchase"])
def test_what_is_answered_again_is_the_order_as_it_is_now(sandbox: Sandbox, way: str) -> None:
    buying = ready(way)
    before = ok(buying())["status"]
    follow(sandbox)
    after = ok(buying())["status"]
    assert (before, after) == {"confirm": ("placed", "completed"), "purchase": ("pending", "complete")}[way]
    assert_bought_once(sandbox)


def test_the_same_key_with_another_body_is_refused(sandbox: Sandbox, buying: Buying) -> None:
    assert buying().status_code == 200
    assert_problem(buying(**buying.other), 400 if buying.refused == 400 else 422, "idempotency_key_reused")
    assert_problem(
        buying(card="card_test_pays_too"), 400 if buying.refused == 400 else 422, "idempotency_key_reused"
    )
    assert_bought_once(sandbox)


def test_another_key_after_it_was_bought_buys_nothing(sandbox: Sandbox, buying: Buying) -> None:
    order_id = Order.objects.get().ulid if buying().status_code == 200 else ""
    other = buying("click-2")
    if buying.path == "cart/purchase":
        assert other.status_code == 409
    else:
        assert other.status_code == 200
        assert not other.has_header("Idempotent-Replayed")
    assert Order.objects.get().ulid == order_id
    assert_bought_once(sandbox)


class Running:
    """A call in a thread, delayed at Henry."""

    def __init__(self, sandbox: Sandbox, buying: Buying, *, seconds: float = 2) -> None:
        sandbox.scenario(timing={"jobSeconds": 0}, faults=[buys("v1", "delay", seconds=seconds)])
        self._answers: list[Any] = []
        self._thread = threading.Thread(target=self._run, args=(buying,))
        self._thread.start()
        wait_until(lambda: Purchase.objects.filter(status="sent").exists(), seconds=20)

    def _run(self, buying: Buying) -> None:
        try:
            self._answers.append(buying())
        finally:
            connection.close()

    def end(self) -> Any:
        self._thread.join(60)
        [answer] = self._answers
        return answer


def test_the_same_key_while_the_first_call_is_running_has_to_wait(sandbox: Sandbox, buying: Buying) -> None:
    running = Running(sandbox, buying)
    try:
        waiting = buying()
    finally:
        first = running.end()
    assert_problem(waiting, 400 if buying.refused == 400 else 409, "still_running")
    assert waiting["Retry-After"] == "1"
    assert first.status_code == 200
    assert_bought_once(sandbox)


def test_another_tab_while_the_first_call_is_running_buys_nothing(sandbox: Sandbox, buying: Buying) -> None:
    running = Running(sandbox, buying)
    try:
        other = buying("click-2")
    finally:
        first = running.end()
    if buying.path == "cart/purchase":
        assert_problem(other, 409, "purchase_under_way")
    else:
        assert other.status_code == (202 if buying.path.startswith("checkout/session") else 200)
    assert first.status_code == 200
    assert_bought_once(sandbox)


def test_fault_39_a_double_click_with_one_key_buys_once(sandbox: Sandbox, buying: Buying) -> None:
    statuses = at_once(lambda _number: buying().status_code)
    assert 200 in statuses
    assert set(statuses) <= {200, 400 if buying.refused == 400 else 409}
    assert_bought_once(sandbox)
    assert buying()["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("way", "threads"), [("confirm", 50), ("purchase", 12), ("umbraco", 12)])
def test_fault_40_many_tabs_at_once_with_keys_of_their_own_buy_once(
    sandbox: Sandbox, way: str, threads: int
) -> None:
    buying = ready(way)
    statuses = at_once(lambda number: buying(f"tab-{number}").status_code, threads=threads)
    # 202: another tab has sent the purchase, and its outcome is not known yet.
    allowed = {"confirm": {200, 202, 409}, "purchase": {200, 202, 409, 410}, "umbraco": {200, 400}}[way]
    assert 200 in statuses
    assert set(statuses) <= allowed, statuses
    assert_bought_once(sandbox)


def test_after_a_refusal_the_same_key_may_be_used_again(sandbox: Sandbox, buying: Buying) -> None:
    refusal = buys("v1", "status", status=402, times=2)
    sandbox.scenario(timing={"jobSeconds": 0}, faults=[refusal])
    for _time in range(2):
        assert_problem(buying(), buying.refused, "payment_refused")
    assert not IdempotencyRecord.objects.exists()
    paid = buying(card="card_test_pays_too")
    assert paid.status_code == 200
    assert not paid.has_header("Idempotent-Replayed")
    assert buying(card="card_test_pays_too")["Idempotent-Replayed"] == "true"
    assert len(sandbox.orders()) == 1
    assert len(buying_calls(sandbox)) == 3


def test_a_refusal_in_v0_gives_the_key_back_for_another_card(sandbox: Sandbox, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_VERSION": "v0"}
    buying = ready("confirm")

    def pay(card: str) -> Any:
        store_card(sandbox, Order.objects.get(), card)
        session = Api(**{"X-Session-Token": buying.token})
        return session("POST", buying.path, {}, **{"Idempotency-Key": "click-1"})

    assert_problem(pay("4000000000000002"), 402, "payment_refused")
    assert sandbox.orders() == []
    assert pay("4242424242424242").status_code == 200
    assert pay("4242424242424242")["Idempotent-Replayed"] == "true"
    assert len(sandbox.orders()) == 1


class Killed(BaseException):
    """The end of a process, as far as a thread can simulate it."""


@pytest.mark.parametrize("moment", ["before it was sent", "before the answer was read"])
def test_a_call_that_died_leads_to_its_order_and_is_not_sent_again(
    sandbox: Sandbox, buying: Buying, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    send = GatewayV1.purchase

    def die(gateway: GatewayV1, *arguments: Any) -> Any:
        if moment == "before the answer was read":
            send(gateway, *arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(GatewayV1, "purchase", die)
        with pytest.raises(Killed):
            at_once(lambda _number: buying(), threads=1)
    sent = len(buying_calls(sandbox))
    assert sent == (1 if moment == "before the answer was read" else 0)
    assert Purchase.objects.get(sent_at__isnull=False).status == "sent"

    assert_problem(buying(), 400 if buying.refused == 400 else 409, "still_running")
    IdempotencyRecord.objects.update(claimed_at=timezone.now() - timedelta(minutes=3))
    order = Order.objects.get()
    for _time in range(2):
        taken_over = buying()
        assert taken_over.status_code in {200, 202}
        assert taken_over["Idempotent-Replayed"] == "true"
        assert order.ulid in str(taken_over.json()) or order.number in str(taken_over.json())
    assert Order.objects.get() == order
    assert len(buying_calls(sandbox)) == sent
    assert len(sandbox.orders()) == sent


def test_an_answer_that_was_lost_is_found_and_not_bought_again(sandbox: Sandbox, buying: Buying) -> None:
    sandbox.scenario(timing={"jobSeconds": 0}, faults=[buys("v1", "lost_reply")])
    first, again = buying(), buying()
    outcome_unknown = 200 if buying.refused == 400 else 202
    assert (first.status_code, again.status_code) == (outcome_unknown, outcome_unknown)
    assert again["Idempotent-Replayed"] == "true"
    follow(sandbox)
    assert_bought_once(sandbox)
    assert Order.objects.get().status == "completed"
    assert buying().status_code == 200


def test_the_refid_of_an_answer_that_was_lost_leads_to_the_outcome(sandbox: Sandbox) -> None:
    buying = ready("purchase")
    sandbox.scenario(timing={"jobSeconds": 0}, faults=[buys("v1", "lost_reply")])
    ref = ok(buying(), 202)["refId"]
    holder = Api(**{"X-Session-Token": buying.cart_token})
    assert ok(holder("GET", f"cart/purchase/status?refId={ref}"))["status"] == "pending"
    follow(sandbox)
    assert ok(holder("GET", f"cart/purchase/status?refId={ref}"))["status"] == "complete"


def test_keys_of_different_callers_do_not_meet(sandbox: Sandbox, buying: Buying) -> None:
    assert buying().status_code == 200
    theirs = ready(
        {"cart/purchase": "purchase", "checkout/session/confirm": "confirm"}.get(buying.path, "umbraco")
    )
    answer = theirs()
    assert answer.status_code == 200
    assert not answer.has_header("Idempotent-Replayed")
    assert len(sandbox.orders()) == 2


def test_a_strangers_guess_of_a_key_shows_nothing(sandbox: Sandbox, buying: Buying) -> None:
    assert buying().status_code == 200
    _stranger, cart = guest(BOOTS)
    for headers in ({}, {"X-Session-Token": cart["sessionToken"]}):
        body = _with_card(buying.body, "card_test_pays")
        answer = Api(**headers)("POST", buying.path, body, **{"Idempotency-Key": "click-1"})
        assert answer.status_code == 404
        assert not answer.has_header("Idempotent-Replayed")
    assert_bought_once(sandbox)


def test_two_secrets_for_one_order_buy_it_once(sandbox: Sandbox) -> None:
    """A cart's token and a session's are two callers: their keys are separate, the order is one."""
    buying = ready("confirm")
    order_id = ok(buying())["orderId"]
    holder = Api(**{"X-Session-Token": buying.cart_token})
    session_id = Order.objects.get().sessions.get().ulid
    body = {"sessionId": session_id, "cardToken": "card_test_pays"}
    answer = holder("POST", "checkout/session/confirm", body, **{"Idempotency-Key": "click-1"})
    assert ok(answer)["orderId"] == order_id
    assert not answer.has_header("Idempotent-Replayed")
    assert_bought_once(sandbox)


def test_a_key_that_was_given_back_a_moment_ago_is_no_failure(
    sandbox: Sandbox, buying: Buying, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two clicks with a declined card: the second cannot insert its claim, and the first one's was just released."""
    save = IdempotencyRecord.save
    tries: list[int] = []

    def save_too_late(record: IdempotencyRecord, **options: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise IntegrityError
        save(record, **options)

    monkeypatch.setattr(IdempotencyRecord, "save", save_too_late)
    assert buying().status_code in {200, 400 if buying.refused == 400 else 409}
