"""Bearer secrets: the holder may act. Each is shown once and stored only as a hash."""

from __future__ import annotations

from django.utils import timezone

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import TokenInvalid
from django_henry_checkout.models import ApiKey, Cart, CartToken, CheckoutSession, SessionKind
from django_henry_checkout.models.access import API_KEY_PREFIX, hash_secret, new_secret
from django_henry_checkout.types import Caller


def issue_cart_token(cart: Cart) -> str:
    """Return a new secret whose holder may edit and pay one cart, and see its orders."""
    secret = new_secret()
    CartToken.objects.create(
        cart=cart,
        token_hash=hash_secret(secret),
        expires_at=timezone.now() + app_settings.CART_TOKEN_LIFETIME,
    )
    return secret


def get_caller_by_secret(secret: str) -> Caller:
    """Return the caller that a cart's token, or a checkout session's, identifies.

    Raises:
        TokenInvalid: the token is unknown, expired or revoked; all look the same.
    """
    tokens = CartToken.objects.valid(timezone.now()).filter(token_hash=hash_secret(secret))
    cart_id = tokens.values_list("cart__public_id", flat=True).first()
    return _get_caller_by_session(secret) if cart_id is None else Caller(token_cart_id=cart_id)


def _get_caller_by_session(secret: str) -> Caller:
    """Find a checkout session. Its secret gives access to the order for a while after the session has ended."""
    sessions = CheckoutSession.objects.filter(
        token_hash=hash_secret(secret), expires_at__gt=timezone.now() - app_settings.HOSTED_PAYMENT_TIMEOUT
    )
    found = sessions.values_list("public_id", "order__public_id", "kind").first()
    if found is None:
        raise TokenInvalid
    session_id, order_id, kind = found
    if kind == SessionKind.HOSTED:
        return Caller(session_order_id=order_id, is_hosted=True)
    return Caller(session_id=session_id, session_order_id=order_id)


def create_api_key(name: str, *, account: str = "default") -> str:
    """Create a key for a trusted server of the shop and return it; it is not shown again."""
    app_settings.account(account)
    key = f"{API_KEY_PREFIX}{new_secret()}"
    ApiKey.objects.create(name=name, account=account, key_hash=hash_secret(key), hint=key[:8])
    return key


def revoke_api_key(key: ApiKey) -> bool:
    """Revoke a key; return whether this call did it."""
    return bool(ApiKey.objects.valid().filter(pk=key.pk).update(revoked_at=timezone.now()))


def get_caller_by_api_key(key: str) -> Caller:
    """Return the caller that a trusted server's key identifies.

    Raises:
        TokenInvalid: the key is unknown or revoked.
    """
    account = (
        ApiKey.objects.valid().filter(key_hash=hash_secret(key)).values_list("account", flat=True).first()
    )
    if account is None:
        raise TokenInvalid
    return Caller(trusted_account=account)
