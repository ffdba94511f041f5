"""Henry's v0: checks whether a variant is in stock. Jobs that say `completed` where those of v1 say `complete`."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.catalogue import BY_SLUG, Product, product_for
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import answer, iso
from django_henry_checkout.sandbox.engine.state import JSON, Job, Line
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.v0.wire import read_metadata

KIND = "variant"


def create(request: HttpRequest) -> HttpResponse:
    """Start a check. Every field of the product is optional, so one that names no goods ends as failed. [SIM]"""
    source = checking.mapping(checking.read_json(request.body), "product", required=True) or {}
    link = source.get("productLink")
    product_id = checking.text(source, "productId", where="product", required=False, limit=200)
    product = BY_SLUG.get(product_id)
    if link is not None:
        product = product_for(checking.https_link(link, "product.productLink"))
    job = _start(product, read_metadata(source, "product"))
    return answer(
        {
            "success": True,
            "status": "pending",
            "message": "Variant check request created",
            "requestId": job.ref_id,
            "createdAt": iso(job.created_at),
        }
    )


def start(line: Line) -> str:
    return _start(product_for(line.link), line.metadata or {}).ref_id


def _start(product: Product | None, variant: JSON) -> Job:
    found: JSON = {"variant": variant}
    if product:
        details = {
            name: _detail(product, name, value) for name, value in variant.items() if name != "sandbox"
        }
        found |= {"link": product.link, "name": product.title, "details": details}
        found["available"] = product.is_in_stock and all(each["inStock"] for each in details.values())
    return store.add_job(KIND, result=found, ref_id=str(uuid.uuid4()))


def _detail(product: Product, name: str, value: str) -> JSON:
    """Goods outside the catalogue have every variant."""
    if not product.is_listed:
        return {"found": True, "inStock": True, "value": value, "actualValue": value}
    axis = next((axis for axis in product.options if axis.name.lower() == name.lower()), None)
    actual = next((each for each in axis.values if each.lower() == value.lower()), None) if axis else None
    detail: JSON = {
        "found": actual is not None,
        "inStock": actual is not None and product.is_in_stock,
        "value": value,
    }
    return {**detail, "actualValue": actual} if actual else detail


def status(request: HttpRequest, check_id: str) -> HttpResponse:
    job = store.jobs.get(check_id)
    if job is None or job.kind != KIND:
        raise RefusedError("Variant check request not found", status=404)
    return answer(_check_json(job))


def status_of(job: Job) -> str:
    age = (store.now() - job.created_at).total_seconds()
    if age < job.seconds:
        return "pending" if age < job.seconds / 2 else "processing"
    return "completed" if job.result and "link" in job.result else "failed"


def _ended_at(job: Job) -> datetime:
    return job.created_at + timedelta(seconds=job.seconds)


def _check_json(job: Job) -> JSON:
    word, found = status_of(job), job.result or {}
    has_ended = word in ("completed", "failed")
    body: JSON = {
        "success": True,
        "status": word,
        "message": f"Variant check request is {word}",
        "requestId": job.ref_id,
        "createdAt": iso(job.created_at),
        "updatedAt": iso(_ended_at(job) if has_ended else store.now()),
        "requestedVariant": found["variant"],
    }
    if "link" in found:
        body["productLink"] = found["link"]
    if has_ended:
        body |= {"completedAt": iso(_ended_at(job)), "executionTimeMs": round(job.seconds * 1000)}
    if word == "failed":
        body["errorMessage"] = "The product could not be identified"
    if word == "completed":
        body |= {"scraperStatusCode": 200, "data": _data_json(job)}
    return body


def _data_json(job: Job) -> JSON:
    found = job.result or {}
    seconds = f"{job.seconds:.2f}s"
    available = found["available"]
    return {
        "apiVersion": "sandbox",
        "executionTime": seconds,
        "productName": found["name"],
        "requestTime": iso(job.created_at),
        "timestamp": iso(_ended_at(job)),
        "totalExecutionTime": seconds,
        "url": found["link"],
        "requestedVariant": found["variant"],
        "stockStatus": {
            "available": available,
            "message": "The variant is in stock" if available else "The variant is not available",
            "details": found["details"],
        },
    }


# Checks as the cart and the checkout session show them


def short_json(line: Line) -> JSON:
    job = store.jobs[line.check_id]
    return {
        "productId": line.product_id,
        "variantCheckRequestId": job.ref_id,
        "status": status_of(job),
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


checks = api(POST=create)
check = api(GET=status)
