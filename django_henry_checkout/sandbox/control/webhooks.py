"""The control calls for webhooks: where they go, what was sent, and sending by hand."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.control.state import control
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.responses import answer, to_json
from django_henry_checkout.sandbox.engine.state import JSON, Endpoint
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.engine.webhooks import events as webhooks
from django_henry_checkout.sandbox.engine.webhooks.events import Delivery
from django_henry_checkout.sandbox.engine.webhooks.sender import Outcome
from django_henry_checkout.sandbox.engine.webhooks.watcher import data_of, sender, watch

MAX_ENDPOINTS = 50
MAX_TIMES = 200
_HAND_KEYS = {"refId", "event", "body", "rawBody", "uuid", "times", "parallel"}


def _register(request: HttpRequest) -> HttpResponse:
    body = checking.read_json(request.body)
    checking.known_keys(body, {"endpoints"}, where="webhooks")
    entries = body.get("endpoints")
    if not isinstance(entries, list) or len(entries) > MAX_ENDPOINTS:
        raise RefusedError(f"endpoints must be an array of at most {MAX_ENDPOINTS} entries.")
    found = [_endpoint(entry, f"endpoints[{index}]") for index, entry in enumerate(entries)]
    if len({endpoint.uuid for endpoint in found}) < len(found):
        raise RefusedError("Each endpoint must have a uuid of its own.")
    watch.set_endpoints(found)
    return _show(request)


def _endpoint(entry: object, where: str) -> Endpoint:
    if not isinstance(entry, dict):
        raise RefusedError(f"{where} must be an object.")
    checking.known_keys(entry, {"uuid", "url", "secret", "everyCart"}, where=where)
    return Endpoint(
        uuid=checking.text(entry, "uuid", where=where, limit=100),
        url=checking.web_address(checking.text(entry, "url", where=where, limit=2048), f"{where}.url"),
        secret=checking.text(entry, "secret", where=where),
        every_cart=checking.switch(entry, "everyCart", where=where),
    )


def _show(request: HttpRequest) -> HttpResponse:
    """The endpoints without their secrets, what is still to be sent, and what was sent, oldest first."""
    with_log = checking.query_switch(request.GET.get("log", "true"), "log")
    watch.look()
    with store.lock:
        endpoints = [
            {"uuid": endpoint.uuid, "url": endpoint.url, "everyCart": endpoint.every_cart}
            for endpoint in store.endpoints.values()
        ]
    waiting = {"waiting": sender.waiting, "held": watch.held}
    log = {"log": sender.log()} if with_log else {}
    return answer({"endpoints": endpoints, **waiting, **log})


def _send(request: HttpRequest) -> HttpResponse:
    """Send now, whatever the order does; only how it is signed is as the scenario says."""
    body = checking.read_json(request.body)
    checking.known_keys(body, _HAND_KEYS, where="send")
    times = checking.whole(body.get("times", 1), "times", low=1, high=MAX_TIMES)
    parallel = checking.switch(body, "parallel")
    event = checking.text(body, "event", required=False, limit=100) or webhooks.UPDATED
    ref_id = checking.text(body, "refId", required=False, limit=200)
    endpoints = _chosen(checking.text(body, "uuid", required=False, limit=100))
    sending = store.scenario.webhooks
    content = _content(body, event, ref_id)
    shown: list[JSON] = []
    for endpoint in endpoints:
        delivery = Delivery(event, ref_id, endpoint, content, sending)
        outcomes = sender.send_now(delivery, times=times, parallel=parallel)
        shown += [_outcome_json(endpoint, outcome) for outcome in outcomes]
    return answer({"statuses": [row["status"] for row in shown], "deliveries": shown})


def _outcome_json(endpoint: Endpoint, outcome: Outcome) -> JSON:
    return {"uuid": endpoint.uuid, "status": outcome.status, "error": outcome.error}


def _chosen(uuid: str) -> list[Endpoint]:
    with store.lock:
        found = [endpoint for endpoint in store.endpoints.values() if not uuid or endpoint.uuid == uuid]
    if not found:
        raise RefusedError("No endpoint is registered." if not uuid else "uuid names no endpoint.")
    return found


def _content(body: JSON, event: str, ref_id: str) -> bytes:
    if "body" in body and "rawBody" in body:
        raise RefusedError("Send body or rawBody, not both.")
    if "rawBody" in body:
        if not isinstance(body["rawBody"], str):
            raise RefusedError("rawBody must be a string.")
        return body["rawBody"].encode("utf-8", "surrogatepass")
    if "body" in body:
        return to_json(body["body"]).encode()
    with store.lock:
        order = store.orders.get(ref_id)
        data = data_of(order, store.now()) if order else {}
    # A reference that nobody knows can be sent too.
    return webhooks.body_of(event, {"refId": ref_id, **data} if ref_id else data, store.scenario.webhooks)


endpoints = control(POST=_register, GET=_show)
by_hand = control(POST=_send)
