"""Henry's v0: product search and details. Both return their result at once."""

from __future__ import annotations

import zlib
from decimal import Decimal

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import pricing, validation
from django_henry_checkout.sandbox.engine.catalogue import PRODUCTS_BY_SLUG, Product, ProductOption
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope, json_response
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.validation import ApiError

_PRICE_BOUNDS = (("greaterThanPrice", 1), ("minPrice", 1), ("lowerThanPrice", -1), ("maxPrice", -1))


def _search(request: HttpRequest) -> HttpResponse:
    """Search by words and filters: those of the SDK and those of the newer documentation.

    Accepted without effect, because the catalogue lacks the data: gender, region, country, freeShipping,
    smallBusiness, filter, enrichTopK.
    """
    body = validation.read_json(request.body)
    words = validation.read_text(body, "query").lower().split()
    limit = validation.parse_integer(body.get("limit", 10), "limit", low=1, high=100)
    cursor = validation.parse_integer(body.get("cursor") or 0, "cursor", low=0, high=1_000_000)
    found = [
        product
        for product in pricing.current_products()
        if _has_words(product, words) and _matches_filters(product, body)
    ]
    order = validation.read_choice(body, "sortBy", ("", "lowToHigh", "highToLow"), default="")
    if order:
        found.sort(key=_get_price, reverse=order == "highToLow")
    data = [_search_result_json(request, product) for product in found[cursor : cursor + limit]]
    pages = {
        "nextCursor": cursor + limit if cursor + limit < len(found) else None,
        "previousCursor": max(0, cursor - limit) if cursor else None,
    }
    head = {"success": True, "status": "success", "message": "Products retrieved successfully"}
    return json_response({**head, "data": data, "pagination": pages})


def _has_words(product: Product, words: list[str]) -> bool:
    text = f"{product.title} {product.description} {product.merchant.name} {product.category}".lower()
    return all(word in text for word in words)


def _matches_filters(product: Product, body: JSON) -> bool:
    for key in ("manufacturer", "brand", "merchant"):
        value = validation.read_text(body, key, required=False).lower()
        if value and value not in (product.merchant.host, product.merchant.name.lower()):
            return False
    for name in ("color", "size"):
        value = validation.read_text(body, name, required=False).lower()
        offered = [
            each.lower()
            for option in product.options
            if option.name.lower() == name
            for each in option.values
        ]
        if value and value not in offered:
            return False
    if validation.read_boolean(body, "onSale") and product.original_price is None:
        return False
    return _is_in_price_range(product, body)


def _is_in_price_range(product: Product, body: JSON) -> bool:
    for key, sign in _PRICE_BOUNDS:
        bound = body.get(key)
        if bound is not None and (product.price - validation.parse_amount(bound, key)) * sign < 0:
            return False
    return True


def _get_price(product: Product) -> Decimal:
    return product.price


def _image_url(request: HttpRequest, product: Product) -> str:
    return request.build_absolute_uri(f"/pictures/{product.slug}.svg")


def _search_result_json(request: HttpRequest, product: Product) -> JSON:
    body: JSON = {
        "id": product.slug,
        "name": product.title,
        "description": product.description,
        "price": product.price,
        "currency": "USD",
        "imageUrl": _image_url(request, product),
        "source": product.merchant.name,
        # Missing in later SDKs, but the guide lists it and a cart needs it.
        "productLink": product.link,
    }
    return {**body, "originalPrice": str(product.original_price)} if product.original_price else body


def _get_details(request: HttpRequest) -> HttpResponse:
    product_id = request.GET.get("productId", "")
    if not product_id:
        raise ApiError("productId is required.")
    product = PRODUCTS_BY_SLUG.get(product_id)
    if product is None:
        raise ApiError("Product not found", status=404)
    data = {
        "productResults": _details_json(request, pricing.with_current_price(product)),
        "relatedSearches": [
            {
                "query": product.category,
                "link": f"https://{product.merchant.host}/search?q={product.category}",
                "image": _image_url(request, product),
            }
        ],
    }
    return envelope("Product details retrieved successfully", data)


def _details_json(request: HttpRequest, product: Product) -> JSON:
    """Serialize the details of a product. Its ratings are invented, but constant."""
    seed = zlib.crc32(product.slug.encode())
    rating = Decimal(38 + seed % 12) / 10
    cost = product.merchant.shipping[0].cost
    store = {
        "name": product.merchant.name,
        "link": product.link,
        "price": f"${product.price}",
        "shipping": f"${cost}" if cost else "Free",
        "total": f"${product.price + cost}",
    }
    review = {
        "userName": "A sandbox shopper",
        "title": "As described",
        "text": product.description,
        "source": product.merchant.host,
        "rating": rating,
    }
    return {
        "title": product.title,
        "brand": product.merchant.name,
        "rating": rating,
        "reviews": 12 + seed % 400,
        "stores": [store],
        "thumbnails": [_image_url(request, product)],
        "userReviews": [review],
        "variants": [_variant_json(product, option) for option in product.options],
    }


def _variant_json(product: Product, option: ProductOption) -> JSON:
    items = [
        {"name": value, "selected": index == 0, "available": product.is_in_stock}
        for index, value in enumerate(option.values)
    ]
    return {"title": option.name, "items": items}


search = api_view(POST=_search)
details = api_view(GET=_get_details)
