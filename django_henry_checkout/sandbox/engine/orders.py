"""Place orders, and compute their status from the clock at each request."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django_henry_checkout.sandbox.engine import pricing
from django_henry_checkout.sandbox.engine.catalogue import product_for_link
from django_henry_checkout.sandbox.engine.scenario import Scenario
from django_henry_checkout.sandbox.engine.state import JSON, Buyer, Cart, Line, Order, Plan, PricedLine, Rules
from django_henry_checkout.sandbox.engine.store import Store, new_ref

TERMINAL_STATUSES = ("complete", "partially_complete", "failed", "cancelled")
# An order with a failed item may stay in processing for this long: henry-api.md, section 6.1.
SETTLE_SECONDS = 3600.0
_OUTCOMES_BY_CARD_PLAN = {
    "some_items_fail": "partially_complete",
    "all_items_fail": "failed",
    "cancelled": "cancelled",
    "awaiting_merchant": "awaiting_merchant",
    "hidden_failures": "complete",
}


@dataclass(frozen=True)
class Payment:
    """How a cart was paid: the channel, the effect of the card, and the nonce of the page."""

    via: str
    card_plan: str = ""
    problem: str = ""
    outcome: str = ""
    attempt: str = ""


def place_order(
    store: Store,
    cart: Cart,
    *,
    buyer: Buyer,
    payment: Payment,
    lines: Sequence[Line] | None = None,
    choices: dict[str, str] | None = None,
    coupons: Sequence[str] = (),
    rules: Rules | None = None,
    metadata: JSON | None = None,
) -> Order:
    """Place the order of a cart, which can be paid once.

    Raises:
        AlreadyBoughtError: the cart has a paid order; nothing changed.
    """
    with store.lock:
        lines = list(cart.lines if lines is None else lines)
        order = Order(
            ref_id=new_ref("ckp"),
            cart_id=cart.cart_id,
            created_at=store.next_order_time(),
            via=payment.via,
            lines=pricing.price_lines(lines, choices=choices, coupons=coupons),
            buyer=buyer,
            rules=rules or cart.rules,
            plan=plan_order(lines, scenario=store.scenario, payment=payment),
            attempt=payment.attempt,
            problem=payment.problem,
            order_id=str(uuid.uuid4()) if cart.user_id else "",
            user_id=cart.user_id,
            dialect=cart.dialect,
            metadata=metadata,
        )
        store.add_order(order)
        return order


def plan_order(lines: Sequence[Line], *, scenario: Scenario, payment: Payment) -> Plan:
    """Decide the outcome of an order. The most specific setting wins: pay call, card, then scenario."""
    card = payment.card_plan
    outcome = payment.outcome or _OUTCOMES_BY_CARD_PLAN.get(card, "") or scenario.outcome
    if card == "some_items_fail" and len(lines) == 1 and not payment.outcome:
        outcome = "failed"
    line_outcomes = [_requested_outcome(line, scenario) for line in lines]
    if card in ("hidden_failures", "slow") and not payment.outcome:
        line_outcomes[0] = "failed"
    line_outcomes = _fill_outcomes(line_outcomes, outcome)
    return Plan(
        outcome=outcome or _summarize_outcomes(line_outcomes),
        lines=line_outcomes,
        pending_seconds=scenario.timing.pending_seconds,
        processing_seconds=scenario.timing.processing_seconds,
        settle_seconds=SETTLE_SECONDS if card == "slow" else 0.0,
    )


def _requested_outcome(line: Line, scenario: Scenario) -> str:
    requested = (line.metadata or {}).get("sandbox")
    if isinstance(requested, str) and requested:
        return requested
    default = "" if product_for_link(line.link).is_in_stock else "failed"
    return scenario.items.get(line.link, default)


def _fill_outcomes(line_outcomes: list[str], outcome: str) -> list[str]:
    """Give each line without an outcome of its own the one that matches the order's."""
    if outcome == "partially_complete":
        needs_failure = not any(each in ("failed", "cancelled") for each in line_outcomes)
        is_only = len(line_outcomes) == 1
        return [
            each or ("failed" if needs_failure and (index % 2 or is_only) else "complete")
            for index, each in enumerate(line_outcomes)
        ]
    default = "processing"
    if outcome in ("", "complete"):
        default = "complete"
    elif outcome in TERMINAL_STATUSES:
        default = outcome
    return [each or default for each in line_outcomes]


def _summarize_outcomes(line_outcomes: list[str]) -> str:
    distinct = set(line_outcomes)
    if distinct - set(TERMINAL_STATUSES):
        return "processing"
    if len(distinct) == 1:
        return line_outcomes[0]
    return "partially_complete" if distinct & {"complete", "partially_complete"} else "failed"


def current_status(store: Store, order: Order, *, now: datetime | None = None) -> str:
    """Return the status in the dialect of the scenario, or else in that of the order."""
    return order_status(order, now or store.now(), dialect=store.scenario.dialect or order.dialect or "six")


def order_status(order: Order, now: datetime, *, dialect: str) -> str:
    """Return the status of an order at a time, in one of the two dialects."""
    age = (now - order.created_at).total_seconds()
    plan = order.plan
    if age < plan.pending_seconds:
        return "pending"
    if not order.is_paid:
        return "cancelled" if dialect == "four" else "failed"
    if age < plan.pending_seconds + plan.processing_seconds + plan.settle_seconds:
        return "processing"
    if dialect == "four" and plan.outcome in ("partially_complete", "failed"):
        # The old dialect has no status for failure: an order is complete once every attempt has ended.
        return "complete"
    return plan.outcome


def line_status(order: Order, index: int, now: datetime) -> str:
    """Return the status of one line at a time. Lines finish one by one, evenly over the processing time."""
    age = (now - order.created_at).total_seconds()
    plan = order.plan
    if age < plan.pending_seconds:
        return "pending"
    if not order.is_paid:
        return "failed"
    share = (index + 1) / (len(plan.lines) + 1)
    has_ended = age >= plan.pending_seconds + plan.processing_seconds * share
    return plan.lines[index] if has_ended else "processing"


def line_statuses(order: Order, now: datetime) -> list[str]:
    """Return the statuses of all lines at a time."""
    return [line_status(order, index, now) for index in range(len(order.lines))]


def next_change_at(order: Order, now: datetime) -> datetime | None:
    """Return when the status of the order or a line changes next, or None if it is final."""
    age = (now - order.created_at).total_seconds()
    seconds = next((seconds for seconds in _change_ages(order) if seconds > age), None)
    return None if seconds is None else order.created_at + timedelta(seconds=seconds)


def _change_ages(order: Order) -> Iterator[float]:
    """Yield the ages in seconds at which a status changes."""
    plan = order.plan
    yield plan.pending_seconds
    if order.is_paid:
        for index in range(len(plan.lines)):
            yield plan.pending_seconds + plan.processing_seconds * ((index + 1) / (len(plan.lines) + 1))
        yield plan.pending_seconds + plan.processing_seconds + plan.settle_seconds


def confirmed_lines(order: Order, now: datetime) -> list[PricedLine]:
    """Return the lines that the merchants have confirmed at a time."""
    return [line for index, line in enumerate(order.lines) if line_status(order, index, now) == "complete"]


def confirmation_number(order: Order, line: PricedLine) -> str:
    """Return the merchant's confirmation number of a line."""
    index = list(order.lines).index(line)
    initials = "".join(word[0] for word in line.merchant.split() if word[0].isalnum()).upper()[:3]
    return f"{initials}-{order.ref_id[8:16].upper()}-{index + 1}"


def build_error(order: Order, status: str) -> dict[str, str] | None:
    """Return the error of a job. [SIM] Its keys are ours: Henry's are not known."""
    if order.problem:
        messages = {
            "card_declined": "The card was declined.",
            "insufficient_funds": "The card has insufficient funds.",
        }
        return {"code": order.problem, "message": messages.get(order.problem, "The payment failed.")}
    if status == "failed":
        return {"code": "items_unavailable", "message": "None of the items could be bought."}
    if status == "cancelled":
        return {"code": "order_cancelled", "message": "The order was cancelled before it was placed."}
    return None
