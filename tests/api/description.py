"""The description of the API, and how an answer is held to it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import jsonschema
from jsonschema.validators import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from django_henry_checkout.api.schema.file import FILE

DESCRIPTION: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))


def closed() -> dict[str, Any]:
    """Return the description with answers that may hold nothing but what it says."""
    document = deepcopy(DESCRIPTION)
    document["servers"] = [{"url": "/henry/api/v1"}]
    for shape in document["components"]["schemas"].values():
        shape.setdefault("additionalProperties", False)
    return document


CLOSED = closed()
_REGISTRY: Any = Registry().with_resource("urn:api", Resource(contents=CLOSED, specification=DRAFT202012))

#: By operationId: the method, the path and what is said of it.
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in CLOSED["paths"].items()
    for method, operation in methods.items()
}


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the components."""
    while "$ref" in part:
        found: Any = CLOSED
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def check(schema: dict[str, Any], instance: Any) -> None:
    """Hold a value to a schema of the description."""
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:api#/'))
    checker = Draft202012Validator.FORMAT_CHECKER
    validator = Draft202012Validator(absolute, registry=_REGISTRY, format_checker=checker)
    error = jsonschema.exceptions.best_match(validator.iter_errors(instance))
    assert error is None, f"{error.json_path}: {error.message[:500]}"


def check_answer(name: str, answer: Any) -> None:
    """Hold an answer to what is said of an operation: its status, its content type, its body."""
    _method, _path, operation = OPERATIONS[name]
    told = operation["responses"].get(str(answer.status_code))
    assert told is not None, f"{name} does not tell of {answer.status_code}: {answer.content[:500]!r}"
    content = resolved(told).get("content", {})
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    assert kind in (content or {""}), f"{name} does not tell of {kind} with {answer.status_code}"
    if kind.endswith("json"):
        check(content[kind]["schema"], json.loads(answer.content))
