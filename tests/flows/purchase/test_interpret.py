"""The interpretation of Henry's statuses: each row is one answer, in one of two dialects."""

from __future__ import annotations

import pytest
from moneyed import Money

from django_henry_checkout.flows.purchase.interpret import interpret
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
