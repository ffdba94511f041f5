"""Henry's v1: supported merchants. [SIM] The responses of `GET /merchants/{host}` and the search are a guess."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import validation
from django_henry_checkout.sandbox.engine.catalogue import MERCHANTS, PRODUCTS, Merchant
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.validation import ApiError

CATEGORIES = (
    "automotive", "baby_and_kids", "ecommerce", "electronics_and_gadgets", "fashion_and_accessories", "finance",
    "food", "health_and_beauty", "home_and_living", "lifestyle_and_entertainment", "other", "sports_and_outdoor",
    "travel", "education",
)  # fmt: skip
_COVERAGES = ("checkoutCoverage", "productSearchCoverage", "productDetailsCoverage")


def find_merchants(
    *, limit: int, cursor: str, host: str, name: str, categories: Sequence[str]
) -> list[Merchant]:
    """Return one page of merchants. [SIM] Henry's cursor is not known; here it is the last host of a page."""
    if not set(categories) <= set(CATEGORIES):
        raise ApiError(f"categories must be of {', '.join(CATEGORIES)}.")
    merchants = list(MERCHANTS.values())
    if cursor:
        if cursor not in MERCHANTS:
            raise ApiError("cursor must be the host of the last merchant that was seen.")
        merchants = merchants[list(MERCHANTS).index(cursor) + 1 :]
    found = [
        merchant
        for merchant in merchants
        if host.lower() in ("", merchant.host)
        and name.lower() in merchant.name.lower()
        and (not categories or merchant.category in categories)
    ]
    return found[:limit]


def merchant_json(request: HttpRequest, merchant: Merchant) -> JSON:
    picture = next(product.slug for product in PRODUCTS.values() if product.merchant is merchant)
    return {
        "host": merchant.host,
        "name": merchant.name,
        "description": merchant.description,
        "website": {"urls": [{"value": f"https://{merchant.host}", "type": "landing"}]},
        "logo": {"urls": [{"value": request.build_absolute_uri(f"/pictures/{picture}.svg")}]},
        "categories": [merchant.category],
    }


def _list(request: HttpRequest) -> HttpResponse:
    """List merchants. All of them are `supported`, so any other coverage has no results."""
    query = request.GET.dict()
    is_covered = True
    for key in _COVERAGES:
        coverage = validation.read_choice(
            query, key, ("supported", "testing", "unsupported"), default="supported"
        )
        is_covered = is_covered and coverage == "supported"
    found = find_merchants(
        limit=validation.parse_query_integer(query.get("limit", "20"), "limit", low=1, high=100),
        cursor=query.get("cursor", ""),
        host=query.get("host", ""),
        name=query.get("name", ""),
        # It is not known how Henry reads an array in a query: both common ways work.
        categories=[each for part in request.GET.getlist("categories") for each in part.split(",") if each],
    )
    data = [merchant_json(request, merchant) for merchant in found] if is_covered else []
    return envelope("Merchants fetched successfully", data)


def _retrieve(request: HttpRequest, host: str) -> HttpResponse:
    merchant = MERCHANTS.get(host.lower())
    if merchant is None:
        raise ApiError("Merchant not found.", status=404)
    filters: dict[str, dict[str, None]] = {}
    for product in PRODUCTS.values():
        for option in product.options if product.merchant is merchant else ():
            filters.setdefault(option.name, {}).update(dict.fromkeys(option.values))
    body = merchant_json(request, merchant) | dict.fromkeys(_COVERAGES, "supported")
    body["searchFilters"] = {name: list(values) for name, values in filters.items()}
    return envelope("Merchant fetched successfully", body)


def _search(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip().lower()
    if not query:
        raise ApiError("q is required.")
    found = [
        merchant
        for merchant in MERCHANTS.values()
        if query in merchant.name.lower() or query in merchant.host
    ]
    return envelope("Merchants found", [merchant_json(request, merchant) for merchant in found])


merchant_list = api_view(GET=_list)
merchant = api_view(GET=_retrieve)
search = api_view(GET=_search)
