from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.models.sealing import SealedJSON


class IdempotencyRecord(models.Model):
    """One call that a client may repeat. The row's insertion is the claim; no secret is stored in it."""

    scope = models.CharField(_("scope"), max_length=200)
    key = models.CharField(_("key"), max_length=255)
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    body = SealedJSON(_("body"), null=True)
    claimed_at = models.DateTimeField(_("claimed"))
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="henry_idempotency_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
