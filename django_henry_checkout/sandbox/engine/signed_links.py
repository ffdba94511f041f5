"""The signed links of v0: a JSON Web Token (HS256) in the query, made and read with the standard library."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta

from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.store import store

# henry-api.md, section 4.1: the link of a v0 checkout dies after this, its cart does not.
LIFETIME = timedelta(minutes=30)
_HEADER = {"alg": "HS256", "typ": "JWT"}


@dataclass(frozen=True)
class Link:
    """Whom a link is for, and the cart it pays; a link to the card page names none."""

    user_id: str
    cart_id: str
    is_expired: bool


def token_for(user_id: str, cart_id: str = "") -> str:
    payload: JSON = {"userId": user_id, "cartId": cart_id} if cart_id else {"userId": user_id, "use": "card"}
    payload["exp"] = int((store.now() + LIFETIME).timestamp())
    signed = f"{_packed(_HEADER)}.{_packed(payload)}"
    return f"{signed}.{_signature(signed)}"


def read(token: str) -> Link | None:
    """Read a token of this sandbox; one that it has not signed says nothing."""
    signed, _, signature = token.rpartition(".")
    if not signed.isascii() or not hmac.compare_digest(_signature(signed).encode(), signature.encode()):
        return None
    try:
        payload = json.loads(base64.urlsafe_b64decode(_padded(signed.partition(".")[2])))
    except (ValueError, binascii.Error):
        return None
    expired = store.now().timestamp() >= payload["exp"]
    return Link(payload["userId"], payload.get("cartId", ""), expired)


def _packed(value: JSON) -> str:
    text = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)


def _signature(signed: str) -> str:
    # Made from the API key, so that a link outlives a restart of the sandbox.
    key = hashlib.sha256(b"links of " + store.options.api_key.encode()).digest()
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
