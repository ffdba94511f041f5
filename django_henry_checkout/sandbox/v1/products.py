"""Henry's v1 REST: product search and product details over the sandbox catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import pricing
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.catalogue import Axis, Product, product_for
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import answer
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.v1.purchases import find_job, read_mode, wait_for_end
from django_henry_checkout.sandbox.v1.wire import job_json, money


def search(request: HttpRequest) -> HttpResponse:
    """Search by words; both the flat body and the one with `type` and `filters` are understood."""
    body = checking.read_json(request.body)
    filters = checking.mapping(body, "filters") or body
    kind = checking.one_of(body, "type", ("global", "merchant"), default="global")
    is_image = filters.get("type") == "image" or "imageUrl" in filters
    needs_query = kind == "global" and not is_image
    query = checking.text(filters if "query" in filters else body, "query", required=needs_query)
    found = [each for each in pricing.goods() if _matches(each, query, filters)]
    found = _sorted(found, filters)
    limit = checking.whole(body.get("limit", 20), "limit", low=1, high=100)
    cursor = checking.whole(body.get("cursor") or 0, "cursor", low=0, high=9007199254740991)
    last = cursor + limit >= len(found)
    pages = {
        "nextCursor": None if last else cursor + limit,
        "previousCursor": max(0, cursor - limit) if cursor else None,
    }
    products = [product_json(request, each) for each in found[cursor : cursor + limit]]
    job = store.add_job("prs", result={"products": products, "pagination": pages})
    return answer(wait_for_end(lambda: [job_json(job)], read_mode(body))[0])


def _matches(product: Product, query: str, filters: JSON) -> bool:
    text = f"{product.title} {product.description} {product.merchant.name} {product.category}".lower()
    if not all(word in text for word in query.lower().split()):
        return False
    merchant = filters.get("merchant")
    wanted = [merchant] if merchant else filters.get("merchants")
    if isinstance(wanted, list) and wanted and not any(_is_merchant(product, each) for each in wanted):
        return False
    price = checking.mapping(filters, "price") or {
        "min": filters.get("minPrice"),
        "max": filters.get("maxPrice"),
    }
    low, high = price.get("min"), price.get("max")
    if low is not None and product.price < checking.amount(low, "price.min"):
        return False
    return high is None or product.price <= checking.amount(high, "price.max")


def _is_merchant(product: Product, wanted: object) -> bool:
    if not isinstance(wanted, str):
        raise RefusedError("merchants must be strings.")
    bare = wanted.lower().removeprefix("https://").removeprefix("http://").partition("/")[0]
    return bare in (product.merchant.host, product.merchant.name.lower())


def _sorted(found: list[Product], filters: JSON) -> list[Product]:
    orders = ("", "lowToHigh", "highToLow", "price-low-to-high", "price-high-to-low")
    order = checking.one_of(filters, "sortBy", orders, default="")
    if not order:
        return found
    return sorted(found, key=_price, reverse=order in ("highToLow", "price-high-to-low"))


def _price(product: Product) -> Decimal:
    return product.price


def details(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    link = checking.https_link(body.get("link"), "link")
    job = store.add_job("prd", result=product_json(request, pricing.as_sold(product_for(link))))
    return answer(wait_for_end(lambda: [job_json(job)], read_mode(body))[0])


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


def _options_json(product: Product, axes: Sequence[Axis]) -> JSON:
    """A tree: each value of the first choice leads to the whole of the next one."""
    axis, rest = axes[0], axes[1:]
    following = _options_json(product, rest) if rest else None
    values: list[JSON] = [
        {
            "value": value,
            "label": value,
            "availability": product.availability,
            "images": [],
            "link": product.link,
            "nextOption": following,
        }
        for value in axis.values
    ]
    return {"status": "known", "label": axis.name, "values": values}


def search_status(request: HttpRequest) -> HttpResponse:
    return answer(job_json(find_job(request, "prs")))


def details_status(request: HttpRequest) -> HttpResponse:
    return answer(job_json(find_job(request, "prd")))


find = api(POST=search)
find_status = api(GET=search_status)
show = api(POST=details)
show_status = api(GET=details_status)
