from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings as django_settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.models.base import PublicRecord
from django_henry_checkout.models.sealing import SealedJSON


class CustomerSessionQuerySet(models.QuerySet["CustomerSession"]):
    def valid(self, now: datetime) -> Self:
        """Keep the sessions that neither lapsed nor were revoked."""
        return self.filter(Q(revoked_at=None), expires_at__gt=now)


class CustomerSession(PublicRecord):
    """One customer for a day, named by a token (CST). Until a checkout begins, it holds what is known of him."""

    account = models.CharField(_("account"), max_length=64, default="default")
    user = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    buyer = SealedJSON(_("buyer"), default=dict, blank=True)
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
