"""Signed links of v0: a JSON Web Token (HS256) in the query, without a JWT library."""

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

# henry-api.md, section 4.1: the link of a v0 checkout expires after this time, its cart does not.
LIFETIME = timedelta(minutes=30)
_HEADER = {"alg": "HS256", "typ": "JWT"}


@dataclass(frozen=True)
class LinkClaims:
    """The user of a link and the cart that it pays; a link to the card page has no cart."""

    user_id: str
    cart_id: str
    is_expired: bool


def create_token(user_id: str, cart_id: str = "") -> str:
    """Create a token for the checkout of a cart or, without a cart, for the card page."""
    payload: JSON = {"userId": user_id, "cartId": cart_id} if cart_id else {"userId": user_id, "use": "card"}
    payload["exp"] = int((store.now() + LIFETIME).timestamp())
    signed = f"{_encode_segment(_HEADER)}.{_encode_segment(payload)}"
    return f"{signed}.{_sign(signed)}"


def read_token(token: str) -> LinkClaims | None:
    """Return the claims of a token, or None if this sandbox did not sign it."""
    signed, _, signature = token.rpartition(".")
    if not signed.isascii() or not hmac.compare_digest(_sign(signed).encode(), signature.encode()):
        return None
    try:
        payload = json.loads(base64.urlsafe_b64decode(_add_padding(signed.partition(".")[2])))
    except (ValueError, binascii.Error):
        return None
    expired = store.now().timestamp() >= payload["exp"]
    return LinkClaims(payload["userId"], payload.get("cartId", ""), expired)


def _encode_segment(value: JSON) -> str:
    text = json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _add_padding(text: str) -> str:
    return text + "=" * (-len(text) % 4)


def _sign(signed: str) -> str:
    # Derived from the API key, so that links stay valid over a restart of the sandbox.
    key = hashlib.sha256(b"links of " + store.options.api_key.encode()).digest()
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
