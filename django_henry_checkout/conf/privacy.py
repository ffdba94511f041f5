"""Options for personal data: encryption and retention."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django_henry_checkout.conf.options import Options
from django_henry_checkout.exceptions import ConfigurationError

DAY = timedelta(days=1)
_DEFAULT_RETENTION: Mapping[str, timedelta | None] = {
    "webhooks": 30 * DAY,
    "deliveries": 30 * DAY,
    "carts": 90 * DAY,
    "customer_sessions": 30 * DAY,
    "buyers": None,
}


class PrivacyOptions(Options):
    """Options for the encryption and retention of personal data."""

    @property
    def ENCRYPTION_KEYS(self) -> tuple[str, ...]:
        """Fernet keys for personal data: the first encrypts, all decrypt; without keys it stays plain."""
        return tuple(self._get("ENCRYPTION_KEYS", ()))

    @property
    def RETENTION(self) -> Mapping[str, timedelta | None]:
        """Time after which `prune` deletes records; None keeps them.

        `webhooks` are counted from when they were processed, `deliveries` from when they were done, `carts`
        (of guests, without an order) from their last change, `customer_sessions` from when they expired,
        `buyers` (the personal data of an order) from when the order ended. Orders, their lines, purchases and
        events are never deleted.
        """
        given = self._get("RETENTION", {})
        unknown = sorted(set(given) - set(_DEFAULT_RETENTION))
        if unknown:
            names = ", ".join(_DEFAULT_RETENTION)
            raise ConfigurationError(f'HENRY_CHECKOUT["RETENTION"] has no {unknown[0]}; use one of: {names}.')
        return {name: given.get(name, default) for name, default in _DEFAULT_RETENTION.items()}
