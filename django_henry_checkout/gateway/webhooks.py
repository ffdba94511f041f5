"""Verify and read webhooks, signed with HMAC-SHA256 of `{timestamp}.{raw body}` (henry-api.md 8.2)."""

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
    """The content of a webhook. `observation` is None if it lacks the purchase, or a part of it."""

    event: str
    ref_id: str
    observation: Observation | None = field(default=None, repr=False)


def sign(body: bytes, *, timestamp: str, secret: str) -> str:
    """Return the signature of a body, in lowercase hex."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def read_timestamp(text: str) -> datetime | None:
    """Parse a Unix time in milliseconds; None if it is not valid. The unit is never guessed."""
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
    """Return why a webhook is not authentic, "" if it is.

    All current secrets are compared, even after a match, so that timing reveals nothing.
    """
    current = [each.secret for each in secrets if each.not_after is None or now <= each.not_after]
    if not current:
        return "no_secret"
    signed_at = read_timestamp(timestamp)
    if signed_at is None:
        return "odd_timestamp"
    if not now - tolerance <= signed_at <= now + tolerance:
        return "too_old" if signed_at < now else "too_new"
    matches = [
        constant_time_compare(sign(body, timestamp=timestamp, secret=secret), signature) for secret in current
    ]
    return "" if any(matches) else "wrong_signature"


def read_notice(body: str) -> Notice:
    """Read the body of an authentic webhook.

    Raises:
        ValueError: it is not a JSON object with an `event`.
    """
    content = parse_strictly(body)
    event = content.get("event") if isinstance(content, dict) else None
    if not isinstance(event, str):
        raise ValueError("it has no event")  # noqa: TRY004 - one error for all unreadable bodies
    data = content.get("data")
    ref_id = data.get("refId") if isinstance(data, dict) else None
    return Notice(
        event=wire.text(event, limit=100),
        ref_id=wire.text(ref_id, limit=wire.MAX_ID_LENGTH),
        observation=_read_observation(data),
    )


def _read_observation(data: Any) -> Observation | None:
    """Read `data` as a purchase; None if it is not a complete one."""
    if not isinstance(data, dict) or not isinstance(data.get("products"), list) or not data["products"]:
        return None
    try:
        return wire.read_observation(data)
    except GatewayError:
        return None
