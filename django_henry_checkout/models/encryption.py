"""Columns for personal data. With ENCRYPTION_KEYS a copy of the database does not tell what is in them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.models import Lookup
from django.db.models.lookups import Exact
from django.utils.crypto import salted_hmac

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import ConfigurationError

try:
    from cryptography.fernet import Fernet, InvalidToken, MultiFernet
except ImportError:  # the extra is not installed
    Fernet = MultiFernet = None  # type: ignore[assignment,misc]  # asked for below
    InvalidToken = ValueError  # type: ignore[assignment,misc]  # never raised then

#: What a sealed text begins with. No text that people type holds that character.
MARK = "\x02encrypted:"


def encrypt(text: str) -> str:
    """Return a text as it is stored: sealed by the first of ENCRYPTION_KEYS, if there is one."""
    keys = app_settings.ENCRYPTION_KEYS
    return MARK + _fernet(keys).encrypt(text.encode()).decode() if keys and text else text


def decrypt(text: str) -> str:
    """Return a stored text as it was.

    Raises:
        ConfigurationError: none of ENCRYPTION_KEYS opens it.
    """
    if not text.startswith(MARK):
        return text
    keys = app_settings.ENCRYPTION_KEYS
    try:
        return _fernet(keys).decrypt(text.removeprefix(MARK)).decode() if keys else _fail()
    except InvalidToken:
        return _fail()


def _fail() -> str:
    raise ConfigurationError(
        'Personal data was sealed with a key that HENRY_CHECKOUT["ENCRYPTION_KEYS"] does not hold any more. '
        "Put the key back, behind the newest one; `henry_buyer reseal` makes it unnecessary."
    )


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    if MultiFernet is None:
        raise ConfigurationError("Sealing personal data needs: pip install django-henry-checkout[encryption]")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except (ValueError, TypeError):
        raise ConfigurationError(
            'HENRY_CHECKOUT["ENCRYPTION_KEYS"] must hold keys as cryptography.fernet.Fernet.generate_key() makes them.'
        ) from None


def email_digest(email: str, *, secret: str | None = None) -> str:
    """Return what an e-mail address is found by; without SECRET_KEY nobody finds out by trying whose it is."""
    text = email.strip().casefold()
    if not text:
        return ""
    return salted_hmac("henry_checkout.email", text, secret=secret, algorithm="sha256").hexdigest()


def email_digests(email: str) -> list[str]:
    """Return every digest that an address may have been stored with: SECRET_KEY_FALLBACKS count too."""
    secrets = [None, *map(str, settings.SECRET_KEY_FALLBACKS)]
    return [digest for secret in secrets if (digest := email_digest(email, secret=secret))]


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not generic when it runs
    """A text that may be sealed. It cannot be searched: whoever looks at the database sees noise."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return value if value is None else encrypt(value)

    def from_db_value(self, value: Any, *_args: Any) -> Any:
        return value if value is None else decrypt(value)

    def get_lookup(self, lookup_name: str) -> type[Lookup[Any]] | None:
        if lookup_name == "exact":
            return _IsEmpty
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        raise FieldError(f"{self.name} may be sealed: it cannot be searched.")


class _IsEmpty(Exact):
    """The one thing that a sealed column can be asked: whether it is empty."""

    def get_prep_lookup(self) -> Any:
        if self.rhs is not None and self.rhs != "":
            raise FieldError("This column may be sealed: it cannot be searched, but for being empty.")
        return super().get_prep_lookup()


class EncryptedJSONField(EncryptedTextField):
    """A JSON value that may be sealed."""

    # For the type checker, which knows columns by these names.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else super().get_prep_value(json.dumps(value))

    def from_db_value(self, value: Any, *_args: Any) -> Any:
        return value if value is None else json.loads(super().from_db_value(value) or "{}")

    def to_python(self, value: Any) -> Any:
        return value
