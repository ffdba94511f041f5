"""Describes the views of this app for drf-spectacular's generators: ours and the host's."""

from __future__ import annotations

import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any

from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import (
    ComponentRegistry,
    ResolvedComponent,
    append_meta,
    is_jsonschema_compliant,
)
from rest_framework import serializers
from rest_framework.views import APIView

from django_henry_checkout.api.common.base import StorefrontView
from django_henry_checkout.api.common.camel_case import JSON, to_camel_case
from django_henry_checkout.api.common.inputs import StrictSerializer
from django_henry_checkout.api.schema.operations import OPERATIONS
from django_henry_checkout.api.schema.operations.base import Operation, SerializerClass
from django_henry_checkout.api.schema.parameters import ID, build_key_header
from django_henry_checkout.api.schema.problems import PROBLEMS, Problem, build_example, group_by_status
from django_henry_checkout.api.schema.security import build_security_schemes

_HEADERS = {
    "X-Request-Id": "Id of this call, for the shop's logs.",
    "Retry-After": "Seconds to wait before you repeat the call.",
    "Idempotent-Replayed": "`true` if this is the response of an earlier call with the same key.",
}
_SUCCESS = {
    200: "Success.",
    201: "Created.",
    202: "Sent; the outcome is not known yet. Check the status of the order, and do not buy again.",
    204: "Success; no body.",
    304: "Not modified.",
}
_DECIMAL = r"^([0-9]{1,15}(\.[0-9]{0,4})?|\.[0-9]{1,4})$"


#: Examples by operation, recorded against the sandbox: "request", and responses by status.
_EXAMPLES = Path(__file__).with_name("examples.json")


@cache
def _load_examples() -> dict[str, dict[str, Any]]:
    content: dict[str, dict[str, Any]] = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
    return content


class OwnRegistry(ComponentRegistry):
    """The components of our own description. In the host's description, their names get a prefix."""


class StorefrontSchema(AutoSchema):
    """Describes views from the table of operations; views that are not in it as usual."""

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """Return the name of a component: that of its class."""
        return self._prefix_name(type(serializer).__name__)

    def _prefix_name(self, name: str) -> str:
        return name if isinstance(self.registry, OwnRegistry) else f"Henry{name[0].upper()}{name[1:]}"

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> JSON | None:
        """Return one operation of the description."""
        calls = [(kind, method) for kind in type(self.view).__mro__]
        found = next((OPERATIONS[call] for call in calls if call in OPERATIONS), None)
        if found is None:
            usual: JSON | None = super().get_operation(path, path_regex, path_prefix, method, registry)
            return usual
        self.registry, self.path, self.path_regex = registry, path, path_regex
        self.path_prefix, self.method = path_prefix, method
        image_format = getattr(self.view, "image_format", "")
        operation: JSON = {
            "operationId": found.id + image_format.title(),
            "summary": self._get_summary(),
            "description": self._get_description(),
            "tags": [found.tag],
            "parameters": self._build_parameters(found),
            "requestBody": self._build_body(found),
            "security": self._build_security(found),
            "responses": {**self._build_responses(found, image_format), **self._build_problems(found)},
        }
        return {name: value for name, value in operation.items() if value or name == "security"}

    # Requests -----------------------------------------------------------------------------------

    def _get_description(self) -> str:
        method = getattr(self.view, (self.method or "").lower())
        return " ".join((method.__doc__ or "").split())

    def _get_summary(self) -> str:
        first = self._get_description().partition(". ")[0].partition(": ")[0].partition("; ")[0]
        return first.rstrip(".")

    def _build_parameters(self, found: Operation) -> list[JSON]:
        names = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        in_path = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": ID,
                "description": "A ULID; the UUID spelling is accepted too.",
            }
            for name in names
        ]
        key = [build_key_header(required=found.key == "required")] if found.key else []
        return [*in_path, *(each.as_json() for each in (*found.parameters, *key))]

    def _build_body(self, found: Operation) -> JSON | None:
        if found.body is None:
            return None
        content: JSON = {"schema": self.resolve_serializer(found.body, "request").ref}
        example = _load_examples().get(found.id, {}).get("request")
        if example is not None:
            content["examples"] = {"example": {"value": example}}
        return {"required": found.body_required, "content": {"application/json": content}}

    def _build_security(self, found: Operation) -> list[JSON]:
        for name, scheme in build_security_schemes().items():
            self._register(name, "securitySchemes", scheme)
        with_csrf = {"session": ("session", "csrf")} if self.method != "GET" else {}
        listed: list[JSON] = [
            {self._prefix_name(scheme): [] for scheme in with_csrf.get(name, (name,))}
            for name in found.callers
        ]
        return [*listed, *([{}] if found.guests else [])]

    # Responses ----------------------------------------------------------------------------------

    def _build_responses(self, found: Operation, image_format: str) -> JSON:
        replayed = ["Idempotent-Replayed"] if found.key else []
        return {
            str(status): {
                "description": _SUCCESS[status],
                "headers": self._build_headers(
                    ["X-Request-Id", *(replayed if status < 300 else [])] if not found.is_image else []
                ),
                **self._build_content(found, status, shape, image_format),
            }
            for status, shape in found.responses.items()
        }

    def _build_content(
        self,
        found: Operation,
        status: int,
        shape: SerializerClass | list[SerializerClass] | None,
        image_format: str,
    ) -> JSON:
        if found.is_image and status == 200:
            kinds = {"png": "image/png", "svg": "image/svg+xml"}
            return {"content": {kinds[kind]: {} for kind in kinds if image_format in {"", kind}}}
        if shape is None:
            return {}
        if isinstance(shape, list):
            schema: JSON = {"type": "array", "items": self.resolve_serializer(shape[0], "response").ref}
        else:
            schema = self.resolve_serializer(shape, "response").ref
        content: JSON = {"schema": schema}
        examples = _load_examples().get(found.id, {})
        example = examples.get(str(status))
        if example is not None:
            content["examples"] = {"example": {"value": example}}
        return {"content": {"application/json": content}}

    def _build_problems(self, found: Operation) -> JSON:
        overrides = getattr(self.view, "status_overrides", {})
        return {
            str(status): self._build_problem(status, codes)
            for status, codes in group_by_status(found.problems, overrides).items()
        }

    def _build_problem(self, status: int, codes: list[str]) -> JSON:
        """Return the problem response of one status, with the codes of this call."""
        if len(codes) > 1:
            return self._build_problem_response(status, codes)
        # One code looks the same on each call, so it is a shared component.
        return self._register(
            f"problem_{status}_{codes[0]}", "responses", self._build_problem_response(status, codes)
        )

    def _build_problem_response(self, status: int, codes: list[str]) -> JSON:
        has_retry = status in {429, 503, 504} or "still_running" in codes
        return {
            "description": ", ".join(f"`{code}`" for code in codes),
            "headers": self._build_headers(["X-Request-Id", *(["Retry-After"] if has_retry else [])]),
            "content": {
                "application/problem+json": {
                    "schema": {
                        "allOf": [self.resolve_serializer(Problem, "response").ref],
                        "properties": {"code": {"enum": codes}},
                    }
                }
            },
        }

    def _build_headers(self, names: list[str]) -> JSON:
        return {
            name: self._register(
                name, "headers", {"description": _HEADERS[name], "schema": {"type": "string"}}
            )
            for name in names
        }

    def _register(self, name: str, kind: str, content: JSON) -> JSON:
        component_class: Any = ResolvedComponent
        component = component_class(name=self._prefix_name(name), type=kind, schema=content, object=name)
        self.registry.register_on_missing(component)
        ref: JSON = component.ref
        return ref

    # Serializers --------------------------------------------------------------------------------

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> JSON:
        schema: JSON = super()._map_basic_serializer(serializer, direction)
        schema.pop("description", None)
        docstring = type(serializer).__dict__.get("__doc__")  # without inherited docstrings
        if docstring:
            schema = {"description": inspect.cleandoc(docstring), **schema}
        schema["properties"] = {
            to_camel_case(name): value for name, value in schema.get("properties", {}).items()
        }
        if "required" in schema:
            schema["required"] = sorted(to_camel_case(name) for name in schema["required"])
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        if isinstance(serializer, Problem) and is_jsonschema_compliant():
            schema["examples"] = [build_example(code) for code in PROBLEMS]
        return schema

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> JSON:
        if isinstance(field, serializers.DecimalField) and is_jsonschema_compliant():
            meta = self._get_serializer_field_meta(field, direction)
            schema: JSON = append_meta(
                {"type": ["string", "number"], "pattern": _DECIMAL, "minimum": 0}, meta
            )
        else:
            schema = super()._map_serializer_field(field, direction, bypass_extensions)
        return schema


class StorefrontViewExtension(OpenApiViewExtension):
    """Attaches `StorefrontSchema` to the views, which themselves know nothing of their description."""

    target_class = StorefrontView
    match_subclasses = True

    def view_replacement(self) -> type[APIView]:
        """Return the view with our schema."""
        return type(self.target.__name__, (self.target,), {"schema": StorefrontSchema()})
