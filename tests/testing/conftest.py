"""Imports the fixtures of the plugin: only a root conftest.py may name plugins."""

from __future__ import annotations

from django_henry_checkout.testing.plugin import (
    build_cart,
    build_paid_order,
    drain,
    henry_sandbox,
    henry_sandbox_process,
    henry_webhook,
    race,
)

__all__ = [
    "build_cart",
    "build_paid_order",
    "drain",
    "henry_sandbox",
    "henry_sandbox_process",
    "henry_webhook",
    "race",
]
