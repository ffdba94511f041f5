"""Template context of the order page: labels for codes, and the actions that each record offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from django_henry_checkout.admin.labels import (
    AMOUNTS,
    PAYLOAD_LABELS,
    event_title,
    next_step,
    review_reasons,
    source_label,
)
from django_henry_checkout.admin.order_actions import ORDER_ACTIONS
from django_henry_checkout.flows.order.history import HistoryEntry, OrderHistory
from django_henry_checkout.models import OrderStatus, PurchaseStatus

_SHOWN_PAYLOAD = (
    "status",
    "previous_status",
    "reason",
    "note",
    "error",
    "words",
    "ref_id",
    "receiver",
    "receivers",
)


def history_context(
    history: OrderHistory, *, sees_buyer: bool, permissions: Mapping[str, bool]
) -> dict[str, Any]:
    """Return the template context of an order's history. No query.

    Args:
        permissions: whether the user has each of the app's own permissions. An earlier state offers no actions.
    """
    granted = permissions if history.at is None else {}
    return {
        "history": history,
        "status_label": history.status.label,
        "next_step": next_step(history.order, {each.status for each in history.purchases}),
        "is_urgent": history.order.wants_review or _has_urgent_purchase(history),
        "reasons": review_reasons(history.review_reason),
        "sees_buyer": sees_buyer,
        "parts": [
            (AMOUNTS[name], name == "discount", money)
            for name, money in history.totals.parts
            if money.amount or name == "subtotal"
        ],
        "lines": history.lines,
        "purchases": [
            {
                "purchase": each.purchase,
                "status": each.status,
                "status_label": PurchaseStatus(each.status).label,
                "poll": each.poll,
                "actions": _offered_actions(each.purchase, granted),
            }
            for each in history.purchases
        ],
        "actions": _offered_actions(history.order, granted),
        "entries": [_entry_context(each, history, granted) for each in history.entries],
    }


def _has_urgent_purchase(history: OrderHistory) -> bool:
    return any(each.status in {PurchaseStatus.IN_DOUBT, PurchaseStatus.STUCK} for each in history.purchases)


def _offered_actions(target: Any, granted: Mapping[str, bool]) -> list[tuple[str, Any]]:
    """Return the names and actions that a target offers to the user."""
    return [
        (name, action)
        for name, action in ORDER_ACTIONS.items()
        if action.target is type(target) and granted.get(action.permission) and action.is_offered(target)
    ]


def _entry_context(entry: HistoryEntry, history: OrderHistory, granted: Mapping[str, bool]) -> dict[str, Any]:
    event = entry.event
    return {
        "event": event,
        "title": event_title(event),
        "source": source_label(event.source),
        "is_by_staff": event.source.startswith("staff:"),
        "is_at": history.at is not None and event.pk == history.at.pk,
        "is_later": history.at is not None and event.sequence > history.at.sequence,
        "facts": _payload_facts(event.payload),
        "deliveries": [
            {"delivery": delivery, "actions": _offered_actions(delivery, granted)}
            for delivery in entry.deliveries
        ],
        "actions": _offered_actions(event, granted),
    }


def _payload_facts(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the label and text of each payload field that is shown."""
    shown = {name: payload[name] for name in _SHOWN_PAYLOAD if payload.get(name)}
    if "reason" in shown:
        shown["reason"] = " ".join(review_reasons(str(shown["reason"])))
    if "status" in shown and "previous_status" in shown:
        before, after = (_status_label(str(shown.pop(name))) for name in ("previous_status", "status"))
        shown = {"": _("%(before)s → %(after)s") % {"before": before, "after": after}, **shown}
    return [
        (
            str(PAYLOAD_LABELS.get(name, name)),
            ", ".join(map(str, value)) if isinstance(value, list) else str(value),
        )
        for name, value in shown.items()
    ]


def _status_label(status: str) -> str:
    return str(dict(OrderStatus.choices).get(status, status))
