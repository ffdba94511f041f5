"""Henry's v0: check whether a variant is in stock. Its jobs end `completed`, those of v1 `complete`."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import validation
from django_henry_checkout.sandbox.engine.catalogue import PRODUCTS_BY_SLUG, Product, product_for_link
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import json_response, to_iso
from django_henry_checkout.sandbox.engine.state import JSON, Job, Line
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v0.wire import read_metadata

KIND = "variant"


def _create(request: HttpRequest) -> HttpResponse:
    """Start a check. [SIM] All fields of the product are optional; a check without a product fails."""
    source = validation.read_object(validation.read_json(request.body), "product", required=True) or {}
    link = source.get("productLink")
    product_id = validation.read_text(source, "productId", where="product", required=False, limit=200)
    product = PRODUCTS_BY_SLUG.get(product_id)
    if link is not None:
        product = product_for_link(validation.parse_https_url(link, "product.productLink"))
    job = _start_job(product, read_metadata(source, "product"))
    return json_response(
        {
            "success": True,
            "status": "pending",
            "message": "Variant check request created",
            "requestId": job.ref_id,
            "createdAt": to_iso(job.created_at),
        }
    )


def start_check(line: Line) -> str:
    """Start the check of a cart line and return its id."""
    return _start_job(product_for_link(line.link), line.metadata or {}).ref_id


def _start_job(product: Product | None, variant: JSON) -> Job:
    result: JSON = {"variant": variant}
    if product:
        details = {
            name: _detail_json(product, name, value) for name, value in variant.items() if name != "sandbox"
        }
        result |= {"link": product.link, "name": product.title, "details": details}
        result["available"] = product.is_in_stock and all(detail["inStock"] for detail in details.values())
    return store.add_job(KIND, result=result, ref_id=str(uuid.uuid4()))


def _detail_json(product: Product, name: str, value: str) -> JSON:
    """Serialize the check of one option. Products outside the catalogue have every variant."""
    if not product.is_listed:
        return {"found": True, "inStock": True, "value": value, "actualValue": value}
    option = next((option for option in product.options if option.name.lower() == name.lower()), None)
    offered = option.values if option else ()
    actual = next((each for each in offered if each.lower() == value.lower()), None)
    detail: JSON = {
        "found": actual is not None,
        "inStock": actual is not None and product.is_in_stock,
        "value": value,
    }
    return {**detail, "actualValue": actual} if actual else detail


def _get(request: HttpRequest, check_id: str) -> HttpResponse:
    job = store.jobs.get(check_id)
    if job is None or job.kind != KIND:
        raise ApiError("Variant check request not found", status=404)
    return json_response(_check_json(job))


def _job_status(job: Job) -> str:
    age = (store.now() - job.created_at).total_seconds()
    if age < job.seconds:
        return "pending" if age < job.seconds / 2 else "processing"
    return "completed" if job.result and "link" in job.result else "failed"


def _ended_at(job: Job) -> datetime:
    return job.created_at + timedelta(seconds=job.seconds)


def _check_json(job: Job) -> JSON:
    status, result = _job_status(job), job.result or {}
    has_ended = status in ("completed", "failed")
    body: JSON = {
        "success": True,
        "status": status,
        "message": f"Variant check request is {status}",
        "requestId": job.ref_id,
        "createdAt": to_iso(job.created_at),
        "updatedAt": to_iso(_ended_at(job) if has_ended else store.now()),
        "requestedVariant": result["variant"],
    }
    if "link" in result:
        body["productLink"] = result["link"]
    if has_ended:
        body |= {"completedAt": to_iso(_ended_at(job)), "executionTimeMs": round(job.seconds * 1000)}
    if status == "failed":
        body["errorMessage"] = "The product could not be identified"
    if status == "completed":
        body |= {"scraperStatusCode": 200, "data": _data_json(job)}
    return body


def _data_json(job: Job) -> JSON:
    result = job.result or {}
    seconds = f"{job.seconds:.2f}s"
    available = result["available"]
    return {
        "apiVersion": "sandbox",
        "executionTime": seconds,
        "productName": result["name"],
        "requestTime": to_iso(job.created_at),
        "timestamp": to_iso(_ended_at(job)),
        "totalExecutionTime": seconds,
        "url": result["link"],
        "requestedVariant": result["variant"],
        "stockStatus": {
            "available": available,
            "message": "The variant is in stock" if available else "The variant is not available",
            "details": result["details"],
        },
    }


# Checks in the responses of the cart and the checkout session


def short_json(line: Line) -> JSON:
    job = store.jobs[line.check_id]
    return {
        "productId": line.product_id,
        "variantCheckRequestId": job.ref_id,
        "status": _job_status(job),
    }


def line_json(line: Line) -> JSON | None:
    job = store.jobs.get(line.check_id)
    if job is None:
        return None
    body = _check_json(job)
    return {
        "requestId": job.ref_id,
        "status": body["status"],
        "createdAt": body["createdAt"],
        "completedAt": body.get("completedAt"),
        "errorMessage": body.get("errorMessage"),
        "result": body.get("data"),
    }


check_list = api_view(POST=_create)
check = api_view(GET=_get)
