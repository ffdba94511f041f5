"""The table of operations: for each view and method its body, responses and problems."""

from __future__ import annotations

from django_henry_checkout.api.schema.operations.base import Operation, Operations
from django_henry_checkout.api.schema.operations.diddo import DIDDO_OPERATIONS
from django_henry_checkout.api.schema.operations.henry import HENRY_OPERATIONS
from django_henry_checkout.api.schema.operations.umbraco import UMBRACO_OPERATIONS
from django_henry_checkout.api.schema.shapes.base import Description
from django_henry_checkout.api.schema.view import SchemaView

_DESCRIPTION: Operations = {
    (SchemaView, "GET"): Operation(
        id="readSchema",
        tag="description",
        responses={200: Description, 304: None},
        problems=("not_acceptable",),
        callers=(),
    )
}

OPERATIONS: Operations = {**HENRY_OPERATIONS, **DIDDO_OPERATIONS, **UMBRACO_OPERATIONS, **_DESCRIPTION}

TAGS = {
    "carts": "Carts of any merchant's products, and the links that sell them.",
    "purchases": "Purchases of a cart: on Henry's page, or with one call.",
    "sessions": "Checkout in the shop's own form, by the names of Henry's headless API.",
    "links": "Checkouts from a link or QR code, by Diddo's names.",
    "payments": "Payment of an order, by Umbraco's names. Business failures are 400.",
    "orders": "Orders, their items and their events.",
    "description": "This description.",
}
