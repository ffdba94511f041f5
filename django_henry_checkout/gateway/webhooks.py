"""Judges and reads what Henry sends to us: `{timestamp}.{raw body}` under HMAC-SHA256 (henry-api.md 8.2)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.crypto import constant_time_compare

from django_henry_checkout.conf import WebhookSecret
from django_henry_checkout.exceptions import GatewayError
from django_henry_checkout.gateway import wire
from django_henry_checkout.gateway.response import parse_strictly
from django_henry_checkout.types import Observation

_MILLISECONDS = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What a webhook says. `observation` is None if it holds too little, or nothing that can be used."""

    event: str
    ref_id: str
    observation: Observation | None = field(default=None, repr=False)


def sign(body: bytes, *, timestamp: str, secret: str) -> str:
    """Return the signature of a body: lowercase hex."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def read_timestamp(text: str) -> datetime | None:
    """Read Unix time in milliseconds; None if it is none. The unit is never guessed."""
    if not _MILLISECONDS.fullmatch(text):
        return None
    try:
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def why_refused(
    body: bytes,
    *,
    signature: str,
    timestamp: str,
    secrets: Sequence[WebhookSecret],
    now: datetime,
    tolerance: timedelta,
) -> str:
    """Return why a webhook is not believed, "" if it is.

    Every live secret is tried, also after one has fitted, so that time tells nothing.
    """
    live = [each.secret for each in secrets if each.not_after is None or now <= each.not_after]
    if not live:
        return "no_secret"
    signed_at = read_timestamp(timestamp)
    if signed_at is None:
        return "odd_timestamp"
    if not now - tolerance <= signed_at <= now + tolerance:
        return "too_old" if signed_at < now else "too_new"
    fits = [
        constant_time_compare(sign(body, timestamp=timestamp, secret=secret), signature) for secret in live
    ]
    return "" if any(fits) else "wrong_signature"


def read_notice(body: str) -> Notice:
    """Read a webhook whose signature was good.

    Raises:
        ValueError: it is no JSON object with an `event`.
    """
    content = parse_strictly(body)
    event = content.get("event") if isinstance(content, dict) else None
    if not isinstance(event, str):
        raise ValueError("it names no event")  # noqa: TRY004 - one error for all that cannot be read
    data = content.get("data")
    ref_id = data.get("refId") if isinstance(data, dict) else None
    return Notice(
        event=wire.text(event, limit=100),
        ref_id=wire.text(ref_id, limit=wire.MAX_ID_LENGTH),
        observation=_read_observation(data),
    )


def _read_observation(data: Any) -> Observation | None:
    """Read the purchase that `data` seems to be; None where parts of one are missing."""
    if not isinstance(data, dict) or not isinstance(data.get("products"), list) or not data["products"]:
        return None
    try:
        return wire.read_observation(data)
    except GatewayError:
        return None
