"""Henry's statuses and what they mean, in both dialects, and what an observation changes. No database."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from moneyed import Money

from django_henry_checkout.flows.purchase.interpret import (
    Change,
    EventEntry,
    LineSnapshot,
    OrderTransition,
    ReviewEntry,
    Snapshot,
    decide,
    interpret,
)
from django_henry_checkout.models import OrderStatus
from django_henry_checkout.types import Costs, ItemOutcome, Observation


def observation(status: str, *items: str, receipt: bool = False) -> Observation:
    return Observation(
        ref_id="ckp-ref_1",
        status=status,
        digest=status,
        items=tuple(
            ItemOutcome(
                link=f"https://a.example/{number}",
                quantity=1,
                status=item,
                confirmation_number="C-1" if receipt else "",
            )
            for number, item in enumerate(items)
        ),
    )


@pytest.mark.parametrize(
    ("status", "items", "order"),
    [
        ("pending", ("pending", "pending"), "placed"),
        ("processing", ("complete", "processing"), "processing"),
        ("processing", ("failed", "processing"), "processing"),
        ("complete", ("complete", "complete"), "completed"),
        ("complete", ("complete", "failed"), "partially_completed"),
        ("complete", ("complete", "cancelled"), "partially_completed"),
        ("complete", ("failed", "failed"), "failed"),
        ("complete", (), "completed"),
        ("partially_complete", ("complete", "failed"), "partially_completed"),
        ("partially_complete", ("failed", "failed"), "failed"),
        ("failed", ("failed", "failed"), "failed"),
        ("failed", ("pending", "pending"), "failed"),
        ("cancelled", ("cancelled", "cancelled"), "canceled"),
        ("cancelled", ("pending",), "canceled"),
    ],
)
def test_known_statuses_decide_the_order(status: str, items: tuple[str, ...], order: str) -> None:
    result = interpret(observation(status, *items))
    assert result.order == order
    assert result.purchase == status
    assert result.review == ""
    assert result.unknown == ()


@pytest.mark.parametrize("status", ["awaiting_merchant", "COMPLETE", "completed", "done"])
def test_an_unknown_status_changes_nothing(status: str) -> None:
    result = interpret(observation(status, "pending"))
    assert result.purchase is None
    assert result.order is None
    assert result.unknown == (status,)


def test_an_unknown_item_status_is_recorded_and_does_not_block_the_purchase() -> None:
    result = interpret(observation("processing", "backordered"))
    assert result.order == "processing"
    assert result.items == ("processing",)
    assert result.unknown == ("backordered",)


@pytest.mark.parametrize(
    ("receipt", "item", "review"), [(True, "bought", ""), (False, "unknown", "item_outcome_unknown")]
)
def test_an_open_item_of_a_complete_purchase_depends_on_its_receipt(
    receipt: bool, item: str, review: str
) -> None:
    result = interpret(observation("complete", "pending", receipt=receipt))
    assert result.items == (item,)
    assert result.order == "completed"
    assert result.review == review


def test_costs_count_as_a_receipt() -> None:
    costs = Costs(total=Money("5.00", "USD"))
    item = ItemOutcome(link="https://a.example/", quantity=1, status="processing", costs=costs)
    assert interpret(Observation(ref_id="r", status="complete", items=(item,), digest="")).items == (
        "bought",
    )


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_money_spent_in_a_failed_purchase_is_never_hidden(status: str) -> None:
    result = interpret(observation(status, "complete", "failed"))
    assert result.order == "partially_completed"
    assert result.review == f"{status}_but_items_bought"


def stored(
    order: str = "placed",
    purchase: str = "pending",
    *,
    ref_id: str = "ckp-ref_1",
    count: int = 2,
    **more: Any,
) -> Snapshot:
    """An order with so many pending lines, as it is stored."""
    reported = {
        "status": "pending", "confirmation_number": "", "merchant": "a.example", "total_amount": None,
        "currency": "USD",
    }  # fmt: skip
    lines = tuple(
        LineSnapshot(
            pk=number, link=f"https://a.example/{number}", quantity=1, selected_options=(), reported=reported
        )
        for number in range(count)
    )
    return Snapshot(order_status=order, purchase_status=purchase, ref_id=ref_id, lines=lines, **more)


def test_the_first_observation_places_the_order() -> None:
    change = decide(observation("pending", "pending", "pending"), stored("open", "planned", ref_id=""))
    assert (change.ref_id, change.purchase_status) == ("ckp-ref_1", "pending")
    assert change.entries == (
        EventEntry("purchase_submitted", {"ref_id": "ckp-ref_1"}),
        OrderTransition(OrderStatus.PLACED),
    )


def test_the_same_again_changes_nothing() -> None:
    assert decide(observation("pending", "pending", "pending"), stored()) == Change()


def test_an_ending_moves_lines_then_the_order() -> None:
    change = decide(observation("complete", "complete", "failed"), stored())
    assert change.purchase_status == "complete"
    assert {pk: reported["status"] for pk, reported in change.lines.items()} == {0: "bought", 1: "failed"}
    assert change.entries == (
        EventEntry("order_item_failed", {"link": "https://a.example/1"}, line_pk=1),
        EventEntry("purchase_partially_completed", {"ref_id": "ckp-ref_1"}),
        OrderTransition(OrderStatus.PARTIALLY_COMPLETED),
    )
    assert not change.restores_cart


def test_the_cart_is_restored_only_if_nothing_was_bought() -> None:
    assert decide(observation("failed", "failed", "failed"), stored()).restores_cart
    assert decide(observation("cancelled", "cancelled", "cancelled"), stored()).restores_cart
    assert not decide(observation("failed", "complete", "failed"), stored()).restores_cart


def test_a_backward_status_is_drift_once_and_no_drift_from_a_webhook() -> None:
    backward = observation("pending", "pending", "pending")
    change = decide(backward, stored("processing", "processing"))
    assert (change.drift, change.is_outdated, change.purchase_status) == (("processing>pending",), True, None)
    assert decide(backward, stored("processing", "processing", drift=("processing>pending",))).entries == ()
    late = decide(backward, stored("processing", "processing"), may_be_out_of_order=True)
    assert (late.drift, late.entries, late.is_outdated) == ((), (), True)


def test_an_ending_is_kept_and_a_contradiction_recorded_once() -> None:
    contradiction = observation("failed", "failed", "failed")
    change = decide(contradiction, stored("completed", "complete"))
    assert (change.keeps_ending, change.drift, change.lines) == (True, ("failed",), {})
    assert decide(contradiction, stored("completed", "complete", drift=("failed",))) == Change(
        keeps_ending=True
    )
    closed = decide(
        observation("complete", "complete"), stored("canceled", "cancelled", closed_by_staff=True)
    )
    assert closed.entries[-1] == ReviewEntry("not_as_staff_decided")


def test_a_payment_after_the_end_needs_review() -> None:
    change = decide(observation("pending", "pending", "pending"), stored("canceled", "planned", ref_id=""))
    assert ReviewEntry("paid_after_ending") in change.entries
    assert not any(isinstance(entry, OrderTransition) for entry in change.entries)


@pytest.mark.parametrize(
    ("accepted", "flagged"), [("20.00", False), ("19.99", True), (None, False), ("JPY", True)]
)
def test_a_total_above_what_was_accepted_needs_review(accepted: str | None, flagged: bool) -> None:
    costs = Costs(total=Money("20.00", "USD"))
    money = None if accepted is None else Money(20, "JPY") if accepted == "JPY" else Money(accepted, "USD")
    change = decide(replace(observation("pending"), costs=costs), stored(count=0, accepted=money))
    assert (ReviewEntry("total_above_accepted") in change.entries) is flagged
    assert (change.amounts["total_amount"], change.amounts["currency"]) == (Decimal("20.00"), "USD")


def test_an_unknown_status_is_recorded_and_changes_nothing_else() -> None:
    change = decide(observation("awaiting_merchant", "pending", "pending"), stored())
    assert (change.drift, change.unknown, change.purchase_status) == (
        ("awaiting_merchant",), ("awaiting_merchant",), None,
    )  # fmt: skip
    assert change.entries == (EventEntry("drift_seen", {"words": ["awaiting_merchant"]}),)


def test_foreign_items_make_unmatched_lines_unknown() -> None:
    change = decide(observation("complete", "complete", "complete", "complete"), stored(count=2))
    assert ReviewEntry("items_differ") in change.entries
    unlisted = decide(observation("complete", "complete"), stored(count=2))
    assert unlisted.lines[1]["status"] == "canceled"
    assert decide(observation("complete"), stored(count=2)).lines[1]["status"] == "bought"
