"""Henry accounts: one set of credentials, or several named ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django_henry_checkout.conf.options import Options
from django_henry_checkout.exceptions import ConfigurationError


@dataclass(frozen=True)
class WebhookSecret:
    """A webhook signing secret; it is not accepted after `not_after`."""

    secret: str = field(repr=False)
    not_after: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Account:
    """One set of Henry credentials. `repr` hides the key.

    Attributes:
        api_key: API key of your Henry account.
        api_version: generation of Henry's API: "v1", "v1-rpc" or "v0".
        base_url: base URL of Henry's API; plain http is accepted only for a sandbox on this machine.
        checkout_origins: exact origins to which shoppers may be redirected.
        frame_ancestors: exact origins of other sites that may embed the checkout in a frame; the shop's own
            origin is always allowed.
        accounts: named accounts, as in `{"default": {"API_KEY": ...}, "uk": {...}}`; each one inherits the
            options that it does not set.
        webhook_secrets: secrets with which Henry signs webhooks. To rotate one, list both and give the old
            one an end: `{"secret": ..., "not_after": "2026-12-01T00:00:00+00:00"}`. If the list is empty, all
            webhooks are rejected.
        webhook_key: unguessable part of the webhook URL; derived from SECRET_KEY by default.
        webhook_uuid: id (UUID) of the webhook in Henry's dashboard that receives the events of each cart.
        webhook_events: events that this webhook receives.
    """

    alias: str
    api_key: str = field(repr=False)
    api_version: str
    base_url: str
    checkout_origins: tuple[str, ...]
    frame_ancestors: tuple[str, ...] = ()
    webhook_secrets: tuple[WebhookSecret, ...] = field(default=(), repr=False)
    webhook_key: str = field(default="", repr=False)
    webhook_uuid: str = ""
    webhook_events: tuple[str, ...] = ()


class AccountOptions(Options):
    """The Henry accounts of the shop."""

    def account(self, alias: str = "default") -> Account:
        """Return the credentials named `alias`.

        Raises:
            ConfigurationError: there is no such account, or its API_KEY is missing or not usable.
        """
        own: Mapping[str, Any] = {}
        if "ACCOUNTS" in self._options:
            try:
                own = self._options["ACCOUNTS"][alias]
            except KeyError:
                raise ConfigurationError(
                    f'HENRY_CHECKOUT["ACCOUNTS"] has no account {alias!r}. Add it, or use one of: '
                    f"{', '.join(sorted(self._options['ACCOUNTS']))}."
                ) from None
        elif alias != "default":
            raise ConfigurationError(f'HENRY_CHECKOUT has no "ACCOUNTS", so there is no account {alias!r}.')

        def option(name: str, default: Any) -> Any:
            return own.get(name, self._get(name, default))

        key = option("API_KEY", "")
        if not isinstance(key, str) or not key.strip():
            raise ConfigurationError(
                f'The Henry account {alias!r} has no key. Set HENRY_CHECKOUT["API_KEY"] '
                "(for the local sandbox, the key it was started with; sandbox-key by default)."
            )
        if not key.strip().isascii() or not key.strip().isprintable():
            raise ConfigurationError(
                f"The key of the Henry account {alias!r} contains characters that are not allowed in an HTTP "
                'header. Correct HENRY_CHECKOUT["API_KEY"]; a common cause is a copied line break.'
            )
        return Account(
            alias=alias,
            api_key=key.strip(),
            api_version=option("API_VERSION", "v1"),
            base_url=str(option("BASE_URL", "https://api.henrylabs.ai")).rstrip("/"),
            checkout_origins=tuple(option("CHECKOUT_ORIGINS", ["https://checkout.henrylabs.ai"])),
            frame_ancestors=tuple(origin.rstrip("/").lower() for origin in option("FRAME_ANCESTORS", [])),
            webhook_secrets=_read_secrets(option("WEBHOOK_SECRETS", [])),
            webhook_key=str(option("WEBHOOK_KEY", "")),
            webhook_uuid=str(option("WEBHOOK_UUID", "")),
            webhook_events=tuple(option("WEBHOOK_EVENTS", ["order.purchase", "order.item.failed"])),
        )

    @property
    def account_aliases(self) -> tuple[str, ...]:
        """Names of all accounts."""
        return tuple(self._get("ACCOUNTS", {"default": {}}))


def _read_secrets(option: Any) -> tuple[WebhookSecret, ...]:
    if not isinstance(option, list | tuple):  # a string would be read character by character
        raise ConfigurationError('HENRY_CHECKOUT["WEBHOOK_SECRETS"] is not a list.')
    return tuple(map(_read_secret, option))


def _read_secret(option: Any) -> WebhookSecret:
    """Read a string, or `{"secret": ..., "not_after": <aware datetime or ISO string>}` during a rotation."""
    if isinstance(option, str) and option:
        return WebhookSecret(option)
    try:
        secret, until = option["secret"], option["not_after"]
        until = datetime.fromisoformat(until) if isinstance(until, str) else until
        if isinstance(secret, str) and secret and isinstance(until, datetime) and until.tzinfo is not None:
            return WebhookSecret(secret, until)
    except (TypeError, KeyError, ValueError):
        pass
    raise ConfigurationError(
        'Each of HENRY_CHECKOUT["WEBHOOK_SECRETS"] must be a non-empty string, or '
        '{"secret": a string, "not_after": an aware datetime or an ISO string}.'
    )
