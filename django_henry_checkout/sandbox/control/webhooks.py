"""Control calls for webhooks: register endpoints, read the log, send one manually."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.control.watcher import build_payload, sender, watcher
from django_henry_checkout.sandbox.engine import validation
from django_henry_checkout.sandbox.engine.http.api_views import control_view
from django_henry_checkout.sandbox.engine.responses import json_response, to_json
from django_henry_checkout.sandbox.engine.state import JSON, Endpoint
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.engine.webhooks import events
from django_henry_checkout.sandbox.engine.webhooks.events import Delivery
from django_henry_checkout.sandbox.engine.webhooks.sender import DeliveryResult

MAX_ENDPOINTS = 50
MAX_TIMES = 200
_SEND_KEYS = {"refId", "event", "body", "rawBody", "uuid", "times", "parallel"}


def _register(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    validation.reject_unknown_keys(body, {"endpoints"}, where="webhooks")
    entries = body.get("endpoints")
    if not isinstance(entries, list) or len(entries) > MAX_ENDPOINTS:
        raise ApiError(f"endpoints must be an array of at most {MAX_ENDPOINTS} entries.")
    registered = [_parse_endpoint(entry, f"endpoints[{index}]") for index, entry in enumerate(entries)]
    if len({endpoint.uuid for endpoint in registered}) < len(registered):
        raise ApiError("Each endpoint must have a uuid of its own.")
    watcher.set_endpoints(registered)
    return _get_webhooks(request)


def _parse_endpoint(entry: object, where: str) -> Endpoint:
    if not isinstance(entry, dict):
        raise ApiError(f"{where} must be an object.")
    validation.reject_unknown_keys(entry, {"uuid", "url", "secret", "everyCart"}, where=where)
    return Endpoint(
        uuid=validation.read_text(entry, "uuid", where=where, limit=100),
        url=validation.parse_http_url(
            validation.read_text(entry, "url", where=where, limit=2048), f"{where}.url"
        ),
        secret=validation.read_text(entry, "secret", where=where),
        every_cart=validation.read_boolean(entry, "everyCart", where=where),
    )


def _get_webhooks(request: HttpRequest) -> HttpResponse:
    """Return the endpoints without their secrets, the number of pending deliveries, and the log."""
    with_log = validation.parse_query_boolean(request.GET.get("log", "true"), "log")
    watcher.process_changes()
    with store.lock:
        registered = [
            {"uuid": endpoint.uuid, "url": endpoint.url, "everyCart": endpoint.every_cart}
            for endpoint in store.endpoints.values()
        ]
    body = {"endpoints": registered, "waiting": sender.num_pending, "held": watcher.num_held}
    return json_response(body | ({"log": sender.list_attempts()} if with_log else {}))


def _send(request: HttpRequest) -> HttpResponse:
    """Send a webhook now, regardless of the state of the order. The scenario determines how it is signed."""
    body = validation.read_json(request.body)
    validation.reject_unknown_keys(body, _SEND_KEYS, where="send")
    times = validation.parse_integer(body.get("times", 1), "times", low=1, high=MAX_TIMES)
    parallel = validation.read_boolean(body, "parallel")
    event = validation.read_text(body, "event", required=False, limit=100) or events.ORDER_UPDATED
    ref_id = validation.read_text(body, "refId", required=False, limit=200)
    recipients = _find_endpoints(validation.read_text(body, "uuid", required=False, limit=100))
    options = store.scenario.webhooks
    content = _build_content(body, event, ref_id)
    deliveries: list[JSON] = []
    for endpoint in recipients:
        delivery = Delivery(event, ref_id, endpoint, content, options)
        results = sender.send_now(delivery, times=times, parallel=parallel)
        deliveries += [_result_json(endpoint, result) for result in results]
    return json_response({"statuses": [row["status"] for row in deliveries], "deliveries": deliveries})


def _result_json(endpoint: Endpoint, result: DeliveryResult) -> JSON:
    return {"uuid": endpoint.uuid, "status": result.status, "error": result.error}


def _find_endpoints(uuid: str) -> list[Endpoint]:
    with store.lock:
        found = [endpoint for endpoint in store.endpoints.values() if not uuid or endpoint.uuid == uuid]
    if not found:
        raise ApiError("No endpoint is registered." if not uuid else "uuid names no endpoint.")
    return found


def _build_content(body: JSON, event: str, ref_id: str) -> bytes:
    if "body" in body and "rawBody" in body:
        raise ApiError("Send body or rawBody, not both.")
    if "rawBody" in body:
        if not isinstance(body["rawBody"], str):
            raise ApiError("rawBody must be a string.")
        return body["rawBody"].encode("utf-8", "surrogatepass")
    if "body" in body:
        return to_json(body["body"]).encode()
    with store.lock:
        order = store.orders.get(ref_id)
        data = build_payload(order, store.now()) if order else {}
    # An unknown reference is allowed, to test how a shop handles it.
    return events.build_body(event, {"refId": ref_id, **data} if ref_id else data, store.scenario.webhooks)


endpoints = control_view(POST=_register, GET=_get_webhooks)
send = control_view(POST=_send)
