"""The fields and shapes that all dialects use."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class Shape(serializers.Serializer[Any]):
    """An object of a response. Later versions may add names; clients must ignore unknown ones."""


def text(**options: Any) -> serializers.CharField:
    """Return a field for text, which may be empty."""
    return serializers.CharField(allow_blank=True, **options)


def texts() -> serializers.ListField:
    """Return a field for a list of texts."""
    return serializers.ListField(child=text())


def free_object() -> serializers.DictField:
    """Return a field for an object with names of the shop's choice."""
    return serializers.DictField()


def timestamp(**options: Any) -> serializers.DateTimeField:
    """Return a field for a time."""
    return serializers.DateTimeField(**options)


def number(**options: Any) -> serializers.FloatField:
    """Return a field for an amount in major units, as a number."""
    return serializers.FloatField(**options)


class PublicId(serializers.RegexField):
    """A ULID."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[0-9A-HJKMNP-TV-Z]{26}$", **options)


class OrderNumber(serializers.RegexField):
    """The readable number of an order."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[0-9A-Z]{5}-[0-9A-Z]{5}$", **options)


class Amount(serializers.RegexField):
    """An amount as text, with its currency's decimal places."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^-?[0-9]+(\.[0-9]+)?$", **options)


class Currency(serializers.RegexField):
    """An ISO 4217 code."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[A-Z]{3}$", **options)


class Money(Shape):
    """An amount as text with its currency's decimal places, so that no client reads it as a float."""

    value = Amount()
    currency = Currency()


class Description(Shape):
    """This description, in OpenAPI 3.1."""

    openapi = text()
    info = free_object()
    servers = serializers.ListField(child=free_object())
    tags = serializers.ListField(child=free_object())
    paths = free_object()
    components = free_object()
