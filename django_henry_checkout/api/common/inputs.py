"""The serializer that all inputs derive from. Inputs check shapes; rules (links, bounds) are checked by flows."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """Refuse unknown fields, so that a misspelled name is not silently ignored."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if unknown:
            raise serializers.ValidationError(
                {name: ["This field is not known."] for name in sorted(unknown)}
            )
        return super().to_internal_value(data)


class IdField(serializers.CharField):
    """A public id in either spelling, ULID or UUID."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=64, **options)


class TextField(serializers.CharField):
    """A part of a name, an address or a contact detail."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=500, **options)
