from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from moneyed import Money

from django_henry_checkout import shop
from django_henry_checkout.models import Order


class ProductQuerySet(models.QuerySet["Product"]):
    def matching(self, *, merchant: str = "", words: str = "") -> Self:
        """Keep the products of a merchant, if one is named, in which every word occurs."""
        found = self.filter(merchant=merchant) if merchant else self
        for word in words.split():
            found = found.filter(
                Q(name__icontains=word)
                | Q(description__icontains=word)
                | Q(category__icontains=word)
                | Q(merchant__icontains=word)
            )
        return found


class Product(models.Model):
    """Something that a merchant sells. `link` is what Henry buys; the rest is what the shop shows."""

    slug = models.SlugField(unique=True)
    link = models.URLField(max_length=500, unique=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    merchant = models.CharField(max_length=200, db_index=True)
    category = models.CharField(max_length=100, blank=True)
    image_url = models.URLField(max_length=500, blank=True)
    price_amount = models.DecimalField(max_digits=19, decimal_places=4)
    currency = models.CharField(max_length=3, default="USD")
    options = models.JSONField(default=list, blank=True, help_text='[{"name": "Size", "values": ["S", "M"]}]')
    is_available = models.BooleanField(default=True)
    position = models.PositiveIntegerField(default=0)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("shop:product", args=[self.slug])

    @property
    def price(self) -> Money:
        return Money(self.price_amount, self.currency)

    def as_item(self, *, quantity: int, selected_options: Sequence[str]) -> shop.LineItem:
        """Return what goes into a cart of the checkout."""
        return shop.LineItem(
            link=self.link,
            quantity=quantity,
            selected_options=tuple(selected_options),
            title=self.name,
            image_url=self.image_url,
            unit_price=self.price,
        )


class Receipt(models.Model):
    """Written when a receipt is mailed. `event_id` is unique: the same event cannot leave two rows."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="receipts")
    event_id = models.CharField(max_length=26, unique=True)
    sent_to = models.EmailField(blank=True)
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["sent_at"]

    def __str__(self) -> str:
        return f"Receipt of {self.order}"
