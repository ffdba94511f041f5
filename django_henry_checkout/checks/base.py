"""How a check is registered, and what checks ask of the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings as django_settings
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
    return isinstance(getattr(django_settings, "HENRY_CHECKOUT", None), dict)


def raw_option(name: str, default: Any = None, *, account: str = "default") -> Any:
    """Return an option as it was written, which need not be what it should be."""
    options: Mapping[str, Any] = django_settings.HENRY_CHECKOUT
    own = options.get("ACCOUNTS", {}).get(account, {})
    return own.get(name, options.get(name, default))
