"""Checks of the shop's adapter class."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import iscoroutinefunction

from django.core.checks import CheckMessage, Error

from django_henry_checkout.checks.base import check
from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.flows.access.adapter import HOOKS, get_adapter


@check
def adapter_has_every_hook() -> Iterator[CheckMessage]:
    try:
        adapter = get_adapter()
    except ConfigurationError as error:
        yield Error(
            str(error),
            hint='Name a class such as "shop.henry.Adapter" that needs no arguments, or remove the option.',
            id="henry_checkout.E019",
        )
        return
    hooks = {name: getattr(adapter, name, None) for name in HOOKS}
    unusable = [name for name, hook in hooks.items() if not callable(hook) or iscoroutinefunction(hook)]
    if unusable:
        yield Error(
            f"The adapter {type(adapter).__name__} has no usable {', '.join(unusable)}.",
            hint="Subclass django_henry_checkout.adapter.DefaultAdapter, and define its hooks with def, not async def.",
            id="henry_checkout.E020",
        )
