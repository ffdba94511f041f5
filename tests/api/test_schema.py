"""The OpenAPI description: current, complete, consistent with the serializers, and public."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema
from rest_framework import exceptions as framework
from rest_framework import serializers

from django_henry_checkout import exceptions
from django_henry_checkout.api import urls
from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.api.common.camel_case import to_camel_case
from django_henry_checkout.api.common.parsing import TooLarge
from django_henry_checkout.api.common.problems import handle_exception
from django_henry_checkout.api.schema.document import build_document, format_document
from django_henry_checkout.api.schema.operations import OPERATIONS as TABLE
from django_henry_checkout.api.schema.problems import PROBLEMS
from django_henry_checkout.api.schema.view import SCHEMA_FILE
from django_henry_checkout.exceptions import ConfigurationError, HenryCheckoutError
from tests.api.description import DESCRIPTION, OPERATIONS, check, resolved
from tests.support.api import Api

ERRORS_PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "reference" / "errors.md"

# Current and complete ----------------------------------------------------------------------------


def test_the_file_is_current() -> None:
    text = format_document(build_document(urls.urlpatterns))
    assert SCHEMA_FILE.read_text(encoding="utf-8") == text, "run scripts/write_schema.py"


def test_it_is_valid_openapi() -> None:
    assert DESCRIPTION["openapi"] == "3.1.0"
    validate_schema(DESCRIPTION)


def test_the_hosts_settings_change_nothing() -> None:
    with patched_settings({"TITLE": "The host's", "OAS_VERSION": "3.0.3", "CAMELIZE_NAMES": False}):
        assert build_document(urls.urlpatterns) == DESCRIPTION


def test_a_host_can_describe_it_among_its_own() -> None:
    with patched_settings({"POSTPROCESSING_HOOKS": []}):
        document = SchemaGenerator(patterns=urls.urlpatterns).get_schema(public=True)
    assert document["openapi"].startswith("3.0")
    validate_schema(document)
    assert all(name.startswith("Henry") for kind in document["components"].values() for name in kind)


def calls_of_urls() -> dict[tuple[str, str], type[StorefrontView]]:
    found = {}
    for pattern in urls.urlpatterns:
        view = pattern.callback.cls
        path = re.sub(r"<str:(\w+)>", lambda name: f"{{{to_camel_case(name[1])}}}", str(pattern.pattern))
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                found[f"/{path}", method.upper()] = view
    return found


def test_every_call_is_described_and_nothing_else() -> None:
    described = {(path, method) for method, path, _operation in OPERATIONS.values()}
    assert described == set(calls_of_urls())
    assert len(OPERATIONS) == len(described)


def test_every_entry_of_the_table_is_of_a_call() -> None:
    assert set(TABLE) == {(view, method) for (_path, method), view in calls_of_urls().items()}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_is_described_in_full(name: str) -> None:
    method, path, operation = OPERATIONS[name]
    parameters = operation.get("parameters", [])
    assert operation["summary"]
    assert operation["tags"][0] in {tag["name"] for tag in DESCRIPTION["tags"]}
    assert {p["name"] for p in parameters if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
    assert any(status < "300" for status in operation["responses"])
    for status, answer in operation["responses"].items():
        content = resolved(answer).get("content", {})
        assert status < "400" or set(content) == {"application/problem+json"}
    key = next((p for p in parameters if p["name"] == "Idempotency-Key"), None)
    refuses = "idempotency_key_required" in json.dumps(operation["responses"])
    assert (key is not None and key["required"]) == refuses
    assert key is None or method != "GET"


# Consistent with serializers----------------------------------------------------------------------


def check_names(kind: Any, schema: dict[str, Any]) -> None:
    shape = resolved(schema)
    fields = kind().fields
    assert shape["properties"].keys() == {to_camel_case(name) for name in fields}
    assert set(shape.get("required", [])) == {
        to_camel_case(name) for name, field in fields.items() if field.required
    }
    assert shape["additionalProperties"] is False
    for name, field in fields.items():
        inner, described = field, shape["properties"][to_camel_case(name)]
        if isinstance(field, serializers.ListField):
            inner, described = field.child, described["items"]
        if isinstance(inner, serializers.Serializer):
            check_names(type(inner), described)


@pytest.mark.parametrize(
    "entry", [entry for entry in TABLE.values() if entry.body], ids=lambda entry: entry.id
)
def test_bodies_have_the_names_of_their_serializers(entry: Any) -> None:
    body = OPERATIONS[entry.id][2]["requestBody"]
    check_names(entry.body, body["content"]["application/json"]["schema"])


def test_what_is_opaque_keeps_its_names() -> None:
    bodies = DESCRIPTION["components"]["schemas"]
    assert bodies["CartInput"]["properties"]["metadata"] == {"type": "object", "additionalProperties": {}}
    overrides = bodies["PurchaseInput"]["properties"]["overrideProducts"]["additionalProperties"]
    assert overrides == {"type": ["integer", "null"], "minimum": 1}


def contents() -> list[Any]:
    found = []
    for name, (_method, _path, operation) in OPERATIONS.items():
        parts = {status: resolved(answer) for status, answer in operation["responses"].items()}
        parts |= {"request": operation["requestBody"]} if "requestBody" in operation else {}
        found += [
            pytest.param(name, content["application/json"], id=f"{name}-{place}")
            for place, part in parts.items()
            if (content := part.get("content", {})).get("application/json")
        ]
    return found


@pytest.mark.parametrize(("name", "content"), contents())
def test_examples_are_what_they_are_examples_of(name: str, content: dict[str, Any]) -> None:
    if name == "readSchema":
        check(content["schema"], DESCRIPTION)
        return
    check(content["schema"], content["examples"]["example"]["value"])


def test_examples_of_problems() -> None:
    problem = DESCRIPTION["components"]["schemas"]["Problem"]
    assert [example["code"] for example in problem["examples"]] == list(PROBLEMS)
    for example in problem["examples"]:
        check({"$ref": "#/components/schemas/Problem"}, example)


# Problems ---------------------------------------------------------------------------------------

#: Raised inside the shop only; never by a call of the API.
INSIDE = {"CheckoutError", "GatewayError", "HenryCheckoutError", "IllegalTransition", "ReceiverMissing"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "InvalidBuyer": {"errors": {}},
    "BuyerIncomplete": {"errors": {}},
    "AmountChanged": {"totals": {}},
    "TooManyCalls": {"retry_after": 1},
}


def problems() -> list[Exception]:
    kinds = [
        kind
        for kind in vars(exceptions).values()
        if isinstance(kind, type)
        and issubclass(kind, HenryCheckoutError)
        and not issubclass(kind, exceptions.StaffError)
        and kind.__name__ not in INSIDE
    ]
    ours = [kind(**ARGUMENTS.get(kind.__name__, {})) for kind in kinds]
    return [
        *ours,
        ConfigurationError(),
        TooLarge(),
        framework.ParseError(),
        framework.NotAuthenticated(),
        framework.PermissionDenied(),
        framework.NotFound(),
        framework.MethodNotAllowed("PATCH"),
        framework.NotAcceptable(),
        framework.UnsupportedMediaType("text/plain"),
        framework.ValidationError(),
        framework.Throttled(),
    ]


def test_every_error_is_a_described_problem() -> None:
    answered = {}
    for error in problems():
        if isinstance(error, framework.NotFound):
            continue  # Django's own Http404 is what is raised
        response = handle_exception(error, {"view": StorefrontView()}, status_overrides={})
        answered[response.data["code"]] = response.status_code
    by_hand = {"line_not_found": 422, "ambiguous_item": 422, "not_found": 404, "internal_error": 500}
    assert {**answered, **by_hand} == {code: status for code, (status, _detail) in PROBLEMS.items()}


def test_the_docs_list_all_errors() -> None:
    rows = re.findall(
        r"^\| (\d{3}) \| `(\w+)` \| .+ \|$", ERRORS_PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    listed = [(code, int(status)) for status, code in rows]
    assert dict(listed) == {code: status for code, (status, _detail) in PROBLEMS.items()}
    assert len(listed) == len(PROBLEMS)


# Served -----------------------------------------------------------------------------------------


def test_it_is_public(settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**django_settings.HENRY_CHECKOUT, "API_THROTTLES": {"read": "1/hour"}}
    for headers in ({}, {"X-Session-Token": "wrong"}, {"Authorization": "Api-Key wrong"}):
        answer = Api(**headers)("GET", "schema")
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
        assert answer["Cache-Control"] == "public, max-age=3600"
        assert answer.json() == DESCRIPTION
    again = Client().get("/henry/api/v1/schema", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
