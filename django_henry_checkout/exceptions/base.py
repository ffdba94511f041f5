"""The base classes of all errors."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured


class ConfigurationError(ImproperlyConfigured):
    """Correct the HENRY_CHECKOUT setting.

    Outside the tree on purpose: code that tolerates failures at Henry must not hide a broken configuration.
    """


class HenryCheckoutError(Exception):
    """Base class of all errors of a correctly configured shop."""

    code = "error"

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])
        if code is not None:
            self.code = code
