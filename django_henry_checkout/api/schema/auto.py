"""Writes operations of the description from the table, for drf-spectacular's generators: ours and the host's."""

from __future__ import annotations

import inspect
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import (
    ComponentRegistry,
    ResolvedComponent,
    append_meta,
    is_jsonschema_compliant,
)
from rest_framework import serializers

from django_henry_checkout.api.inputs import StrictSerializer
from django_henry_checkout.api.names import JSON, camel
from django_henry_checkout.api.schema.examples import examples_of
from django_henry_checkout.api.schema.parameters import ID, key_header
from django_henry_checkout.api.schema.problems import PROBLEMS, Problem, by_status, example_of
from django_henry_checkout.api.schema.security import schemes
from django_henry_checkout.api.schema.table import OPERATIONS, Operation, Shown

_HEADERS = {
    "X-Request-Id": "Names this call, for the shop's log.",
    "Retry-After": "Seconds to wait before the call is repeated.",
    "Idempotent-Replayed": "`true` where the answer is that of an earlier call with the same key.",
}
_SUCCESS = {
    200: "Done.",
    201: "Made.",
    202: "Sent, and its outcome is not known yet: follow the order, do not buy again.",
    204: "Done; there is nothing to show.",
    304: "It is what the caller has already.",
}
_DECIMAL = r"^([0-9]{1,15}(\.[0-9]{0,4})?|\.[0-9]{1,4})$"


class OwnRegistry(ComponentRegistry):
    """Components of our own description, where names are plain. In the host's they must not meet the host's."""


class HenrySchema(AutoSchema):
    """Describes the views of this app. A view that is not in the table is described as usual."""

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        """Name a component after its class."""
        return self._named(type(serializer).__name__)

    def _named(self, name: str) -> str:
        return name if isinstance(self.registry, OwnRegistry) else f"Henry{name[0].upper()}{name[1:]}"

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> JSON | None:
        """Write one operation."""
        names = [kind.__name__ for kind in type(self.view).__mro__]
        found = next((OPERATIONS[name, method] for name in names if (name, method) in OPERATIONS), None)
        if found is None:
            usual: JSON | None = super().get_operation(path, path_regex, path_prefix, method, registry)
            return usual
        self.registry, self.path, self.path_regex = registry, path, path_regex
        self.path_prefix, self.method = path_prefix, method
        picture = getattr(self.view, "picture", "")
        operation: JSON = {
            "operationId": found.id + picture.title(),
            "summary": self._summary(),
            "description": self._about(),
            "tags": [found.tag],
            "parameters": self._parameters_of(found),
            "requestBody": self._body_of(found),
            "security": self._security_of(found),
            "responses": {**self._answers_of(found, picture), **self._problems_of(found)},
        }
        return {name: value for name, value in operation.items() if value or name == "security"}

    # What a call takes ----------------------------------------------------------------------------

    def _about(self) -> str:
        method = getattr(self.view, (self.method or "").lower())
        return " ".join((method.__doc__ or "").split())

    def _summary(self) -> str:
        first = self._about().partition(". ")[0].partition(": ")[0].partition("; ")[0]
        return first.rstrip(".")

    def _parameters_of(self, found: Operation) -> list[JSON]:
        names = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        known = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": ID,
                "description": "A ULID; the UUID spelling is taken too.",
            }
            for name in names
        ]
        key = [key_header(required=found.key == "required")] if found.key else []
        return [*known, *(each.as_json() for each in (*found.parameters, *key))]

    def _body_of(self, found: Operation) -> JSON | None:
        if found.body is None:
            return None
        content: JSON = {"schema": self.resolve_serializer(found.body, "request").ref}
        example = examples_of(found.id).get("request")
        if example is not None:
            content["examples"] = {"example": {"value": example}}
        return {"required": found.body_required, "content": {"application/json": content}}

    def _security_of(self, found: Operation) -> list[JSON]:
        for name, scheme in schemes().items():
            self._component(name, "securitySchemes", scheme)
        with_csrf = {"session": ("session", "csrf")} if self.method != "GET" else {}
        listed: list[JSON] = [
            {self._named(scheme): [] for scheme in with_csrf.get(name, (name,))} for name in found.callers
        ]
        return [*listed, *([{}] if found.guests else [])]

    # What it answers ------------------------------------------------------------------------------

    def _answers_of(self, found: Operation, picture: str) -> JSON:
        replayed = ["Idempotent-Replayed"] if found.key else []
        return {
            str(status): {
                "description": _SUCCESS[status],
                "headers": self._headers(
                    ["X-Request-Id", *(replayed if status < 300 else [])] if not found.pictures else []
                ),
                **self._content_of(found, status, shown, picture),
            }
            for status, shown in found.answers.items()
        }

    def _content_of(
        self, found: Operation, status: int, shown: Shown | list[Shown] | None, picture: str
    ) -> JSON:
        if found.pictures and status == 200:
            kinds = {"png": "image/png", "svg": "image/svg+xml"}
            return {"content": {kinds[kind]: {} for kind in kinds if picture in {"", kind}}}
        if shown is None:
            return {}
        if isinstance(shown, list):
            schema: JSON = {"type": "array", "items": self.resolve_serializer(shown[0], "response").ref}
        else:
            schema = self.resolve_serializer(shown, "response").ref
        content: JSON = {"schema": schema}
        examples = examples_of(found.id)
        example = examples.get(str(status))
        if example is not None:
            content["examples"] = {"example": {"value": example}}
        return {"content": {"application/json": content}}

    def _problems_of(self, found: Operation) -> JSON:
        statuses = getattr(self.view, "statuses", {})
        return {
            str(status): self._problem(status, codes)
            for status, codes in by_status(found.problems, statuses).items()
        }

    def _problem(self, status: int, codes: list[str]) -> JSON:
        """Write the answer of one status: the shared problem, and which codes it has here."""
        if len(codes) > 1:
            return self._problem_answer(status, codes)
        # The same everywhere, so that it is written once.
        return self._component(
            f"problem_{status}_{codes[0]}", "responses", self._problem_answer(status, codes)
        )

    def _problem_answer(self, status: int, codes: list[str]) -> JSON:
        waits = status in {429, 503, 504} or "still_running" in codes
        return {
            "description": ", ".join(f"`{code}`" for code in codes),
            "headers": self._headers(["X-Request-Id", *(["Retry-After"] if waits else [])]),
            "content": {
                "application/problem+json": {
                    "schema": {
                        "allOf": [self.resolve_serializer(Problem, "response").ref],
                        "properties": {"code": {"enum": codes}},
                    }
                }
            },
        }

    def _headers(self, names: list[str]) -> JSON:
        return {
            name: self._component(
                name, "headers", {"description": _HEADERS[name], "schema": {"type": "string"}}
            )
            for name in names
        }

    def _component(self, name: str, kind: str, content: JSON) -> JSON:
        make: Any = ResolvedComponent
        component = make(name=self._named(name), type=kind, schema=content, object=name)
        self.registry.register_on_missing(component)
        ref: JSON = component.ref
        return ref

    # How serializers are written ------------------------------------------------------------------

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> JSON:
        schema: JSON = super()._map_basic_serializer(serializer, direction)
        schema.pop("description", None)
        about = type(serializer).__dict__.get("__doc__")  # not what it inherits
        if about:
            schema = {"description": inspect.cleandoc(about), **schema}
        schema["properties"] = {camel(name): value for name, value in schema.get("properties", {}).items()}
        if "required" in schema:
            schema["required"] = sorted(camel(name) for name in schema["required"])
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        if isinstance(serializer, Problem) and is_jsonschema_compliant():
            schema["examples"] = [example_of(code) for code in PROBLEMS]
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
