"""The outbox: each event is delivered once to each receiver, in order, in its own transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from django_henry_checkout import signals
from django_henry_checkout.flows.events.journal import EventJournal
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.operations.staff_actions import resume_delivery
from django_henry_checkout.models import Delivery, Order
from tests.receivers.models import Received

pytestmark = pytest.mark.django_db(transaction=True)

RECORD = "tests.receivers.apps.record"


def record_events(order: Order, *kinds: str, **payload: Any) -> None:
    with transaction.atomic():
        order.refresh_from_db()
        journal = EventJournal(order, source="test")
        for kind in kinds:
            journal.add(kind, **payload)
        journal.write()


@pytest.fixture
def order(db: None) -> Order:
    return Order.objects.create(account="default")


@pytest.fixture
def connect() -> Iterator[Callable[..., None]]:
    connected = []

    def connect(receiver: Any, signal: signals.OutboxSignal, uid: str) -> None:
        signal.connect(receiver, weak=False, dispatch_uid=uid)
        connected.append((signal, uid))

    yield connect
    for signal, uid in connected:
        signal.disconnect(dispatch_uid=uid)


def due_again(**state: Any) -> None:
    Delivery.objects.filter(status="pending").update(due_at=timezone.now() - timedelta(seconds=1), **state)


def deliver_all() -> None:
    for _round in range(50):
        if not deliver_due():
            return
    raise AssertionError("the deliveries do not drain")


def test_a_receiver_runs_once_per_event_with_the_documented_arguments(order: Order, connect: Any) -> None:
    seen: list[dict[str, Any]] = []
    connect(lambda **kwargs: seen.append(kwargs), signals.order_status_changed, "spy")
    record_events(order, "order_status_changed", status="placed", previous_status="open")
    deliver_all()
    (kwargs,) = seen
    event = order.events.get()
    assert kwargs["order"] == order
    assert kwargs["event_id"] == event.ulid
    assert kwargs["occurred_at"] == event.occurred_at
    assert kwargs["account"] == "default"
    assert (kwargs["purchase"], kwargs["item"]) == (None, None)
    assert (kwargs["status"], kwargs["previous_status"]) == ("placed", "open")
    assert kwargs["signal"] is signals.order_status_changed
    assert Received.objects.count() == 1
    assert set(Delivery.objects.values_list("status", flat=True)) == {"done"}


def test_an_event_that_rolls_back_is_never_delivered(order: Order) -> None:
    with transaction.atomic():
        record_events(order, "purchase_completed")
        transaction.set_rollback(True)
    deliver_all()
    assert not Received.objects.exists()


def test_events_without_a_signal_are_only_recorded(order: Order) -> None:
    record_events(order, "drift_seen")
    assert order.events.count() == 1
    assert not Delivery.objects.exists()


def test_a_failing_receiver_blocks_only_itself_and_fails_for_good(
    order: Order, connect: Any, settings: Any
) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "DELIVERY_ATTEMPTS": 3}
    healthy = []

    def broken(**kwargs: Any) -> None:
        Received.objects.create(signal="broken", event_id="", order_number="")
        raise RuntimeError("secret@example.com")

    connect(broken, signals.purchase_completed, "broken")
    connect(lambda **kwargs: healthy.append(kwargs["event_id"]), signals.purchase_completed, "healthy")
    record_events(order, "purchase_completed")
    for _try in range(5):
        deliver_all()
        due_again()

    assert len(healthy) == 1
    dead = Delivery.objects.get(receiver="broken")
    assert (dead.status, dead.attempts) == ("dead", 3)
    assert dead.last_error == "builtins.RuntimeError"  # its text may be personal
    assert not Received.objects.filter(signal="broken").exists()


def test_a_dead_receiver_is_resumed_and_then_goes_on_in_order(
    order: Order, connect: Any, settings: Any
) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "DELIVERY_ATTEMPTS": 1}
    fails, seen = [True], []

    def receiver(*, signal: Any, **kwargs: Any) -> None:
        if fails[0]:
            raise RuntimeError
        seen.append(signal.name)

    connect(receiver, signals.purchase_submitted, "picky")
    connect(receiver, signals.purchase_completed, "picky")
    record_events(order, "purchase_submitted")
    record_events(order, "purchase_completed")
    deliver_all()
    assert seen == []
    waiting = Delivery.objects.filter(receiver="picky").order_by("sequence")
    assert list(waiting.values_list("status", flat=True)) == ["dead", "pending"]

    fails[0] = False
    assert resume_delivery(Delivery.objects.get(receiver="picky", status="dead"), by="ada")
    deliver_all()
    assert seen == ["purchase_submitted", "purchase_completed"]


def test_a_receiver_that_breaks_the_transaction_is_rolled_back_alone(order: Order, connect: Any) -> None:
    def poisons(**kwargs: Any) -> None:
        with pytest.raises(DatabaseError):
            Order.objects.filter(pk=kwargs["order"].pk).update(number=None)
        Received.objects.create(signal="after the error", event_id="", order_number="")

    connect(poisons, signals.purchase_completed, "poisons")
    record_events(order, "purchase_completed")
    deliver_all()
    assert Received.objects.filter(signal="purchase_completed").count() == 1
    assert Delivery.objects.get(receiver=RECORD).status == "done"


def test_async_receivers_run_too(order: Order, connect: Any) -> None:
    seen = []

    async def receiver(**kwargs: Any) -> None:
        seen.append(kwargs["event_id"])

    connect(receiver, signals.purchase_failed, "async")
    record_events(order, "purchase_failed")
    deliver_all()
    assert len(seen) == 1


def test_a_missing_receiver_is_retried_with_a_clear_error(order: Order, connect: Any) -> None:
    connect(lambda **kwargs: None, signals.purchase_failed, "away")
    record_events(order, "purchase_failed")
    signals.purchase_failed.disconnect(dispatch_uid="away")
    deliver_all()
    delivery = Delivery.objects.get(receiver="away")
    assert delivery.status == "pending"
    assert "AppConfig.ready()" in delivery.last_error


def test_a_receiver_that_crashes_its_worker_fails_for_good(order: Order, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "DELIVERY_ATTEMPTS": 3}
    record_events(order, "purchase_submitted")
    # The state after three crashed workers: attempts counted, nothing marked.
    due_again(attempts=3)
    deliver_all()
    assert Delivery.objects.get().status == "dead"
    assert not Received.objects.exists()


def test_an_outdated_fence_runs_nothing(order: Order) -> None:
    from django_henry_checkout.flows.events import outbox

    record_events(order, "purchase_submitted")
    (late,) = outbox._claim(10)
    due_again()
    deliver_all()
    outbox._deliver(late)
    assert Received.objects.count() == 1


def test_receivers_have_stable_names_and_may_not_share_one() -> None:
    signal = signals.OutboxSignal("probe")

    def make() -> Callable[..., None]:
        def receiver(**kwargs: Any) -> None: ...

        return receiver

    first, second = make(), make()
    signal.connect(first)
    signal.connect(first)
    assert list(signal.receivers_by_name()) == [signals.receiver_name(first)]
    with pytest.raises(ValueError, match="dispatch_uid"):
        signal.connect(second)
    signal.connect(second, dispatch_uid="second")
    assert set(signal.receivers_by_name()) == {signals.receiver_name(first), "second"}
    del first
    assert set(signal.receivers_by_name()) == {"second"}
    assert signal.disconnect(dispatch_uid="second")
    assert signal.receivers_by_name() == {}


def test_bound_methods_and_callable_objects_have_names() -> None:
    class Shop:
        def method(self, **kwargs: Any) -> None: ...

        def __call__(self, **kwargs: Any) -> None: ...

    signal, shop = signals.OutboxSignal("probe"), Shop()
    signal.connect(shop.method)
    signal.connect(shop)
    assert all(name.startswith(__name__) for name in signal.receivers_by_name())
    assert len(signal.receivers_by_name()) == 2


def test_a_receiver_that_crashed_its_worker_comes_last(order: Order) -> None:
    from django_henry_checkout.flows.events import outbox

    record_events(order, "purchase_submitted")
    poison = Delivery.objects.get()
    healthy = Order.objects.create(account="default")
    record_events(healthy, "purchase_submitted")
    due_again()
    Delivery.objects.filter(pk=poison.pk).update(attempts=1, due_at=timezone.now() - timedelta(minutes=9))
    (first,) = outbox._claim(1)
    assert Delivery.objects.get(pk=first.pk).order == healthy


def test_concurrent_changes_by_a_receiver_are_not_undone(order: Order) -> None:
    stale = Order.objects.get(pk=order.pk)
    Order.objects.filter(pk=order.pk).update(metadata={"erp": 7})
    with transaction.atomic():
        journal = EventJournal(stale, source="test")
        journal.add("purchase_submitted")
        journal.write()
    order.refresh_from_db()
    assert (order.metadata, order.event_count) == ({"erp": 7}, 1)


def test_a_lease_lost_at_the_last_moment_runs_no_receiver(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker takes over after the attempt is counted: only that one runs the receiver."""
    from django_henry_checkout.flows.events import outbox

    record_events(Order.objects.create(account="default"), "purchase_submitted")
    (late,) = outbox._claim(1)
    original = outbox.transaction.atomic

    def taken_over(*arguments: Any) -> Any:
        Delivery.objects.update(fence=F("fence") + 1)
        return original(*arguments)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(outbox.transaction, "atomic", taken_over)
        outbox._deliver(late)
    assert not Received.objects.exists()
    Delivery.objects.update(due_at=timezone.now())
    outbox.deliver_due()
    assert Received.objects.count() == 1


def test_unprocessed_claims_are_released_at_once(db: None) -> None:
    for _number in range(3):
        record_events(Order.objects.create(account="default"), "purchase_submitted")
    assert deliver_due(seconds=0) == 0
    assert not Received.objects.exists()
    assert not Delivery.objects.filter(due_at__gt=timezone.now()).exists()
    assert deliver_due() > 0
    assert Received.objects.count() == 3
