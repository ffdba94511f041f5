from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_henry_checkout.models.carts import Cart


class TemplateLink(models.Model):
    """Makes a cart a template: whoever knows its id may begin a checkout of a copy, while the link is open."""

    cart = models.OneToOneField(
        Cart, primary_key=True, on_delete=models.CASCADE, related_name="link", verbose_name=_("template cart")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    uses = models.PositiveIntegerField(_("times used"), default=0)
    max_uses = models.PositiveIntegerField(_("most uses"), null=True, blank=True)

    class Meta:
        verbose_name = _("template link")
        verbose_name_plural = _("template links")

    def __str__(self) -> str:
        return gettext("link of cart %(cart)s") % {"cart": self.cart_id}

    def is_open(self, now: datetime) -> bool:
        """Whether a checkout may begin from the link."""
        if self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now):
            return False
        return self.max_uses is None or self.uses < self.max_uses
