"""Fills the shop from the sandbox: its goods, a gift set behind a QR code, and two people to log in as."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import requests
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from example_project.shop.gift_set import make_gift_set
from example_project.shop.models import Product


class Command(BaseCommand):
    help = "Loads the sandbox's catalogue; makes the gift set and the users demo and admin if they are not there."

    def handle(self, *args: Any, **options: Any) -> None:
        wares = fetch_products(f"{settings.HENRY_CHECKOUT['BASE_URL']}/__sandbox__/catalogue")
        merchants: Counter[str] = Counter()
        for ware in wares:
            # The first of each merchant, then the second of each: the front page shows a mixture.
            columns = {**columns_of(ware), "position": merchants[ware["merchant"]]}
            Product.objects.update_or_create(slug=ware["slug"], defaults=columns)
            merchants[ware["merchant"]] += 1
        self.stdout.write(f"Loaded {len(wares)} products of {len(merchants)} merchants.")
        if make_gift_set() is not None:
            self.stdout.write("Made the gift set.")
        if settings.DEBUG:  # well-known passwords have no place anywhere else
            self.make_user("demo", is_staff=False)
            self.make_user("admin", is_staff=True)

    def make_user(self, name: str, *, is_staff: bool) -> None:
        """Make a user whose password is his name."""
        users = get_user_model().objects
        if not users.filter(username=name).exists():
            users.create_user(
                name, f"{name}@marlow-and-wren.example", name, is_staff=is_staff, is_superuser=is_staff
            )
            self.stdout.write(f"Made the {'staff user' if is_staff else 'shopper'} {name} / {name}.")


def fetch_products(url: str) -> list[dict[str, Any]]:
    """Read the catalogue; prices as Decimal, never through float."""
    try:
        answer = requests.get(url, timeout=10)
        answer.raise_for_status()
        wares: list[dict[str, Any]] = answer.json(parse_float=Decimal)["products"]
    except (requests.RequestException, ValueError, KeyError) as error:
        raise CommandError(f"The sandbox's catalogue cannot be read from {url}: {error}") from error
    return wares


def columns_of(ware: dict[str, Any]) -> dict[str, Any]:
    return {
        "link": ware["link"],
        "name": ware["title"],
        "description": ware["description"],
        "merchant": ware["merchant"],
        "category": ware["category"],
        "image_url": ware["imageUrl"],
        "price_amount": ware["price"]["value"],
        "currency": ware["price"]["currency"],
        "options": ware["options"],
        "is_available": ware["availability"] == "in_stock",
    }
