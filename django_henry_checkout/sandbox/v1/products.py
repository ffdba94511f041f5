"""Henry's v1: product search and product details."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import pricing, validation
from django_henry_checkout.sandbox.engine.catalogue import Product, ProductOption, product_for_link
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import json_response
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v1.jobs import find_job, read_mode, wait_for_jobs
from django_henry_checkout.sandbox.v1.wire import job_json, money


def _search(request: HttpRequest) -> HttpResponse:
    """Search by words. Both the flat body and the one with `type` and `filters` are accepted."""
    body = validation.read_json(request.body)
    filters = validation.read_object(body, "filters") or body
    kind = validation.read_choice(body, "type", ("global", "merchant"), default="global")
    is_image = filters.get("type") == "image" or "imageUrl" in filters
    needs_query = kind == "global" and not is_image
    query = validation.read_text(filters if "query" in filters else body, "query", required=needs_query)
    found = [product for product in pricing.current_products() if _matches(product, query, filters)]
    found = _sort(found, filters)
    limit = validation.parse_integer(body.get("limit", 20), "limit", low=1, high=100)
    cursor = validation.parse_integer(body.get("cursor") or 0, "cursor", low=0, high=9007199254740991)
    is_last = cursor + limit >= len(found)
    pages = {
        "nextCursor": None if is_last else cursor + limit,
        "previousCursor": max(0, cursor - limit) if cursor else None,
    }
    products = [product_json(request, product) for product in found[cursor : cursor + limit]]
    job = store.add_job("prs", result={"products": products, "pagination": pages})
    return json_response(wait_for_jobs(lambda: [job_json(job)], read_mode(body))[0])


def _matches(product: Product, query: str, filters: JSON) -> bool:
    text = f"{product.title} {product.description} {product.merchant.name} {product.category}".lower()
    if not all(word in text for word in query.lower().split()):
        return False
    merchant = filters.get("merchant")
    merchants = [merchant] if merchant else filters.get("merchants")
    if (
        isinstance(merchants, list)
        and merchants
        and not any(_is_sold_by(product, each) for each in merchants)
    ):
        return False
    price = validation.read_object(filters, "price") or {
        "min": filters.get("minPrice"),
        "max": filters.get("maxPrice"),
    }
    low, high = price.get("min"), price.get("max")
    if low is not None and product.price < validation.parse_amount(low, "price.min"):
        return False
    return high is None or product.price <= validation.parse_amount(high, "price.max")


def _is_sold_by(product: Product, merchant: object) -> bool:
    if not isinstance(merchant, str):
        raise ApiError("merchants must be strings.")
    name = merchant.lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    return name in (product.merchant.host, product.merchant.name.lower())


def _sort(found: list[Product], filters: JSON) -> list[Product]:
    orders = ("", "lowToHigh", "highToLow", "price-low-to-high", "price-high-to-low")
    order = validation.read_choice(filters, "sortBy", orders, default="")
    if not order:
        return found
    return sorted(found, key=_get_price, reverse=order in ("highToLow", "price-high-to-low"))


def _get_price(product: Product) -> Decimal:
    return product.price


def _request_details(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    link = validation.parse_https_url(body.get("link"), "link")
    job = store.add_job(
        "prd", result=product_json(request, pricing.with_current_price(product_for_link(link)))
    )
    return json_response(wait_for_jobs(lambda: [job_json(job)], read_mode(body))[0])


def product_json(request: HttpRequest, product: Product) -> JSON:
    image = request.build_absolute_uri(f"/pictures/{product.slug}.svg")
    body: JSON = {
        "link": product.link,
        "merchant": product.merchant.name,
        "host": product.merchant.host,
        "name": product.title,
        "sku": product.slug.upper(),
        "description": product.description,
        "images": [{"url": image, "isFeatured": True}],
        "price": money(product.price),
        "availability": product.availability,
    }
    if product.original_price is not None:
        body["originalPrice"] = money(product.original_price)
    if product.options:
        body["options"] = _options_json(product, product.options)
    return body


def _options_json(product: Product, options: Sequence[ProductOption]) -> JSON:
    """Serialize options as a tree: each value of the first option contains the whole next one."""
    option, rest = options[0], options[1:]
    next_option = _options_json(product, rest) if rest else None
    values: list[JSON] = [
        {
            "value": value,
            "label": value,
            "availability": product.availability,
            "images": [],
            "link": product.link,
            "nextOption": next_option,
        }
        for value in option.values
    ]
    return {"status": "known", "label": option.name, "values": values}


def _get_search(request: HttpRequest) -> HttpResponse:
    return json_response(job_json(find_job(request, "prs")))


def _get_details(request: HttpRequest) -> HttpResponse:
    return json_response(job_json(find_job(request, "prd")))


search = api_view(POST=_search)
search_status = api_view(GET=_get_search)
details = api_view(POST=_request_details)
details_status = api_view(GET=_get_details)
