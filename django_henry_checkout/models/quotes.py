from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_henry_checkout.models.base import amount_field, money_of
from django_henry_checkout.models.sessions import CheckoutSession


class Quote(models.Model):
    """What Henry said that a session's order costs, and what shipping can be chosen.

    `merchants` is a list of `{host, links, shipping, chosen, rates: [{rateId, optionId, name, cost, ...}]}`;
    amounts in it are text, in `currency`. A `rateId` is a random whole number: it names one rate of one quote.
    """

    session = models.OneToOneField(
        CheckoutSession,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="quote",
        verbose_name=_("session"),
    )
    currency = models.CharField(_("currency"), max_length=3)
    total_amount = models.DecimalField(_("total"), max_digits=19, decimal_places=4)
    subtotal_amount = amount_field(_("subtotal"))
    shipping_amount = amount_field(_("shipping"))
    tax_amount = amount_field(_("tax"))
    discount_amount = amount_field(_("discount"))
    fee_amount = amount_field(_("fee"))
    merchants = models.JSONField(_("merchants"), default=list, blank=True)
    coupons = models.JSONField(_("coupons"), default=list, blank=True)
    refused_coupons = models.JSONField(_("coupons that do not count"), default=list, blank=True)
    needs_acceptance = models.BooleanField(_("must be accepted by name"), default=False)
    region = models.CharField(_("region"), max_length=100, blank=True)
    quoted_at = models.DateTimeField(_("quoted"))
    expires_at = models.DateTimeField(_("expires"))

    #: v0's session token, in memory only: what is bought is quoted anew in the same call.
    henry_token: str = ""

    class Meta:
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")

    def __str__(self) -> str:
        return f"quote of session {self.session_id}"

    def amount(self, name: str) -> Money | None:
        """Return one of the amounts: `subtotal`, `shipping`, `tax`, `discount`, `fee`, `total`."""
        return money_of(getattr(self, f"{name}_amount"), self.currency)

    @property
    def total(self) -> Money:
        """What the buyer is asked to pay."""
        return Money(self.total_amount, self.currency)

    @property
    def rates(self) -> dict[int, dict[str, Any]]:
        """The shipping rates on offer, by their ids."""
        return {rate["rateId"]: rate for merchant in self.merchants for rate in merchant["rates"]}
