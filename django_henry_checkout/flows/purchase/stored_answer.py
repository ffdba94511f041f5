"""The part of Henry's answer that is stored as JSON with the purchase: outcomes and amounts, no personal data."""

from __future__ import annotations

from typing import Any

from moneyed import Money

from django_henry_checkout.types import Costs, ItemOutcome, Observation


def without_personal_data(observation: Observation) -> dict[str, Any]:
    """Return the items and amounts of an observation as JSON, without the buyer; amounts are text."""
    return {
        "refId": observation.ref_id,
        "status": observation.status,
        "error": observation.error,
        "costs": _costs_json(observation.costs),
        "items": [_item_json(item) for item in observation.items],
    }


def _item_json(item: ItemOutcome) -> dict[str, Any]:
    content: dict[str, Any] = {
        "link": item.link,
        "status": item.status,
        "host": item.host,
        "confirmationNumber": item.confirmation_number,
        "costs": _costs_json(item.costs),
    }
    if item.shipping_option is not None:
        option = item.shipping_option
        content["shippingOption"] = {
            "id": option.option_id,
            "name": option.name,
            "cost": _money_json(option.cost),
            "timeEstimate": option.time_estimate,
            "minDate": option.min_date,
            "maxDate": option.max_date,
        }
    if item.coupon is not None:
        code, saved = item.coupon
        content["appliedCoupon"] = {"code": code, "savedAmount": _money_json(saved)}
    return content


def _costs_json(costs: Costs) -> dict[str, Any]:
    return {name: _money_json(value) for name, value in vars(costs).items() if value is not None}


def _money_json(money: Money | None) -> dict[str, str] | None:
    return None if money is None else {"value": str(money.amount), "currency": money.currency.code}
