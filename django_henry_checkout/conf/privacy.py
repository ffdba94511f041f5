"""What is known of buyers, and how long it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django_henry_checkout.conf.options import Options
from django_henry_checkout.exceptions import ConfigurationError

DAY = timedelta(days=1)
_USUAL: Mapping[str, timedelta | None] = {
    "webhooks": 30 * DAY,
    "deliveries": 30 * DAY,
    "carts": 90 * DAY,
    "customer_sessions": 30 * DAY,
    "buyers": None,
}


class PrivacyOptions(Options):
    """What the workers delete, and what the database does not tell to whoever copies it."""

    @property
    def ENCRYPTION_KEYS(self) -> tuple[str, ...]:
        """Fernet keys that personal data is sealed with: the first one seals, all of them open. None: it is not."""
        return tuple(self._get("ENCRYPTION_KEYS", ()))

    @property
    def RETENTION(self) -> Mapping[str, timedelta | None]:
        """How long records are kept before `prune` deletes them; None is for ever.

        `webhooks` that were settled; `deliveries` that were made; `carts` of guests that nothing was ordered from,
        since their last change; `customer_sessions` since they lapsed; `buyers`, the personal data of an order,
        since the order ended. Orders, their lines, purchases and events are never deleted.
        """
        given = self._get("RETENTION", {})
        unknown = sorted(set(given) - set(_USUAL))
        if unknown:
            raise ConfigurationError(f'HENRY_CHECKOUT["RETENTION"] has no {unknown[0]}: {", ".join(_USUAL)}.')
        return {name: given.get(name, usual) for name, usual in _USUAL.items()}
