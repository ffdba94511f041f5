"""Henry's v0: the supported merchants. Their ids are the sandbox's own."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import validation
from django_henry_checkout.sandbox.engine.catalogue import MERCHANTS, Merchant
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.validation import ApiError

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def _merchant_id(merchant: Merchant) -> str:
    return f"mer_{merchant.host.partition('.')[0]}"


def _parse_domain(value: str) -> str:
    domain = value.strip().lower().removeprefix("www.")
    if not _DOMAIN.fullmatch(domain) or len(domain) > 253:
        raise ApiError("The merchant domain is malformed.")
    return domain


def _list(request: HttpRequest) -> HttpResponse:
    limit = validation.parse_query_integer(request.GET.get("limit", "20"), "limit", low=1, high=100)
    page = validation.parse_query_integer(request.GET.get("page", "1"), "page", low=1, high=1_000_000)
    merchants = list(MERCHANTS.values())
    pages = -(-len(merchants) // limit)
    on_page = merchants[(page - 1) * limit : page * limit]
    data = {
        "merchants": [
            {
                "id": _merchant_id(merchant),
                "domain": merchant.host,
                "name": merchant.name,
                "website": f"https://{merchant.host}",
            }
            for merchant in on_page
        ],
        "pagination": {
            "currentPage": page,
            "totalPages": pages,
            "totalCount": len(merchants),
            "limit": limit,
            "hasNextPage": page < pages,
            "hasPreviousPage": page > 1,
        },
    }
    return envelope("Merchants retrieved successfully", data)


def _get_support_status(request: HttpRequest, domain: str) -> HttpResponse:
    """Return whether a merchant is supported. The allow-list has the catalogue's merchants, the block-list none."""
    mode = validation.read_choice(
        request.GET.dict(), "checkoutMode", ("allowlist", "blocklist"), default="allowlist"
    )
    supported = _parse_domain(domain) in MERCHANTS or mode == "blocklist"
    return envelope("Merchant status retrieved successfully", {"merchantSupportStatus": supported})


def _list_shipping(request: HttpRequest) -> HttpResponse:
    limit = validation.parse_query_integer(request.GET.get("limit", "20"), "limit", low=1, high=100)
    offset = validation.parse_query_integer(request.GET.get("offset", "0"), "offset", low=0, high=1_000_000)
    domain = _parse_domain(request.GET["domain"]) if request.GET.get("domain") else ""
    merchant_id = request.GET.get("merchantId", "")
    found = [
        merchant
        for merchant in MERCHANTS.values()
        if domain in ("", merchant.host) and merchant_id in ("", _merchant_id(merchant))
    ]
    data = {
        "hasMore": offset + limit < len(found),
        "totalCount": len(found),
        "merchants": [_shipping_json(merchant) for merchant in found[offset : offset + limit]],
    }
    return envelope("Shipping information retrieved successfully", data)


def _shipping_json(merchant: Merchant) -> JSON:
    tiers = [
        {
            "id": f"{_merchant_id(merchant)}_{option.id}",
            "tierName": option.name,
            "cost": option.cost,
            "estimatedDeliveryMinDays": option.min_days,
            "estimatedDeliveryMaxDays": option.max_days,
        }
        for option in merchant.shipping
    ]
    return {
        "id": _merchant_id(merchant),
        "domain": merchant.host,
        "name": merchant.name,
        "displayName": merchant.name,
        "freeShippingThreshold": merchant.free_over or None,
        "shippingNotes": None,
        "shippingTiers": tiers,
    }


merchant_list = api_view(GET=_list)
support_status = api_view(GET=_get_support_status)
shipping_info = api_view(GET=_list_shipping)
