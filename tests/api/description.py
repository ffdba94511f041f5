"""The OpenAPI description, and checks of responses against it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import jsonschema
from jsonschema.validators import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from django_henry_checkout.api.schema.view import SCHEMA_FILE

DESCRIPTION: dict[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def closed() -> dict[str, Any]:
    """Return the description with all objects closed: no additional properties."""
    document = deepcopy(DESCRIPTION)
    document["servers"] = [{"url": "/henry/api/v1"}]
    for shape in document["components"]["schemas"].values():
        shape.setdefault("additionalProperties", False)
    return document


CLOSED = closed()
_REGISTRY: Any = Registry().with_resource("urn:api", Resource(contents=CLOSED, specification=DRAFT202012))

#: By operationId: the method, the path and the operation.
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in CLOSED["paths"].items()
    for method, operation in methods.items()
}


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part, or the component that it refers to."""
    while "$ref" in part:
        found: Any = CLOSED
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def check(schema: dict[str, Any], instance: Any) -> None:
    """Validate a value against a schema of the description."""
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:api#/'))
    checker = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(absolute, registry=_REGISTRY, format_checker=checker)
    error = jsonschema.exceptions.best_match(validator.iter_errors(instance))
    assert error is None, f"{error.json_path}: {error.message[:500]}"


def check_answer(name: str, answer: Any) -> None:
    """Validate the status, content type and body of a response against its operation."""
    _method, _path, operation = OPERATIONS[name]
    described = operation["responses"].get(str(answer.status_code))
    assert described is not None, f"{name} does not describe {answer.status_code}: {answer.content[:500]!r}"
    content = resolved(described).get("content", {})
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    assert kind in (content or {""}), f"{name} does not describe {kind} with {answer.status_code}"
    if kind.endswith("json"):
        check(content[kind]["schema"], json.loads(answer.content))
