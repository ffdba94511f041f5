"""Speaks HTTP to Henry. Knows no model and no request: typed calls in, frozen dataclasses out."""

from __future__ import annotations

import os
import threading

from django_henry_checkout.conf import Account
from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.gateway.base import Gateway
from django_henry_checkout.gateway.transport import Transport
from django_henry_checkout.gateway.v1 import GatewayV1

__all__ = ["Gateway", "gateway_for"]

_VERSIONS: dict[str, type[GatewayV1]] = {"v1": GatewayV1}

_lock = threading.Lock()
_gateways: dict[tuple[int, Account], Gateway] = {}


def gateway_for(account: Account) -> Gateway:
    """Return the gateway of an account, with its connection pool.

    One per account and process: the process id is part of the key because sockets must not be shared
    with a forked child.

    Raises:
        ConfigurationError: the account names an API version that there is none of.
    """
    key = (os.getpid(), account)
    with _lock:
        if key not in _gateways:
            if account.api_version not in _VERSIONS:
                raise ConfigurationError(
                    f"API_VERSION {account.api_version!r} is not known; use one of {', '.join(_VERSIONS)}."
                )
            _gateways[key] = _VERSIONS[account.api_version](Transport(account))
        return _gateways[key]
