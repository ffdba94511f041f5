"""Template context of the attention page: each review queue's title, advice and rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_henry_checkout.admin.labels import event_title, review_reasons, webhook_outcome
from django_henry_checkout.flows.order.review_queues import ReviewQueue
from django_henry_checkout.models import AccountRateLimit, Delivery, Order, Purchase, WebhookMessage

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

Row = dict[str, str]

#: Title, advice and full list (name and query of an admin URL) of each queue.
QUEUE_TEXTS: dict[str, tuple[StrPromise, StrPromise, str]] = {
    "in_doubt": (
        gettext_lazy("In doubt"),
        gettext_lazy(
            "A purchase was sent, but its outcome is unknown. The app searches for it; if it is not found, "
            "ask Henry's support and record the answer."
        ),
        "order_changelist?needs=in_doubt",
    ),
    "stuck": (
        gettext_lazy("Stuck"),
        gettext_lazy(
            "Henry has not finished in time, so the app polls less often. Check the status, or ask Henry's support."
        ),
        "order_changelist?needs=stuck",
    ),
    "flagged": (
        gettext_lazy("Flagged for review"),
        gettext_lazy("Something about these orders is unusual. Check them, then mark them as reviewed."),
        "order_changelist?needs=review",
    ),
    "partial": (
        gettext_lazy("Partly completed"),
        gettext_lazy("Some items could not be bought. Tell the buyers, then mark the orders as reviewed."),
        "order_changelist?needs=partial",
    ),
    "dead_deliveries": (
        gettext_lazy("Failed receivers"),
        gettext_lazy("Your shop's receivers failed on every attempt. Fix the cause, then run them again."),
        "delivery_changelist?status__exact=dead",
    ),
    "webhooks": (
        gettext_lazy("Webhooks that could not be applied"),
        gettext_lazy(
            "Nothing is lost: polling gets the same information. A wrong webhook secret can be the cause."
        ),
        "webhookmessage_changelist?status__exact=dead",
    ),
    "accounts": (
        gettext_lazy("Paused accounts"),
        gettext_lazy("Henry does not respond, or limits requests. Polling resumes by itself."),
        "accountratelimit_changelist",
    ),
}


def queue_context(queue: ReviewQueue) -> dict[str, Any]:
    """Return the template context of a queue. No query."""
    title, advice, full_list = QUEUE_TEXTS[queue.name]
    url_name, _mark, query = full_list.partition("?")
    return {
        "name": queue.name,
        "title": title,
        "advice": advice,
        "rows": [_ROWS[type(row)](row) for row in queue.rows],
        "count": count_text([queue]),
        "has_more": queue.has_more,
        "all_url": f"{reverse(f'admin:henry_checkout_{url_name}')}?{query}",
    }


def count_text(queues: Sequence[ReviewQueue]) -> str:
    """Return how many rows the queues hold: "3", or "20+" if a queue has more than it lists."""
    count = sum(len(queue.rows) for queue in queues)
    return f"{count}+" if any(queue.has_more for queue in queues) else str(count)


def _order_url(pk: int, anchor: str = "") -> str:
    return reverse("admin:henry_checkout_order_change", args=[pk]) + anchor


def _order_row(order: Order) -> Row:
    reason = (
        " ".join(review_reasons(order.review_reason)) if order.needs_review else order.get_status_display()
    )
    return {
        "name": order.number,
        "url": _order_url(order.pk),
        "detail": _join(reason, _time_ago(order.created_at)),
    }


def _purchase_row(purchase: Purchase) -> Row:
    age = _time_ago(purchase.sent_at or purchase.created_at)
    return {
        "name": purchase.order.number,
        "url": _order_url(purchase.order_id),
        "detail": _join(purchase.ref_id, age),
    }


def _delivery_row(delivery: Delivery) -> Row:
    return {
        "name": delivery.receiver,
        "url": _order_url(delivery.order_id, f"#event-{delivery.sequence}"),
        "detail": _join(delivery.order.number, event_title(delivery.event), delivery.last_error),
    }


def _webhook_row(message: WebhookMessage) -> Row:
    return {
        "name": str(message),
        "url": reverse("admin:henry_checkout_webhookmessage_change", args=[message.pk]),
        "detail": _join(webhook_outcome(message), _time_ago(message.received_at)),
    }


def _account_row(rate_limit: AccountRateLimit) -> Row:
    return {
        "name": rate_limit.account,
        "url": reverse("admin:henry_checkout_accountratelimit_change", args=[rate_limit.pk]),
        "detail": _("not responding") if rate_limit.circuit_open else _("rate limited"),
    }


def _join(*texts: str) -> str:
    return " · ".join(text.removesuffix(".") for text in texts if text)


def _time_ago(moment: datetime) -> str:
    return _("%(age)s ago") % {"age": timesince(moment, depth=1)}


_ROWS: dict[type[Any], Callable[[Any], Row]] = {
    Order: _order_row,
    Purchase: _purchase_row,
    Delivery: _delivery_row,
    WebhookMessage: _webhook_row,
    AccountRateLimit: _account_row,
}
