"""Inputs of the calls by Diddo's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from rest_framework import exceptions, serializers

from django_henry_checkout.api.common.inputs import IdField, StrictSerializer, TextField
from django_henry_checkout.types import parse_public_id


def parse_path_id(text: str) -> UUID:
    """Return the id of a path; a malformed one is 400, as Diddo's page declares."""
    public_id = parse_public_id(text)
    if public_id is None:
        raise exceptions.ParseError("The id is neither a ULID nor a UUID.")
    return public_id


class BuyerInfoInput(StrictSerializer):
    """A buyer in Diddo's shape (diddo-checkout.md 4); null clears a field, a missing field is kept."""

    #: Spellings of Diddo's older pages (diddo-checkout.md 4).
    older_names: ClassVar[Mapping[str, str]] = {"address_1": "address1", "address_2": "address2"}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            data = {
                **{self.older_names[name]: data[name] for name in self.older_names if name in data},
                **data,
            }
            data = {name: value for name, value in data.items() if name not in self.older_names}
        return super().to_internal_value(data)

    first_name = TextField(required=False, allow_null=True, allow_blank=True)
    last_name = TextField(required=False, allow_null=True, allow_blank=True)
    email = TextField(required=False, allow_null=True, allow_blank=True)
    phone = TextField(required=False, allow_null=True, allow_blank=True)
    address1 = TextField(required=False, allow_null=True, allow_blank=True)
    address2 = TextField(required=False, allow_null=True, allow_blank=True)
    city = TextField(required=False, allow_null=True, allow_blank=True)
    province_code = TextField(required=False, allow_null=True, allow_blank=True)
    postal_code = TextField(required=False, allow_null=True, allow_blank=True)
    country_code = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=2)


class CustomerInput(BuyerInfoInput):
    """Known details of a customer. Unknown fields are ignored, as Diddo's page proposes."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            data = {name: data[name] for name in data if name in self.fields or name in self.older_names}
        return super().to_internal_value(data)


class ShippingInput(StrictSerializer):
    cart_id = IdField(required=False)
    payment_intent_id = IdField(required=False)
    buyer_info = BuyerInfoInput(default=dict)


class ShippingMethodInput(StrictSerializer):
    cart_id = IdField()
    shipping_method_id = serializers.IntegerField(min_value=1)
