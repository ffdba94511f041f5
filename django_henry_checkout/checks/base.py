"""How a check is registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, register

Check = Callable[[], Iterator[CheckMessage]]


def check(look: Check) -> Check:
    """Register a check that needs no arguments; Django would look through `wraps`, so none is used."""

    @register(Tags.compatibility)
    def run(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
        return list(look()) if is_a_dict() else []  # reported by itself

    return look


def is_a_dict() -> bool:
    """Tell whether there is anything to look at."""
    return isinstance(getattr(settings, "HENRY_CHECKOUT", None), dict)
