"""What codes mean, for people. A code without a word here is shown as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_henry_checkout.models import Event, Order, OrderStatus, PurchaseStatus

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

EVENT_LABELS: dict[str, StrPromise] = {
    "checkout_started": gettext_lazy("Checkout begun"),
    "checkout_canceled": gettext_lazy("Checkout left by the shopper"),
    "checkout_expired": gettext_lazy("Checkout ran out of time"),
    "checkout_errored": gettext_lazy("Checkout failed"),
    "session_replaced": gettext_lazy("Checkout begun again"),
    "purchase_sent": gettext_lazy("Purchase sent to Henry"),
    "purchase_refused": gettext_lazy("Purchase refused by Henry"),
    "purchase_submitted": gettext_lazy("Henry has the purchase"),
    "purchase_in_doubt": gettext_lazy("Nobody knows whether Henry has the purchase"),
    "purchase_completed": gettext_lazy("Everything was bought"),
    "purchase_partially_completed": gettext_lazy("Some of it was bought"),
    "purchase_failed": gettext_lazy("Nothing could be bought"),
    "purchase_canceled": gettext_lazy("The purchase was canceled"),
    "purchase_polled": gettext_lazy("Henry was asked at once"),
    "purchase_found_by_staff": gettext_lazy("Found at Henry by hand"),
    "purchase_not_bought": gettext_lazy("Nothing was bought: decided by hand"),
    "order_status_changed": gettext_lazy("The order moved on"),
    "order_item_failed": gettext_lazy("An item could not be bought"),
    "order_needs_review": gettext_lazy("A person should look"),
    "order_reviewed": gettext_lazy("A person has looked"),
    "order_canceled_by_staff": gettext_lazy("Canceled by hand"),
    "delivery_resumed": gettext_lazy("A parked receiver runs again"),
    "event_replayed": gettext_lazy("Receivers run once more"),
    "drift_seen": gettext_lazy("Henry used words that are not known"),
    "expected_payment_ended": gettext_lazy("Nobody paid: waiting ended"),
    "buyer_erased": gettext_lazy("The buyer's personal data was erased"),
}

SOURCES: dict[str, StrPromise] = {
    "shopper": gettext_lazy("the shopper"),
    "worker": gettext_lazy("a worker"),
    "poll": gettext_lazy("a poll"),
    "webhook": gettext_lazy("a webhook"),
    "confirm": gettext_lazy("Henry's answer to the purchase"),
    "return_page": gettext_lazy("the shopper's return"),
    "reconcile": gettext_lazy("a reconciliation"),
    "retention": gettext_lazy("the retention rules"),
}

AMOUNTS: dict[str, StrPromise] = {
    "subtotal": gettext_lazy("Subtotal"),
    "shipping": gettext_lazy("Shipping"),
    "tax": gettext_lazy("Tax"),
    "fee": gettext_lazy("Fee"),
    "discount": gettext_lazy("Discount"),
}

#: What events tell beside their title.
FACTS: dict[str, StrPromise] = {
    "reason": gettext_lazy("why"),
    "note": gettext_lazy("note"),
    "error": gettext_lazy("error"),
    "words": gettext_lazy("words"),
    "ref_id": gettext_lazy("refId"),
    "receiver": gettext_lazy("receiver"),
    "receivers": gettext_lazy("receivers"),
}

REASONS: dict[str, StrPromise] = {
    "purchase_stuck": gettext_lazy("Henry has not finished the purchase in time. It is polled on, rarely."),
    "polling_ended": gettext_lazy("The purchase never ended, and is not polled any more."),
    "in_doubt_not_found": gettext_lazy("A purchase was sent, and Henry does not list it."),
    "in_doubt_unverified": gettext_lazy("A purchase was sent, and Henry could not be asked about it."),
    "payment_unverified": gettext_lazy(
        "Nobody knows whether Henry's page was paid: Henry could not be asked."
    ),
    "several_orders_at_henry": gettext_lazy("Henry lists more than one order of this cart."),
    "quantity_differs": gettext_lazy("Henry bought another quantity."),
    "items_differ": gettext_lazy("Henry bought other items than were ordered."),
    "item_outcome_unknown": gettext_lazy("Henry does not say what became of an item."),
    "total_above_accepted": gettext_lazy("The total is higher than what the buyer accepted."),
    "failed_but_items_bought": gettext_lazy("Henry says that it failed, but that items were bought."),
    "cancelled_but_items_bought": gettext_lazy(
        "Henry says that it was canceled, but that items were bought."
    ),
    "paid_after_ending": gettext_lazy("It was paid after the order had ended."),
    "not_as_staff_decided": gettext_lazy("Henry says something else than what a person decided."),
}

#: What an error says itself is for developers; these are for staff, by its code.
ERRORS: dict[str, StrPromise] = {
    "not_in_doubt": gettext_lazy("Look at the order again: what became of the purchase is known by now."),
    "ref_taken": gettext_lazy("Look for the right refId: another purchase has this one."),
    "cannot_cancel": gettext_lazy(
        "Resolve the purchase first: it is being bought, or may have been; or the order has ended."
    ),
    "illegal_transition": gettext_lazy("Nothing was changed: the order has moved on. Look at it again."),
    "henry_not_found": gettext_lazy("Henry does not know this id; it may belong to another account."),
    "henry_authentication_failed": gettext_lazy("Henry refused the API key of this account."),
    "henry_rate_limited": gettext_lazy("Henry asked for a pause. Try again in a few minutes."),
    "henry_timeout": gettext_lazy("Henry did not answer in time. Try again a little later."),
    "henry_unavailable": gettext_lazy("Henry could not be reached. Try again a little later."),
}


def error_message(error: Exception) -> str:
    """Return what went wrong and what to do, in words."""
    return str(ERRORS.get(getattr(error, "code", ""), error))


def event_title(event: Event) -> str:
    """Return what happened, in words."""
    return str(EVENT_LABELS.get(event.type, event.type))


def source_words(source: str) -> str:
    """Return who or what caused an event."""
    if source.startswith("staff:"):
        return source.removeprefix("staff:")
    return str(SOURCES.get(source, source))


def reason_words(reasons: str) -> list[str]:
    """Return why an order was flagged, a sentence for each reason."""
    return [_one_reason(reason) for reason in reasons.split("; ") if reason]


def _one_reason(reason: str) -> str:
    code, _colon, detail = reason.partition(": ")
    words = str(REASONS.get(code, code))
    return f"{words} ({detail})" if detail else words


def next_step(order: Order, purchase_statuses: set[str]) -> str:
    """Return what is needed next, in a few words; "" if nothing is."""
    if PurchaseStatus.IN_DOUBT in purchase_statuses:
        return _("Find out whether it was bought")
    if PurchaseStatus.STUCK in purchase_statuses:
        return _("Ask Henry why it takes so long")
    if order.needs_review:
        return _("Look at it")
    if order.wants_review:
        return _("Tell the buyer what could not be bought")
    if order.status == OrderStatus.OPEN:
        return _("The shopper pays")
    return "" if order.is_terminal else _("Henry buys")
