"""What all errors come from."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured


class ConfigurationError(ImproperlyConfigured):
    """Correct the HENRY_CHECKOUT setting.

    Outside the tree on purpose: code that tolerates trouble at Henry must not hide a broken set-up.
    """


class HenryCheckoutError(Exception):
    """Base of all errors that a running shop can meet."""

    code = "error"

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").partition("\n")[0])
        if code is not None:
            self.code = code
