"""The spelling of early v1 (RPC): `variant` and `shippingOption` where REST has options and shipping."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.catalogue import product_for
from django_henry_checkout.sandbox.engine.purchase_cache import Shown
from django_henry_checkout.sandbox.engine.state import JSON, Cart, Job, Line, Order
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.v1 import wire as v1_wire


def read_item(source: Any, where: str) -> Line:
    if not isinstance(source, dict):
        raise RefusedError(f"{where} must be an object.")
    variant = _read_variant(source, where)
    return Line(
        link=checking.https_link(source.get("link"), f"{where}.link"),
        quantity=checking.whole(source.get("quantity", 1), f"{where}.quantity", low=1, high=999),
        options=_plain(variant),
        variant=variant,
        shipping=checking.mapping(source, "shippingOption", where=where),
        coupons=checking.texts(source, "coupons", where=where),
        metadata=checking.mapping(source, "metadata", where=where),
    )


def _read_variant(source: JSON, where: str) -> str | JSON | None:
    """A variant is an instruction in words, or an object such as size and colour."""
    variant = source.get("variant")
    if variant is None or isinstance(variant, dict):
        return variant
    if not isinstance(variant, str) or len(variant) > 500:
        raise RefusedError(f"{where}.variant must be a string or an object.")
    return variant


def _plain(variant: str | JSON | None) -> tuple[str, ...]:
    if isinstance(variant, dict):
        return tuple(str(value) for value in variant.values())
    return (variant,) if variant else ()


def item_json(line: Line) -> JSON:
    optional: JSON = {
        "variant": _variant_of(line),
        "shippingOption": line.shipping,
        "coupons": list(line.coupons),
        "metadata": line.metadata,
    }
    return {
        "link": line.link,
        "quantity": line.quantity,
        **{key: val for key, val in optional.items() if val},
    }


def _variant_of(line: Line) -> str | JSON | None:
    """The variant as it was sent; of a line made by REST, its options under the names of the catalogue."""
    if line.variant or not line.options:
        return line.variant
    axes = product_for(line.link).options
    if len(axes) == len(line.options):
        return {axis.name.lower(): value for axis, value in zip(axes, line.options, strict=True)}
    return ", ".join(line.options)


def cart_json(request: HttpRequest, cart: Cart) -> JSON:
    body = v1_wire.cart_json(request, cart)
    return {**body, "data": {**body["data"], "items": [item_json(line) for line in cart.lines]}}


def details_json(job: Job) -> JSON:
    """A details job; the sum beside the items came with a later version."""
    body = v1_wire.job_json(job)
    return {**body, "result": {"items": body["result"]["items"]}} if "result" in body else body


def purchase_json(order: Order, now: datetime | None = None) -> JSON:
    body = v1_wire.purchase_json(order, now, usual_fee="commission")
    body["products"] = [
        _product_json(shown, order, priced.line)
        for shown, priced in zip(body["products"], order.lines, strict=True)
    ]
    body["details"]["shippingAddress"].pop("name", None)
    return body


purchases = Shown(purchase_json)


def _product_json(shown: JSON, order: Order, line: Line) -> JSON:
    """Here `variant` is one string, whatever was sent."""
    kept = {key: shown[key] for key in ("status", "link", "quantity", "merchant", "host")}
    variant = {"variant": ", ".join(line.options)} if line.options else {}
    return {**kept, **variant, "metadata": v1_wire.metadata_of(order, line)}


def find_job(body: JSON) -> Job:
    job = store.jobs.get(checking.text(body, "refId"))
    if job is None or job.kind != "ckd":
        raise RefusedError("Job not found.", status=404)
    return job
