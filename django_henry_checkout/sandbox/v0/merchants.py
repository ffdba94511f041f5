"""Henry's v0: the merchants it buys from. Their ids are the sandbox's own."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.catalogue import MERCHANTS, Merchant
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.validation import RefusedError

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def _id_of(merchant: Merchant) -> str:
    return f"mer_{merchant.host.partition('.')[0]}"


def _domain(given: str) -> str:
    domain = given.strip().lower().removeprefix("www.")
    if not _DOMAIN.fullmatch(domain) or len(domain) > 253:
        raise RefusedError("The merchant domain is malformed.")
    return domain


def list_all(request: HttpRequest) -> HttpResponse:
    limit = checking.query_whole(request.GET.get("limit", "20"), "limit", low=1, high=100)
    page = checking.query_whole(request.GET.get("page", "1"), "page", low=1, high=1_000_000)
    everyone = list(MERCHANTS.values())
    pages = -(-len(everyone) // limit)
    shown = everyone[(page - 1) * limit : page * limit]
    data = {
        "merchants": [
            {
                "id": _id_of(each),
                "domain": each.host,
                "name": each.name,
                "website": f"https://{each.host}",
            }
            for each in shown
        ],
        "pagination": {
            "currentPage": page,
            "totalPages": pages,
            "totalCount": len(everyone),
            "limit": limit,
            "hasNextPage": page < pages,
            "hasPreviousPage": page > 1,
        },
    }
    return envelope("Merchants retrieved successfully", data)


def support(request: HttpRequest, domain: str) -> HttpResponse:
    """The catalogue's merchants are the allow-list; nobody is on the block-list."""
    mode = checking.one_of(
        request.GET.dict(), "checkoutMode", ("allowlist", "blocklist"), default="allowlist"
    )
    supported = _domain(domain) in MERCHANTS or mode == "blocklist"
    return envelope("Merchant status retrieved successfully", {"merchantSupportStatus": supported})


def shipping(request: HttpRequest) -> HttpResponse:
    limit = checking.query_whole(request.GET.get("limit", "20"), "limit", low=1, high=100)
    offset = checking.query_whole(request.GET.get("offset", "0"), "offset", low=0, high=1_000_000)
    domain = _domain(request.GET["domain"]) if request.GET.get("domain") else ""
    merchant_id = request.GET.get("merchantId", "")
    found = [
        each for each in MERCHANTS.values() if domain in ("", each.host) and merchant_id in ("", _id_of(each))
    ]
    data = {
        "hasMore": offset + limit < len(found),
        "totalCount": len(found),
        "merchants": [_shipping_json(each) for each in found[offset : offset + limit]],
    }
    return envelope("Shipping information retrieved successfully", data)


def _shipping_json(merchant: Merchant) -> JSON:
    tiers = [
        {
            "id": f"{_id_of(merchant)}_{option.id}",
            "tierName": option.name,
            "cost": option.cost,
            "estimatedDeliveryMinDays": option.min_days,
            "estimatedDeliveryMaxDays": option.max_days,
        }
        for option in merchant.shipping
    ]
    return {
        "id": _id_of(merchant),
        "domain": merchant.host,
        "name": merchant.name,
        "displayName": merchant.name,
        "freeShippingThreshold": merchant.free_over or None,
        "shippingNotes": None,
        "shippingTiers": tiers,
    }


everyone = api(GET=list_all)
is_supported = api(GET=support)
shipping_info = api(GET=shipping)
