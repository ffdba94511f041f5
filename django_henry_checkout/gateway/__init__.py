"""The client of Henry's API: typed calls in, frozen dataclasses out. It knows no models and no views."""

from __future__ import annotations

import os
import threading

from django_henry_checkout.conf import Account
from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.gateway.base import Gateway
from django_henry_checkout.gateway.transport import Transport
from django_henry_checkout.gateway.v0 import GatewayV0
from django_henry_checkout.gateway.v1 import GatewayV1
from django_henry_checkout.gateway.v1_rpc import GatewayV1RPC

__all__ = ["Gateway", "gateway_for"]

_VERSIONS: dict[str, type[GatewayV0 | GatewayV1 | GatewayV1RPC]] = {
    "v1": GatewayV1,
    "v1-rpc": GatewayV1RPC,
    "v0": GatewayV0,
}

_gateways: dict[Account, Gateway] = {}
_lock = threading.Lock()


def _reset_after_fork() -> None:
    """Drop sockets, which must not be shared, and the lock, which may be held by a thread of the parent."""
    global _lock  # noqa: PLW0603 - a new lock is the only safe one
    _lock = threading.Lock()
    _gateways.clear()


os.register_at_fork(after_in_child=_reset_after_fork)


def gateway_for(account: Account) -> Gateway:
    """Return the gateway of an account, with its connection pool: one per account and process.

    Raises:
        ConfigurationError: the account has an unknown API version.
    """
    found = _gateways.get(account)
    if found is not None:
        return found
    if account.api_version not in _VERSIONS:
        raise ConfigurationError(
            f"API_VERSION {account.api_version!r} is unknown; use one of {', '.join(_VERSIONS)}."
        )
    created = _VERSIONS[account.api_version](Transport(account))
    with _lock:
        return _gateways.setdefault(account, created)
