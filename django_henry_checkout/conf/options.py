"""Base class of the option groups: reads single options from the `HENRY_CHECKOUT` setting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings

from django_henry_checkout.exceptions import ConfigurationError


class Options:
    """Base of all option groups."""

    @property
    def _options(self) -> Mapping[str, Any]:
        options = getattr(settings, "HENRY_CHECKOUT", {})
        if not isinstance(options, Mapping):
            raise ConfigurationError("HENRY_CHECKOUT must be a dict.")
        return options

    def _get(self, name: str, default: Any) -> Any:
        return self._options.get(name, default)

    def _duration(self, name: str, default: timedelta) -> timedelta:
        value = self._get(name, default)
        if isinstance(value, timedelta):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return timedelta(seconds=value)
        raise ConfigurationError(f'HENRY_CHECKOUT["{name}"] must be a timedelta or a number of seconds.')
