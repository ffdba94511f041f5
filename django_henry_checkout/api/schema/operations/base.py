"""What the table of operations consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from django_henry_checkout.api.schema.parameters import Parameter

#: The view class and the method of a call.
Call = tuple[type[APIView], str]
SerializerClass = type[Serializer[Any]]
#: Callers that authenticate the shop itself.
SHOP = ("session", "apiKey", "apiKeyHeader")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The description of one call.

    Attributes:
        responses: shapes by status; a list with one shape is a list of such objects, None is no body.
        key: whether an `Idempotency-Key` is "required", "optional" or "" (ignored).
        is_image: whether the response is an image.
    """

    id: str
    tag: str
    responses: Mapping[int, SerializerClass | list[SerializerClass] | None]
    problems: tuple[str, ...]
    body: SerializerClass | None = None
    body_required: bool = True
    parameters: tuple[Parameter, ...] = ()
    key: str = ""
    is_image: bool = False
    callers: tuple[str, ...] = field(default=("session", "token", "bearer", "apiKey", "apiKeyHeader"))
    guests: bool = True


Operations = Mapping[Call, Operation]
