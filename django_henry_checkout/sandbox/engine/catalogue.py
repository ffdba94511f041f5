"""The products of six invented merchants, and an invented product for any other https link."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django_henry_checkout.sandbox.engine.state import JSON, ShippingOption

_FILE = Path(__file__).parents[1] / "catalogue.json"


@dataclass(frozen=True)
class Merchant:
    host: str
    name: str
    description: str
    category: str
    tax_rate: Decimal
    free_over: Decimal
    shipping: tuple[ShippingOption, ...]


@dataclass(frozen=True)
class ProductOption:
    """A choice that a product offers, such as its size."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Product:
    slug: str
    link: str
    merchant: Merchant
    title: str
    description: str
    price: Decimal
    category: str
    drawing: str
    tone: str
    options: tuple[ProductOption, ...] = ()
    original_price: Decimal | None = None
    is_in_stock: bool = True
    is_listed: bool = True

    @property
    def availability(self) -> str:
        return "in_stock" if self.is_in_stock else "out_of_stock"


def _parse_shipping(entries: list[JSON]) -> tuple[ShippingOption, ...]:
    return tuple(
        ShippingOption(entry["id"], entry["name"], Decimal(entry["cost"]), entry["days"][0], entry["days"][1])
        for entry in entries
    )


def _parse_merchant(entry: JSON) -> Merchant:
    return Merchant(
        host=entry["host"],
        name=entry["name"],
        description=entry["description"],
        category=entry["category"],
        tax_rate=Decimal(entry["taxRate"]),
        free_over=Decimal(entry["freeShippingOver"]),
        shipping=_parse_shipping(entry["shipping"]),
    )


def _parse_product(entry: JSON, merchant: Merchant) -> Product:
    return Product(
        slug=entry["slug"],
        link=f"https://{merchant.host}/products/{entry['slug']}",
        merchant=merchant,
        title=entry["title"],
        description=entry["description"],
        price=Decimal(entry["price"]),
        original_price=Decimal(entry["originalPrice"]) if "originalPrice" in entry else None,
        category=entry["category"],
        drawing=entry["drawing"],
        tone=entry["tone"],
        options=tuple(
            ProductOption(name, tuple(values)) for name, values in entry.get("options", {}).items()
        ),
        is_in_stock=entry.get("inStock", True),
    )


def _load_catalogue() -> tuple[dict[str, Merchant], dict[str, Product]]:
    merchants: dict[str, Merchant] = {}
    products: dict[str, Product] = {}
    for entry in json.loads(_FILE.read_text(encoding="utf-8"))["merchants"]:
        merchant = merchants[entry["host"]] = _parse_merchant(entry)
        for product_entry in entry["products"]:
            product = _parse_product(product_entry, merchant)
            products[product.link] = product
    return merchants, products


MERCHANTS, PRODUCTS = _load_catalogue()
PRODUCTS_BY_SLUG = {product.slug: product for product in PRODUCTS.values()}
_DEFAULT_SHIPPING = (
    ShippingOption("standard", "Standard", Decimal("6.00"), 3, 6),
    ShippingOption("express", "Express", Decimal("14.00"), 1, 2),
)


def product_for_link(link: str) -> Product:
    """Return the product of a link. One that is not in the catalogue is invented, always the same way."""
    parts = urlsplit(link)
    canonical = f"https://{(parts.hostname or '').lower()}{parts.path.rstrip('/')}"
    return PRODUCTS.get(canonical) or _invent_product(link)


def _invent_product(link: str) -> Product:
    parts = urlsplit(link)
    host = (parts.hostname or "shop.example").lower()
    seed = int.from_bytes(hashlib.sha256(link.encode()).digest()[:4], "big")
    last_segment = unquote(parts.path.rstrip("/").rpartition("/")[2])
    words = re.sub(r"[^\w]+", " ", last_segment.partition(".")[0]).strip()
    return Product(
        slug="parcel",
        link=link,
        merchant=_merchant_for_host(host),
        title=words.title()[:80] or f"Item from {host}",
        description=f"A product of {host}.",
        price=Decimal(8 + seed % 140) + Decimal(seed % 4) / 4,
        category="other",
        drawing="parcel",
        tone="sand",
        is_listed=False,
    )


def _merchant_for_host(host: str) -> Merchant:
    known = MERCHANTS.get(host)
    name = host.removeprefix("www.").partition(".")[0].replace("-", " ").title()
    return known or Merchant(host, name, "", "other", Decimal("0.08"), Decimal(0), _DEFAULT_SHIPPING)
