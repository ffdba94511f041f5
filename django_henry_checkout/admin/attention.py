"""What waits for a person, in words, with the way to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_henry_checkout.admin.labels import event_title, reason_words
from django_henry_checkout.flows.order.review_queues import ReviewQueue
from django_henry_checkout.models import AccountRateLimit, Delivery, Order, Purchase, WebhookMessage

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise as StrPromise

Row = dict[str, str]

TITLES: dict[str, tuple[StrPromise, StrPromise, str]] = {
    "in_doubt": (
        gettext_lazy("In doubt"),
        gettext_lazy(
            "A purchase was sent, and nobody knows yet what became of it. It is looked for at Henry."
        ),
        "order_changelist?needs=in_doubt",
    ),
    "stuck": (
        gettext_lazy("Stuck"),
        gettext_lazy("Henry has not finished in time. Polled on, rarely: ask now, or ask Henry."),
        "order_changelist?needs=stuck",
    ),
    "flagged": (
        gettext_lazy("Flagged for review"),
        gettext_lazy("Something about these orders is odd. Look, and mark them as reviewed."),
        "order_changelist?needs=review",
    ),
    "partial": (
        gettext_lazy("Partly completed"),
        gettext_lazy("Some items could not be bought. Their buyers should hear of it."),
        "order_changelist?needs=partial",
    ),
    "dead_deliveries": (
        gettext_lazy("Failed receivers"),
        gettext_lazy(
            "Receivers of the shop that failed again and again. Mend them, then let them run again."
        ),
        "delivery_changelist?status__exact=dead",
    ),
    "webhooks": (
        gettext_lazy("Webhooks that could not be applied"),
        gettext_lazy("Nothing is lost by them: polling finds out the same. They may tell of a wrong secret."),
        "webhookmessage_changelist?status__exact=dead",
    ),
    "accounts": (
        gettext_lazy("Accounts that are not asked at the moment"),
        gettext_lazy("Henry does not answer, or asked for fewer questions. Polling goes on by itself."),
        "accountratelimit_changelist",
    ),
}


def shown(concern: ReviewQueue) -> dict[str, Any]:
    """Return what the page shows of a concern. No query."""
    title, advice, everything = TITLES[concern.name]
    name, _mark, query = everything.partition("?")
    return {
        "name": concern.name,
        "title": title,
        "advice": advice,
        "rows": [_SHOW[type(row)](row) for row in concern.rows],
        "has_more": concern.has_more,
        "all_url": f"{reverse(f'admin:henry_checkout_{name}')}?{query}",
    }


def _order_url(pk: int, anchor: str = "") -> str:
    return reverse("admin:henry_checkout_order_change", args=[pk]) + anchor


def _order(order: Order) -> Row:
    why = " ".join(reason_words(order.review_reason)) if order.needs_review else order.get_status_display()
    return {"name": order.number, "url": _order_url(order.pk), "detail": f"{why} {_since(order.created_at)}"}


def _purchase(purchase: Purchase) -> Row:
    since = _since(purchase.sent_at or purchase.created_at)
    return {
        "name": purchase.order.number,
        "url": _order_url(purchase.order_id),
        "detail": f"{purchase.ref_id} {since}".strip(),
    }


def _delivery(delivery: Delivery) -> Row:
    return {
        "name": delivery.receiver,
        "url": _order_url(delivery.order_id, f"#event-{delivery.sequence}"),
        "detail": f"{delivery.order.number}: {event_title(delivery.event)}. {delivery.last_error}",
    }


def _webhook(message: WebhookMessage) -> Row:
    return {
        "name": str(message),
        "url": reverse("admin:henry_checkout_webhookmessage_change", args=[message.pk]),
        "detail": f"{message.outcome} {_since(message.received_at)}",
    }


def _account(pace: AccountRateLimit) -> Row:
    return {
        "name": pace.account,
        "url": reverse("admin:henry_checkout_accountratelimit_change", args=[pace.pk]),
        "detail": _("does not answer") if pace.circuit_open else _("asked for fewer questions"),
    }


def _since(moment: Any) -> str:
    return _("%(age)s ago") % {"age": timesince(moment, depth=1)}


_SHOW: dict[type[Any], Callable[[Any], Row]] = {
    Order: _order,
    Purchase: _purchase,
    Delivery: _delivery,
    WebhookMessage: _webhook,
    AccountRateLimit: _account,
}
