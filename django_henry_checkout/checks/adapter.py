"""Checks of the shop's adapter class."""

from __future__ import annotations

from collections.abc import Iterator

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
    missing = [name for name in HOOKS if not callable(getattr(adapter, name, None))]
    if missing:
        yield Error(
            f"The adapter {type(adapter).__name__} lacks {', '.join(missing)}.",
            hint="Subclass django_henry_checkout.adapter.DefaultAdapter.",
            id="henry_checkout.E020",
        )
