"""Sends signed webhooks as Henry does, to the app's own view or to a URL."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import ConfigurationError
from django_henry_checkout.flows.webhooks.inbox import endpoint_key
from django_henry_checkout.gateway.webhooks import sign

TIMEOUT_SECONDS = 20.0

#: How a webhook is signed. `old` and `future` are valid except for their time, `altered` except for the body.
Signature = Literal["good", "wrong", "old", "future", "altered", "missing"]


def webhook_path(account: str = "default") -> str:
    """Return the path where the app receives the webhooks of an account."""
    return reverse("henry_checkout:webhook", args=[account, endpoint_key(app_settings.account(account))])


def signed_headers(
    body: bytes, *, signature: Signature = "good", secret: str = "", at: datetime | None = None
) -> dict[str, str]:
    """Return the two headers with which Henry signs `body`; none for the signature `missing`.

    Args:
        secret: the shop's secret; "" means the last one of the account "default".
        at: time of the signature; None means now.
    """
    moment = timezone.now() if at is None else at
    away = app_settings.WEBHOOK_TOLERANCE + timedelta(minutes=1)
    moment += {"old": -away, "future": away}.get(signature, timedelta())
    timestamp = str(int(moment.timestamp() * 1000))
    signed = sign(body, timestamp=timestamp, secret=secret or _secret_of("default"))
    if signature == "wrong":
        signed = sign(body, timestamp=timestamp, secret="not the secret")  # noqa: S106 - meant to be wrong
    headers = {"X-Henry-Timestamp": timestamp, "X-Henry-Signature": signed}
    return {} if signature == "missing" else headers


def _secret_of(account: str) -> str:
    secrets = app_settings.account(account).webhook_secrets
    if not secrets:
        raise ConfigurationError(f"The account {account!r} has no WEBHOOK_SECRETS to sign with.")
    return secrets[-1].secret


def send_webhook(
    ref_id: str = "",
    *,
    event: str = "order.purchase",
    data: Mapping[str, Any] | None = None,
    body: bytes | None = None,
    signature: Signature = "good",
    at: datetime | None = None,
    secret: str = "",
    account: str = "default",
    to: str = "",
) -> int:
    """Send a webhook and return the status of the response: 202 if it was accepted.

    Args:
        ref_id: the purchase that it names.
        event: the name of the event.
        data: the purchase's data, such as `Sandbox.purchase(ref_id)`; None sends only the `ref_id`.
        body: the raw body, instead of `event` and `data`.
        signature: how it is signed.
        at: time of the signature; None means now.
        secret: the secret to sign with; "" means the last one of the account.
        account: the alias of the account that it is sent to.
        to: a URL, such as that of a live server; the app's own path is added if it has none. "" sends it to
            the view in this process.
    """
    if body is None:
        content = {"event": event, "data": {"refId": ref_id} if data is None else dict(data)}
        body = json.dumps(content, default=str).encode()
    headers = signed_headers(body, signature=signature, secret=secret or _secret_of(account), at=at)
    if signature == "altered":
        body = body[:-1] + b" }"
    return _post(body, headers, account=account, to=to)


def _post(body: bytes, headers: Mapping[str, str], *, account: str, to: str) -> int:
    if not to:
        # Like Henry: without a cookie, over https.
        client = Client(enforce_csrf_checks=True)
        response = client.post(
            webhook_path(account), body, content_type="application/json", headers=dict(headers), secure=True
        )
        return int(response.status_code)
    url = to if urlsplit(to).path.strip("/") else to.rstrip("/") + webhook_path(account)
    with requests.Session() as http:
        http.trust_env = False
        received = http.post(
            url,
            data=body,
            headers={"Content-Type": "application/json", **headers},
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )
    return received.status_code
