"""Labels for stored codes, as shop staff read them. A code without a label is shown as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from django_henry_checkout.models import Event, Order, OrderStatus, PurchaseStatus, WebhookMessage

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

EVENT_LABELS: dict[str, StrPromise] = {
    "checkout_started": gettext_lazy("Checkout started"),
    "checkout_canceled": gettext_lazy("Checkout canceled by the shopper"),
    "checkout_expired": gettext_lazy("Checkout expired"),
    "checkout_errored": gettext_lazy("Checkout failed"),
    "session_replaced": gettext_lazy("Checkout restarted"),
    "purchase_sent": gettext_lazy("Purchase sent to Henry"),
    "purchase_refused": gettext_lazy("Purchase rejected by Henry"),
    "purchase_submitted": gettext_lazy("Purchase received by Henry"),
    "purchase_in_doubt": gettext_lazy("Unclear whether Henry received the purchase"),
    "purchase_completed": gettext_lazy("All items bought"),
    "purchase_partially_completed": gettext_lazy("Some items bought"),
    "purchase_failed": gettext_lazy("No items bought"),
    "purchase_canceled": gettext_lazy("Purchase canceled"),
    "purchase_polled": gettext_lazy("Status checked"),
    "purchase_found_by_staff": gettext_lazy("Marked as bought: refId entered"),
    "purchase_not_bought": gettext_lazy("Marked as not bought"),
    "order_status_changed": gettext_lazy("Order status changed"),
    "order_item_failed": gettext_lazy("An item could not be bought"),
    "order_needs_review": gettext_lazy("Needs review"),
    "order_reviewed": gettext_lazy("Reviewed"),
    "order_canceled_by_staff": gettext_lazy("Order canceled by staff"),
    "delivery_resumed": gettext_lazy("Failed receiver restarted"),
    "event_replayed": gettext_lazy("Receivers run again"),
    "drift_seen": gettext_lazy("Unknown value from Henry"),
    "expected_payment_ended": gettext_lazy("Not paid in time"),
    "buyer_erased": gettext_lazy("Buyer's personal data erased"),
}

#: Titles of `order_status_changed`, by the new status.
STATUS_CHANGE_LABELS: dict[str, StrPromise] = {
    OrderStatus.PLACED: gettext_lazy("Paid"),
    OrderStatus.PROCESSING: gettext_lazy("Buying started"),
    OrderStatus.COMPLETED: gettext_lazy("Completed"),
    OrderStatus.PARTIALLY_COMPLETED: gettext_lazy("Partly completed"),
    OrderStatus.FAILED: gettext_lazy("Failed"),
    OrderStatus.CANCELED: gettext_lazy("Canceled"),
}

SOURCES: dict[str, StrPromise] = {
    "shopper": gettext_lazy("the shopper"),
    "worker": gettext_lazy("a worker"),
    "poll": gettext_lazy("a poll"),
    "webhook": gettext_lazy("a webhook"),
    "confirm": gettext_lazy("the purchase request"),
    "return_page": gettext_lazy("the return page"),
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

#: Fields of an event's payload that are shown below its title.
PAYLOAD_LABELS: dict[str, StrPromise] = {
    "reason": gettext_lazy("reason"),
    "note": gettext_lazy("note"),
    "error": gettext_lazy("error"),
    "words": gettext_lazy("values"),
    "ref_id": gettext_lazy("refId"),
    "receiver": gettext_lazy("receiver"),
    "receivers": gettext_lazy("receivers"),
}

REASONS: dict[str, StrPromise] = {
    "purchase_stuck": gettext_lazy(
        "Henry has not finished the purchase in time. It is still polled, but less often."
    ),
    "polling_ended": gettext_lazy("The purchase never finished, and is no longer polled."),
    "in_doubt_not_found": gettext_lazy("A purchase was sent, but Henry does not list it."),
    "in_doubt_unverified": gettext_lazy("A purchase was sent, but Henry could not be reached to verify it."),
    "payment_unverified": gettext_lazy(
        "Unclear whether the shopper paid on Henry's page: Henry could not be reached."
    ),
    "several_orders_at_henry": gettext_lazy("Henry lists more than one order for this cart."),
    "quantity_differs": gettext_lazy("Henry bought a different quantity."),
    "items_differ": gettext_lazy("Henry bought different items than were ordered."),
    "item_outcome_unknown": gettext_lazy("Henry does not report the outcome of an item."),
    "total_above_accepted": gettext_lazy("The total is higher than the buyer accepted."),
    "failed_but_items_bought": gettext_lazy("Henry reports a failure, but items were bought."),
    "cancelled_but_items_bought": gettext_lazy("Henry reports a cancellation, but items were bought."),
    "paid_after_ending": gettext_lazy("Paid after the order had ended."),
    "not_as_staff_decided": gettext_lazy("Henry's report contradicts a decision by staff."),
}

#: Replaces an error's own text, which is for developers, by its code.
ERRORS: dict[str, StrPromise] = {
    "not_in_doubt": gettext_lazy("Reload the order: the outcome of the purchase is now known."),
    "ref_taken": gettext_lazy("Check the refId: it belongs to another purchase."),
    "cannot_cancel": gettext_lazy(
        "Resolve the purchase first: it is being bought or may have been bought, or the order has ended."
    ),
    "illegal_transition": gettext_lazy(
        "Nothing was changed: the order has changed in the meantime. Check it again."
    ),
    "henry_not_found": gettext_lazy("Henry does not know this id. It may belong to another account."),
    "henry_authentication_failed": gettext_lazy("Henry rejected the API key of this account."),
    "henry_rate_limited": gettext_lazy("Henry limits requests at the moment. Try again in a few minutes."),
    "henry_timeout": gettext_lazy("Henry did not respond in time. Try again in a few minutes."),
    "henry_unavailable": gettext_lazy("Henry could not be reached. Try again in a few minutes."),
}

#: Outcomes that the webhook inbox stores in English; the admin translates them.
WEBHOOK_OUTCOMES = frozenset(
    {
        gettext_noop("Applied"),
        gettext_noop("No change"),
        gettext_noop("Out of order: status requested"),
        gettext_noop("Already finished"),
    }
)


def error_message(error: Exception) -> str:
    """Return what went wrong and what to do."""
    return str(ERRORS.get(getattr(error, "code", ""), error))


def event_title(event: Event) -> str:
    """Return the label of an event; a change of the order's status is named by the new status."""
    if event.type == "order_status_changed" and event.payload.get("status") in STATUS_CHANGE_LABELS:
        return str(STATUS_CHANGE_LABELS[event.payload["status"]])
    return str(EVENT_LABELS.get(event.type, event.type))


def source_label(source: str) -> str:
    """Return who or what caused an event."""
    if source.startswith("staff:"):
        return source.removeprefix("staff:")
    return str(SOURCES.get(source, source))


def review_reasons(reasons: str) -> list[str]:
    """Return one sentence for each reason why an order is flagged for review."""
    return [_review_reason(reason) for reason in reasons.split("; ") if reason]


def _review_reason(reason: str) -> str:
    code, _colon, detail = reason.partition(": ")
    label = str(REASONS.get(code, code))
    return f"{label} ({detail})" if detail else label


def webhook_outcome(message: WebhookMessage) -> str:
    """Return the outcome of a webhook, translated if it is a known one."""
    outcome = message.outcome.removesuffix(".")
    return _(outcome) if outcome in WEBHOOK_OUTCOMES else message.outcome


def next_step(order: Order, purchase_statuses: set[str]) -> str:
    """Return the next step of an order in a few words; "" if there is none."""
    if PurchaseStatus.IN_DOUBT in purchase_statuses:
        return _("Find out whether it was bought")
    if PurchaseStatus.STUCK in purchase_statuses:
        return _("Ask Henry about the delay")
    if order.needs_review:
        return _("Review the order")
    if order.wants_review:
        return _("Tell the buyer what could not be bought")
    if order.status == OrderStatus.OPEN:
        return _("Waiting for shopper")
    return "" if order.is_terminal else _("Henry is buying")
