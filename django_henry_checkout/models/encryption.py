"""Model fields for personal data, encrypted with ENCRYPTION_KEYS, and digests to find e-mail addresses."""

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
    Fernet = MultiFernet = None  # type: ignore[assignment,misc]  # checked in _fernet
    InvalidToken = ValueError  # type: ignore[assignment,misc]  # never raised without it

#: Prefix of an encrypted text. Its first character does not occur in text that people type.
MARK = "\x02encrypted:"


def encrypt(text: str) -> str:
    """Return a text encrypted with the first of ENCRYPTION_KEYS, or unchanged if there is none."""
    keys = app_settings.ENCRYPTION_KEYS
    return MARK + _fernet(keys).encrypt(text.encode()).decode() if keys and text else text


def decrypt(text: str) -> str:
    """Return the plain text of a stored one.

    Raises:
        ConfigurationError: none of ENCRYPTION_KEYS decrypts it.
    """
    if not text.startswith(MARK):
        return text
    keys = app_settings.ENCRYPTION_KEYS
    if not keys:
        raise _missing_key()
    try:
        return _fernet(keys).decrypt(text.removeprefix(MARK)).decode()
    except InvalidToken:
        raise _missing_key() from None


def _missing_key() -> ConfigurationError:
    return ConfigurationError(
        'Personal data was encrypted with a key that is not in HENRY_CHECKOUT["ENCRYPTION_KEYS"] any more. '
        "Add the key again, after the newest one; `henry_buyer reencrypt` makes it unnecessary."
    )


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    if MultiFernet is None:
        raise ConfigurationError("Encryption requires: pip install django-henry-checkout[encryption]")
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except (ValueError, TypeError):
        raise ConfigurationError(
            'HENRY_CHECKOUT["ENCRYPTION_KEYS"] must contain keys made by Fernet.generate_key().'
        ) from None


def email_digest(email: str, *, secret: str | None = None) -> str:
    """Return the keyed digest by which an address is found; without SECRET_KEY it cannot be guessed."""
    text = email.strip().casefold()
    if not text:
        return ""
    return salted_hmac("henry_checkout.email", text, secret=secret, algorithm="sha256").hexdigest()


def email_digests(email: str) -> list[str]:
    """Return every digest under which an address may be stored, with SECRET_KEY_FALLBACKS too."""
    secrets = [None, *map(str, settings.SECRET_KEY_FALLBACKS)]
    return [digest for secret in secrets if (digest := email_digest(email, secret=secret))]


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not generic at run time
    """A text that may be encrypted, so it can only be compared with the empty text."""

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
        raise FieldError(f"{self.name} may be encrypted: it cannot be searched.")


class _IsEmpty(Exact):
    """The only comparison of an encrypted column: with the empty text."""

    def get_prep_lookup(self) -> Any:
        if self.rhs is not None and self.rhs != "":
            raise FieldError("This column may be encrypted: it can only be compared with the empty text.")
        return super().get_prep_lookup()


class EncryptedJSONField(EncryptedTextField):
    """A JSON value that may be encrypted."""

    # For the django-stubs mypy plugin, which reads the types of a field from these names.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else super().get_prep_value(json.dumps(value))

    def from_db_value(self, value: Any, *_args: Any) -> Any:
        return value if value is None else json.loads(super().from_db_value(value) or "{}")

    def to_python(self, value: Any) -> Any:
        return value
