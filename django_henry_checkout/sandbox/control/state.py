"""Control calls for the state of the sandbox: reset, scenario, clock, recorded requests."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.control.watcher import watcher
from django_henry_checkout.sandbox.engine import validation
from django_henry_checkout.sandbox.engine.http.api_views import control_view
from django_henry_checkout.sandbox.engine.responses import json_response, to_iso
from django_henry_checkout.sandbox.engine.scenario import Scenario
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError

MAX_ADVANCE_SECONDS = 400 * 24 * 3600


def _reset(request: HttpRequest) -> HttpResponse:
    watcher.reset()
    return json_response({"ok": True})


def _set_scenario(request: HttpRequest) -> HttpResponse:
    scenario = Scenario.parse(validation.read_json(request.body))
    # Changes until now are sent as the previous scenario says.
    watcher.process_changes()
    store.set_scenario(scenario)
    return _get_scenario(request)


def _get_scenario(request: HttpRequest) -> HttpResponse:
    with store.lock:
        faults = [
            {"fault": fault.kind, "met": fault.matched, "used": fault.applied}
            for fault in store.scenario.faults
        ]
        return json_response({"scenario": store.scenario.source, "faults": faults})


def _advance_clock(request: HttpRequest) -> HttpResponse:
    body = validation.read_json(request.body)
    if "advanceSeconds" not in body:
        raise ApiError("advanceSeconds is required.")
    seconds = validation.read_number(body, "advanceSeconds", default=0, high=MAX_ADVANCE_SECONDS)
    # Otherwise the changes since the last jump would be merged with those of this one.
    watcher.process_changes()
    store.advance(seconds)
    return _get_clock(request)


def _get_clock(request: HttpRequest) -> HttpResponse:
    return json_response({"now": to_iso(store.now()), "offsetSeconds": store.offset.total_seconds()})


def _list_requests(request: HttpRequest) -> HttpResponse:
    with store.lock:
        return json_response([dict(entry) for entry in store.requests])


def _get_health(request: HttpRequest) -> HttpResponse:
    return json_response({"ok": True})


reset = control_view(POST=_reset)
scenario = control_view(POST=_set_scenario, GET=_get_scenario)
clock = control_view(POST=_advance_clock, GET=_get_clock)
requests = control_view(GET=_list_requests)
health = control_view(GET=_get_health)
