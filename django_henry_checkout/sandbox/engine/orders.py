"""How an order comes to be and how it moves: its status is computed from the clock whenever somebody looks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django_henry_checkout.sandbox.engine import pricing
from django_henry_checkout.sandbox.engine.catalogue import product_for
from django_henry_checkout.sandbox.engine.scenario import Scenario
from django_henry_checkout.sandbox.engine.state import JSON, Buyer, Cart, Line, Order, Plan, PricedLine, Rules
from django_henry_checkout.sandbox.engine.store import Store, new_ref

TERMINAL = ("complete", "partially_complete", "failed", "cancelled")
# An order with a failed item may stay unsettled for as long as this: henry-api.md, section 6.1.
SETTLE_SECONDS = 3600.0
_CARD_WORDS = {
    "some_items_fail": "partially_complete",
    "all_items_fail": "failed",
    "cancelled": "cancelled",
    "awaiting_merchant": "awaiting_merchant",
    "hidden_failures": "complete",
}


@dataclass(frozen=True)
class Payment:
    """How a cart was paid: from where, with which effect, and the nonce of the page that sent it."""

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
    """Pay a cart once.

    Raises:
        AlreadyBoughtError: the cart has a paid order; nothing was changed.
    """
    with store.lock:
        wanted = list(cart.lines if lines is None else lines)
        order = Order(
            ref_id=new_ref("ckp"),
            cart_id=cart.cart_id,
            created_at=store.next_order_time(),
            via=payment.via,
            lines=pricing.price(wanted, choices=choices, coupons=coupons),
            buyer=buyer,
            rules=rules or cart.rules,
            plan=make_plan(wanted, scenario=store.scenario, payment=payment),
            attempt=payment.attempt,
            problem=payment.problem,
            order_id=str(uuid.uuid4()) if cart.user_id else "",
            user_id=cart.user_id,
            dialect=cart.dialect,
            metadata=metadata,
        )
        store.add_order(order)
        return order


def make_plan(lines: Sequence[Line], *, scenario: Scenario, payment: Payment) -> Plan:
    """Decide the end of an order. What was said nearest to this purchase wins: pay call, card, scenario."""
    card = payment.card_plan
    asked = payment.outcome or _CARD_WORDS.get(card, "") or scenario.outcome
    if card == "some_items_fail" and len(lines) == 1 and not payment.outcome:
        asked = "failed"
    words = [_asked_of(line, scenario) for line in lines]
    if card in ("hidden_failures", "slow") and not payment.outcome:
        words[0] = "failed"
    words = _filled(words, asked)
    return Plan(
        outcome=asked or _summed_up(words),
        lines=words,
        pending_seconds=scenario.timing.pending_seconds,
        processing_seconds=scenario.timing.processing_seconds,
        settle_seconds=SETTLE_SECONDS if card == "slow" else 0.0,
    )


def _asked_of(line: Line, scenario: Scenario) -> str:
    asked = (line.metadata or {}).get("sandbox")
    if isinstance(asked, str) and asked:
        return asked
    usual = "" if product_for(line.link).is_in_stock else "failed"
    return scenario.items.get(line.link, usual)


def _filled(words: list[str], outcome: str) -> list[str]:
    """Give every line without a word of its own the one that fits the order's outcome."""
    if outcome == "partially_complete":
        fails = not any(word in ("failed", "cancelled") for word in words)
        last = len(words) == 1
        return [
            word or ("failed" if fails and (at % 2 or last) else "complete") for at, word in enumerate(words)
        ]
    usual = "processing"
    if outcome in ("", "complete"):
        usual = "complete"
    elif outcome in TERMINAL:
        usual = outcome
    return [word or usual for word in words]


def _summed_up(words: list[str]) -> str:
    kinds = set(words)
    if kinds - set(TERMINAL):
        return "processing"
    if len(kinds) == 1:
        return words[0]
    return "partially_complete" if "complete" in kinds or "partially_complete" in kinds else "failed"


def status_now(store: Store, order: Order, *, now: datetime | None = None) -> str:
    """The status in the words that the scenario asks for, else in those of the order's generation."""
    return order_status(order, now or store.now(), dialect=store.scenario.dialect or order.dialect or "six")


def order_status(order: Order, now: datetime, *, dialect: str) -> str:
    age = (now - order.created_at).total_seconds()
    plan = order.plan
    if age < plan.pending_seconds:
        return "pending"
    if not order.is_paid:
        return "cancelled" if dialect == "four" else "failed"
    if age < plan.pending_seconds + plan.processing_seconds + plan.settle_seconds:
        return "processing"
    if dialect == "four" and plan.outcome in ("partially_complete", "failed"):
        # The old words have none for failure: an order whose every attempt ended is complete.
        return "complete"
    return plan.outcome


def line_status(order: Order, index: int, now: datetime) -> str:
    """Items end one after the other, evenly over the processing time."""
    age = (now - order.created_at).total_seconds()
    plan = order.plan
    if age < plan.pending_seconds:
        return "pending"
    if not order.is_paid:
        return "failed"
    share = (index + 1) / (len(plan.lines) + 1)
    ended = age >= plan.pending_seconds + plan.processing_seconds * share
    return plan.lines[index] if ended else "processing"


def line_statuses(order: Order, now: datetime) -> list[str]:
    return [line_status(order, at, now) for at in range(len(order.lines))]


def next_change(order: Order, now: datetime) -> datetime | None:
    """When the order or one of its items will next have another status; None if it is settled."""
    age = (now - order.created_at).total_seconds()
    later = (seconds for seconds in _steps(order) if seconds > age)
    found = next(later, None)
    return None if found is None else order.created_at + timedelta(seconds=found)


def _steps(order: Order) -> Iterator[float]:
    plan = order.plan
    yield plan.pending_seconds
    if order.is_paid:
        for index in range(len(plan.lines)):
            yield plan.pending_seconds + plan.processing_seconds * ((index + 1) / (len(plan.lines) + 1))
        yield plan.pending_seconds + plan.processing_seconds + plan.settle_seconds


def bought_lines(order: Order, now: datetime) -> list[PricedLine]:
    """The lines that the merchants have confirmed by now."""
    return [line for at, line in enumerate(order.lines) if line_status(order, at, now) == "complete"]


def confirmation_number(order: Order, line: PricedLine) -> str:
    index = list(order.lines).index(line)
    initials = "".join(word[0] for word in line.merchant.split() if word[0].isalnum()).upper()[:3]
    return f"{initials}-{order.ref_id[8:16].upper()}-{index + 1}"


def error_of(order: Order, status: str) -> dict[str, str] | None:
    """The job error. Its keys are the sandbox's choice: Henry's are not known."""
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
