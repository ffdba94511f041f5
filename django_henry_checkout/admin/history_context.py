"""What the order's page shows of a story: words for codes, and which deeds are offered where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from django_henry_checkout.admin.labels import (
    AMOUNTS,
    FACTS,
    event_title,
    next_step,
    reason_words,
    source_words,
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


def story_context(story: OrderHistory, *, sees_buyer: bool, may: Mapping[str, bool]) -> dict[str, Any]:
    """Return what the template needs. No query.

    Args:
        may: which of the app's permissions the person has.
    """
    offers = may if story.at is None else {}
    return {
        "story": story,
        "status_label": story.status.label,
        "next_step": next_step(story.order, {each.status for each in story.purchases}),
        "is_urgent": story.order.wants_review or _has_worry(story),
        "reasons": reason_words(story.review_reason),
        "sees_buyer": sees_buyer,
        "parts": [
            (AMOUNTS[name], name == "discount", money)
            for name, money in story.sums.parts
            if money.amount or name == "subtotal"
        ],
        "lines": story.lines,
        "purchases": [
            {
                "it": each.purchase,
                "status": each.status,
                "status_label": PurchaseStatus(each.status).label,
                "poll": each.poll,
                "deeds": _offers(each.purchase, offers),
            }
            for each in story.purchases
        ],
        "deeds": _offers(story.order, offers),
        "chapters": [_chapter(each, story, offers) for each in story.chapters],
    }


def _has_worry(story: OrderHistory) -> bool:
    return any(each.status in {PurchaseStatus.IN_DOUBT, PurchaseStatus.STUCK} for each in story.purchases)


def _offers(target: Any, may: Mapping[str, bool]) -> list[tuple[str, Any]]:
    """Return the deeds that are offered for a target, by name."""
    return [
        (name, deed)
        for name, deed in ORDER_ACTIONS.items()
        if deed.target is type(target) and may.get(deed.permission) and deed.is_offered(target)
    ]


def _chapter(chapter: HistoryEntry, story: OrderHistory, may: Mapping[str, bool]) -> dict[str, Any]:
    event = chapter.event
    return {
        "it": event,
        "title": event_title(event),
        "who": source_words(event.source),
        "is_person": event.source.startswith("staff:"),
        "is_at": story.at is not None and event.pk == story.at.pk,
        "is_later": story.at is not None and event.sequence > story.at.sequence,
        "facts": _facts(event.payload),
        "deliveries": [{"it": delivery, "deeds": _offers(delivery, may)} for delivery in chapter.deliveries],
        "deeds": _offers(event, may),
    }


def _facts(payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    shown = {name: payload[name] for name in _SHOWN_PAYLOAD if payload.get(name)}
    if "reason" in shown:
        shown["reason"] = " ".join(reason_words(str(shown["reason"])))
    if "status" in shown and "previous_status" in shown:
        before, after = (_label(str(shown.pop(name))) for name in ("previous_status", "status"))
        shown = {"": _("%(before)s → %(after)s") % {"before": before, "after": after}, **shown}
    return [
        (str(FACTS.get(name, name)), ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        for name, value in shown.items()
    ]


def _label(status: str) -> str:
    return str(dict(OrderStatus.choices).get(status, status))
