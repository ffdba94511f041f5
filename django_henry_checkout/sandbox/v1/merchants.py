"""Henry's v1: the merchants it knows. What `GET /merchants/{host}` and the search answer is the sandbox's guess."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.catalogue import MERCHANTS, PRODUCTS, Merchant
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.validation import RefusedError

CATEGORIES = (
    "automotive", "baby_and_kids", "ecommerce", "electronics_and_gadgets", "fashion_and_accessories", "finance",
    "food", "health_and_beauty", "home_and_living", "lifestyle_and_entertainment", "other", "sports_and_outdoor",
    "travel", "education",
)  # fmt: skip
_COVERAGES = ("checkoutCoverage", "productSearchCoverage", "productDetailsCoverage")


def find(*, limit: int, cursor: str, host: str, name: str, categories: Sequence[str]) -> list[Merchant]:
    """One page of merchants. Where Henry returns its cursor is not known; here it is the last host of a page."""
    if not set(categories) <= set(CATEGORIES):
        raise RefusedError(f"categories must be of {', '.join(CATEGORIES)}.")
    everyone = list(MERCHANTS.values())
    if cursor:
        if cursor not in MERCHANTS:
            raise RefusedError("cursor must be the host of the last merchant that was seen.")
        everyone = everyone[list(MERCHANTS).index(cursor) + 1 :]
    found = [
        each
        for each in everyone
        if host.lower() in ("", each.host)
        and name.lower() in each.name.lower()
        and (not categories or each.category in categories)
    ]
    return found[:limit]


def merchant_json(request: HttpRequest, merchant: Merchant) -> JSON:
    picture = next(each.slug for each in PRODUCTS.values() if each.merchant is merchant)
    return {
        "host": merchant.host,
        "name": merchant.name,
        "description": merchant.description,
        "website": {"urls": [{"value": f"https://{merchant.host}", "type": "landing"}]},
        "logo": {"urls": [{"value": request.build_absolute_uri(f"/pictures/{picture}.svg")}]},
        "categories": [merchant.category],
    }


def _list(request: HttpRequest) -> HttpResponse:
    """Everything in the sandbox is `supported`, so any other coverage finds nothing."""
    query = request.GET.dict()
    covered = True
    for key in _COVERAGES:
        wanted = checking.one_of(query, key, ("supported", "testing", "unsupported"), default="supported")
        covered = covered and wanted == "supported"
    found = find(
        limit=checking.query_whole(query.get("limit", "20"), "limit", low=1, high=100),
        cursor=query.get("cursor", ""),
        host=query.get("host", ""),
        name=query.get("name", ""),
        # How Henry reads an array in a query is not known: both usual ways work.
        categories=[each for part in request.GET.getlist("categories") for each in part.split(",") if each],
    )
    shown = [merchant_json(request, merchant) for merchant in found] if covered else []
    return envelope("Merchants fetched successfully", shown)


def _retrieve(request: HttpRequest, host: str) -> HttpResponse:
    merchant = MERCHANTS.get(host.lower())
    if merchant is None:
        raise RefusedError("Merchant not found.", status=404)
    filters: dict[str, dict[str, None]] = {}
    for product in PRODUCTS.values():
        for axis in product.options if product.merchant is merchant else ():
            filters.setdefault(axis.name, {}).update(dict.fromkeys(axis.values))
    body = merchant_json(request, merchant) | dict.fromkeys(_COVERAGES, "supported")
    body["searchFilters"] = {name: list(values) for name, values in filters.items()}
    return envelope("Merchant fetched successfully", body)


def _search(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip().lower()
    if not wanted:
        raise RefusedError("q is required.")
    found = [each for each in MERCHANTS.values() if wanted in each.name.lower() or wanted in each.host]
    return envelope("Merchants found", [merchant_json(request, merchant) for merchant in found])


collection = api(GET=_list)
one = api(GET=_retrieve)
search = api(GET=_search)
