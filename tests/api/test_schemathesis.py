"""Generated calls of every operation, by every kind of caller, against real data and a real sandbox.

Each response must match the description exactly: its status, its content type, its body.
`SCHEMATHESIS_EXAMPLES`, `SCHEMATHESIS_BOUNDS` and `SCHEMATHESIS_SEED` make a longer or another run.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import schemathesis
from django.core.signals import got_request_exception, request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from django_henry_checkout.testing.sandbox import Sandbox
from tests.api.description import CLOSED, check_answer
from tests.api.storefront import CALLERS, Storefront, grafted
from tests.support.api import Api

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "12"))
#: Number of schemathesis' boundary cases for each operation, spread over all that it has.
BOUNDS = int(os.environ.get("SCHEMATHESIS_BOUNDS", "8"))
SEED = int(os.environ.get("SCHEMATHESIS_SEED", "1"))
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
NO_LIMIT = dict.fromkeys(("read", "write", "checkout", "network", "refused"), "1000000/s")


CONFIG = {
    "generation": {"with-security-parameters": False},
    "phases": {"coverage": {"unexpected-methods": []}},
}
SCHEMA = schemathesis.openapi.from_dict(CLOSED, config=SchemathesisConfig.from_dict(CONFIG))
OPERATIONS = {
    found.ok().definition.raw["operationId"]: found.ok()
    for found in SCHEMA.get_all_operations()
    if isinstance(found, Ok)
}


def body_example(operation: Any) -> Any:
    content = operation.definition.raw.get("requestBody", {}).get("content", {})
    examples = content.get("application/json", {}).get("examples", {})
    return examples.get("example", {}).get("value")


def is_henrys(code: str) -> bool:
    return code.startswith("henry_") or code == "quote_pending"


class Run:
    """Sends cases and keeps one failure of each kind."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.app = get_wsgi_application()
        self.failures: dict[str, str] = {}
        self.statuses: dict[int, int] = {}
        self.traces: list[str] = []

    def on_exception(self, **_more: Any) -> None:
        """Keep the place and the text of an exception of the app."""
        kind, error, trace = sys.exc_info()
        where = [frame for frame in traceback.extract_tb(trace) if "django_henry_checkout" in frame.filename]
        place = f"{where[-1].filename}:{where[-1].lineno}" if where else "?"
        self.traces.append(f"{kind and kind.__name__} at {place}: {error}")

    def send(self, case: Any, store: Storefront) -> None:
        self.traces.clear()
        headers = {**store.headers(), "Content-Type": "application/json"}
        if case.body is schemathesis.core.NOT_SET:
            headers.pop("Content-Type")
        response = case.call(headers=headers, cookies=store.cookies, app=self.app)
        self.statuses[response.status_code] = self.statuses.get(response.status_code, 0) + 1
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self._keep(failure, case, response, store)
        if response.status_code >= 500 and not is_henrys(response.json()["code"]):
            self._keep(Failure(operation="", title="Not Henry's fault", message=""), case, response, store)

    def _keep(self, failure: Any, case: Any, response: Any, store: Storefront) -> None:
        shown = response.content[:1500].decode(errors="replace")
        code = shown.partition('"code":"')[2].partition('"')[0]
        reason = self.traces[-1].partition(": ")[0] if self.traces else ""
        kind = f"{failure.title} {response.status_code} {code} {reason}"
        self.failures.setdefault(
            kind,
            f"{kind}\n{store.caller}: {case.method} {case.formatted_path} query={case.query!r} "
            f"headers={dict(case.headers)!r}\nbody={case.body!r}\n{failure.message[:1500]}\n{shown}\n"
            + "".join(self.traces),
        )


@pytest.fixture
def run(sandbox: Sandbox, settings: Any) -> Iterator[Run]:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_THROTTLES": NO_LIMIT}
    sandbox.scenario(timing={"jobSeconds": 0})
    found = Run(sandbox)
    got_request_exception.connect(found.on_exception)
    # As in Django's test client: the connection belongs to the test.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield found
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    got_request_exception.disconnect(found.on_exception)


def prepare(case: Any, store: Storefront, name: str, dice: Random) -> None:
    """Replace most generated values by existing ones."""
    for part in (case.path_parameters, case.query, case.headers):
        for key in list(part or {}):
            real = store.real(name, key)
            if real is not None and dice.random() < 0.85:
                part[key] = real
    if name == "mergeCart" and case.path_parameters:
        case.path_parameters["cartId"] = store.cart.ulid
    if case.body is not schemathesis.core.NOT_SET and dice.random() < 0.8:
        case.body = grafted(store, name, body_example(case.operation), case.body, dice)


def at_the_bounds(operation: Any) -> list[Any]:
    modes, config = list(GenerationMode), SCHEMA.config.generation_for(operation=operation)
    cases = list(SCHEMA.iter_coverage_cases(operation, generation_modes=modes, generation_config=config))
    return cases[:: max(len(cases) // BOUNDS, 1)][:BOUNDS]


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_response_matches_the_description(name: str, run: Run) -> None:
    operation = OPERATIONS[name]
    positive = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    takes_anything = operation.body or operation.query or operation.headers or operation.path_parameters
    negative = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE) if takes_anything else positive

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        case=st.one_of(positive, positive, negative),
        caller=st.sampled_from(CALLERS),
        dice=st.integers(0, 2**20),
    )
    def calls(case: Any, caller: str, dice: int) -> None:
        store = Storefront(run.sandbox, caller)
        prepare(case, store, name, Random(dice))
        run.send(case, store)

    calls()
    for number, case in enumerate(at_the_bounds(operation)):
        store = Storefront(run.sandbox, CALLERS[number % len(CALLERS)])
        prepare(case, store, name, Random(SEED + number))
        run.send(case, store)
    assert not run.failures, "\n\n".join(run.failures.values())


# Regressions found by longer runs ---------------------------------------------------------------

LONG = "9" * 25
SURROGATE = "\\ud800"  # half a character, as JSON spells it: no UTF-8 can hold it
PRICED = '{"items": [{"link": "https://a.example/b", "unitPrice": {"value": "1", "currency": "JGQ"}}]}'
FOUND = {
    "an unknown currency, of an item": ("createCart", "cart", PRICED, {422}),
    "an unknown currency, of a total": (
        "confirmSession",
        "checkout/session/confirm",
        '{"acceptedTotal": {"value": "1", "currency": "MRN"}}',
        {422},
    ),
    "an unknown account": ("createCart", "cart", '{"account": "unknown"}', {422}),
    "half a character as a name": ("createCart", "cart", f'{{"{SURROGATE}": 1}}', {400, 422}),
    "half a character as a name, twice": (
        "createCart",
        "cart",
        f'{{"{SURROGATE}aB": 1, "{SURROGATE}a_b": 1}}',
        {400, 422},
    ),
    "half a character as a link": (
        "purchaseCart",
        "cart/purchase",
        f'{{"overrideProducts": {{"{SURROGATE}": 0}}}}',
        {400, 422},
    ),
    "a limit with many zeros": ("listOrders", "orders?limit=00000000199", None, {422}),
    "a limit that no column holds": ("listOrders", f"orders?limit=000000001{LONG}", None, {422}),
    "a limit that no number holds": ("listOrders", f"orders?limit=000000001{LONG * 200}", None, {422}),
    "NUL as a status": ("listOrders", "orders?status=%00", None, {200, 422}),
    "NUL as a cursor": ("listOrders", "orders?cursor=%00", None, {422}),
    "NUL as a refId": ("readPurchase", "cart/purchase/status?refId=%00", None, {404}),
    "a scale with many zeros": ("readQrPng", "checkout/{template}/qr.png?scale=0001999", None, {400}),
    "a scale that no number holds": (
        "readQrPng",
        f"checkout/{{template}}/qr.png?scale=0001{LONG * 200}",
        None,
        {400},
    ),
}


@pytest.mark.parametrize("found", FOUND)
def test_what_was_found_once(found: str, run: Run) -> None:
    name, path, body, statuses = FOUND[found]
    store = Storefront(run.sandbox, "server")
    caller = Api(Client(raise_request_exception=False), **store.headers())
    if "{template}" in path:
        path = path.replace("{template}", store.template.ulid)
    answer = caller(OPERATIONS[name].method.upper(), path, body, **{"Idempotency-Key": "found"})
    check_answer(name, answer)
    assert answer.status_code in statuses


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "deep"}], ids=["", "with a key"])
def test_no_depth_of_metadata_is_too_much(headers: dict[str, str], run: Run) -> None:
    server = Api(Client(raise_request_exception=False), **Storefront(run.sandbox, "server").headers())
    for depth in range(700, 1000, 3):
        keys = {name: f"{value}-{depth}" for name, value in headers.items()}
        answer = server("POST", "cart", f'{{"metadata": {{"a": {"[" * depth}{"]" * depth}}}}}', **keys)
        check_answer("createCart", answer)
