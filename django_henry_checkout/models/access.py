"""Access: bearer secrets, API keys, customer sessions, idempotency records, call counts."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.models.base import PublicRecord
from django_henry_checkout.models.encryption import EncryptedJSONField

API_KEY_PREFIX = "hck_"


def new_secret() -> str:
    """Return a bearer secret of 256 random bits. It is shown once; only its hash is stored."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return the hash under which a bearer secret is stored. It is long and random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def valid(self) -> Self:
        """Filter to the keys that are not revoked."""
        return self.filter(revoked_at=None)


class ApiKey(PublicRecord):
    """A key of a trusted server, which may access every cart and order of one Henry account."""

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


class CustomerSessionQuerySet(models.QuerySet["CustomerSession"]):
    def valid(self, now: datetime) -> Self:
        """Filter to the sessions that are neither expired nor revoked."""
        return self.filter(Q(revoked_at=None), expires_at__gt=now)


class CustomerSession(PublicRecord):
    """One customer, identified by a token (CST). Holds their details until a checkout starts."""

    account = models.CharField(_("account"), max_length=64, default="default")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    buyer = EncryptedJSONField(_("buyer"), default=dict, blank=True)
    email_digest = models.CharField(_("digest of the e-mail"), max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), db_index=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = CustomerSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer session")
        verbose_name_plural = _("customer sessions")
        indexes = [
            models.Index(fields=["email_digest"], condition=~Q(email_digest=""), name="henry_customer_email")
        ]

    def __str__(self) -> str:
        return self.ulid


class IdempotencyRecord(models.Model):
    """One call that a client may repeat. Inserting the row claims the key; it stores no secret."""

    scope = models.CharField(_("scope"), max_length=200)
    key = models.CharField(_("key"), max_length=255)
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    body = EncryptedJSONField(_("body"), null=True)
    claimed_at = models.DateTimeField(_("claimed"))
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="henry_idempotency_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class CallCount(models.Model):
    """Number of calls of one subject in the current window, for throttled calls."""

    subject = models.CharField(_("subject"), max_length=200, unique=True)
    window_at = models.DateTimeField(_("window started"))
    count = models.PositiveIntegerField(_("calls"), default=0)

    class Meta:
        verbose_name = _("call count")
        verbose_name_plural = _("call counts")

    def __str__(self) -> str:
        return self.subject
