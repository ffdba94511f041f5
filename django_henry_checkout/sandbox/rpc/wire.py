"""The wire format of early v1: `variant` and `shippingOption` where REST has options and shipping."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from django_henry_checkout.sandbox.engine import validation
from django_henry_checkout.sandbox.engine.catalogue import product_for_link
from django_henry_checkout.sandbox.engine.purchase_cache import PurchaseCache
from django_henry_checkout.sandbox.engine.state import JSON, Cart, Job, Line, Order
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v1 import wire as v1_wire


def read_item(source: Any, where: str) -> Line:
    if not isinstance(source, dict):
        raise ApiError(f"{where} must be an object.")
    variant = _read_variant(source, where)
    return Line(
        link=validation.parse_https_url(source.get("link"), f"{where}.link"),
        quantity=validation.parse_integer(source.get("quantity", 1), f"{where}.quantity", low=1, high=999),
        options=_variant_values(variant),
        variant=variant,
        shipping=validation.read_object(source, "shippingOption", where=where),
        coupons=validation.read_strings(source, "coupons", where=where),
        metadata=validation.read_object(source, "metadata", where=where),
    )


def _read_variant(source: JSON, where: str) -> str | JSON | None:
    """Read a variant: free text, or an object such as size and colour."""
    variant = source.get("variant")
    if variant is None or isinstance(variant, dict):
        return variant
    if not isinstance(variant, str) or len(variant) > 500:
        raise ApiError(f"{where}.variant must be a string or an object.")
    return variant


def _variant_values(variant: str | JSON | None) -> tuple[str, ...]:
    if isinstance(variant, dict):
        return tuple(str(value) for value in variant.values())
    return (variant,) if variant else ()


def item_json(line: Line) -> JSON:
    optional: JSON = {
        "variant": _get_variant(line),
        "shippingOption": line.shipping,
        "coupons": list(line.coupons),
        "metadata": line.metadata,
    }
    return {
        "link": line.link,
        "quantity": line.quantity,
        **{key: val for key, val in optional.items() if val},
    }


def _get_variant(line: Line) -> str | JSON | None:
    """Return the variant as it was sent. For a line of REST, name its options as the catalogue does."""
    if line.variant or not line.options:
        return line.variant
    options = product_for_link(line.link).options
    if len(options) == len(line.options):
        return {option.name.lower(): value for option, value in zip(options, line.options, strict=True)}
    return ", ".join(line.options)


def cart_json(request: HttpRequest, cart: Cart) -> JSON:
    body = v1_wire.cart_json(request, cart)
    return {**body, "data": {**body["data"], "items": [item_json(line) for line in cart.lines]}}


def details_json(job: Job) -> JSON:
    """Serialize a details job, without the totals that later versions have beside the items."""
    body = v1_wire.job_json(job)
    return {**body, "result": {"items": body["result"]["items"]}} if "result" in body else body


def purchase_json(order: Order, now: datetime | None = None) -> JSON:
    body = v1_wire.purchase_json(order, now, default_fee="commission")
    body["products"] = [
        _product_json(product, order, priced.line)
        for product, priced in zip(body["products"], order.lines, strict=True)
    ]
    body["details"]["shippingAddress"].pop("name", None)
    return body


purchases = PurchaseCache(purchase_json)


def _product_json(product: JSON, order: Order, line: Line) -> JSON:
    """Serialize a line of a purchase, where `variant` is always a string."""
    shared = {key: product[key] for key in ("status", "link", "quantity", "merchant", "host")}
    variant = {"variant": ", ".join(line.options)} if line.options else {}
    return {**shared, **variant, "metadata": v1_wire.item_metadata(order, line)}


def find_job(body: JSON) -> Job:
    job = store.jobs.get(validation.read_text(body, "refId"))
    if job is None or job.kind != "ckd":
        raise ApiError("Job not found.", status=404)
    return job
