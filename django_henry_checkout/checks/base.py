"""Registers system checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, register

CheckFunction = Callable[[], Iterator[CheckMessage]]


def check(function: CheckFunction) -> CheckFunction:
    """Register a function without arguments as a system check.

    Its name is a sentence, which docs/reference/settings.md lists. `functools.wraps` is not used, because Django would
    then inspect the signature of the wrapped function.
    """

    @register(Tags.compatibility)
    def run(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
        return list(function()) if has_settings() else []  # reported by setting_is_a_dict

    return function


def has_settings() -> bool:
    """Return whether HENRY_CHECKOUT is a dict, so that it can be checked."""
    return isinstance(getattr(settings, "HENRY_CHECKOUT", None), dict)
