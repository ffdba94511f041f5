from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.models.base import PublicRecord
from django_henry_checkout.models.carts import Cart

API_KEY_PREFIX = "hck_"


def new_secret() -> str:
    """Return a bearer secret of 256 random bits. It is shown once and kept only as a hash."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return what is stored of a bearer secret. It is random and long, so a plain digest is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


class CartTokenQuerySet(models.QuerySet["CartToken"]):
    def valid(self, now: datetime) -> Self:
        """Keep the tokens that neither lapsed nor were revoked."""
        return self.filter(Q(revoked_at=None), expires_at__gt=now)


class CartToken(models.Model):
    """The right of whoever holds a secret to one cart, and to the orders begun from it."""

    token_hash = models.CharField(_("token hash"), max_length=64, unique=True, editable=False)
    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="tokens", verbose_name=_("cart"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = CartTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("cart token")
        verbose_name_plural = _("cart tokens")

    def __str__(self) -> str:
        return f"token of cart {self.cart_id}"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def valid(self) -> Self:
        """Keep the keys that were not revoked."""
        return self.filter(revoked_at=None)


class ApiKey(PublicRecord):
    """A trusted server of the shop: it may act on every cart and order of one Henry account."""

    name = models.CharField(_("name"), max_length=100)
    account = models.CharField(_("account"), max_length=64, default="default")
    key_hash = models.CharField(_("key hash"), max_length=64, unique=True, editable=False)
    hint = models.CharField(_("first characters"), max_length=12, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}...)"
