"""The goods of six invented merchants, and a made-up answer for any other https link."""

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
class Axis:
    """One choice a product asks for, such as its size."""

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
    options: tuple[Axis, ...] = ()
    original_price: Decimal | None = None
    is_in_stock: bool = True
    is_listed: bool = True

    @property
    def availability(self) -> str:
        return "in_stock" if self.is_in_stock else "out_of_stock"


def _shipping(entries: list[JSON]) -> tuple[ShippingOption, ...]:
    return tuple(
        ShippingOption(e["id"], e["name"], Decimal(e["cost"]), e["days"][0], e["days"][1]) for e in entries
    )


def _merchant(entry: JSON) -> Merchant:
    return Merchant(
        host=entry["host"],
        name=entry["name"],
        description=entry["description"],
        category=entry["category"],
        tax_rate=Decimal(entry["taxRate"]),
        free_over=Decimal(entry["freeShippingOver"]),
        shipping=_shipping(entry["shipping"]),
    )


def _product(entry: JSON, merchant: Merchant) -> Product:
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
        options=tuple(Axis(name, tuple(values)) for name, values in entry.get("options", {}).items()),
        is_in_stock=entry.get("inStock", True),
    )


def _load() -> tuple[dict[str, Merchant], dict[str, Product]]:
    merchants: dict[str, Merchant] = {}
    products: dict[str, Product] = {}
    for entry in json.loads(_FILE.read_text(encoding="utf-8"))["merchants"]:
        merchant = merchants[entry["host"]] = _merchant(entry)
        for goods in entry["products"]:
            product = _product(goods, merchant)
            products[product.link] = product
    return merchants, products


MERCHANTS, PRODUCTS = _load()
BY_SLUG = {product.slug: product for product in PRODUCTS.values()}
_ANY_SHIPPING = (
    ShippingOption("standard", "Standard", Decimal("6.00"), 3, 6),
    ShippingOption("express", "Express", Decimal("14.00"), 1, 2),
)


def product_for(link: str) -> Product:
    """The product behind a link; one that is not in the catalogue is made up, always the same way."""
    parts = urlsplit(link)
    bare = f"https://{(parts.hostname or '').lower()}{parts.path.rstrip('/')}"
    return PRODUCTS.get(bare) or _made_up(link)


def _made_up(link: str) -> Product:
    parts = urlsplit(link)
    host = (parts.hostname or "shop.example").lower()
    seed = int.from_bytes(hashlib.sha256(link.encode()).digest()[:4], "big")
    last = unquote(parts.path.rstrip("/").rpartition("/")[2])
    words = re.sub(r"[^\w]+", " ", last.partition(".")[0]).strip()
    return Product(
        slug="parcel",
        link=link,
        merchant=_merchant_at(host),
        title=words.title()[:80] or f"Item from {host}",
        description=f"A product of {host}.",
        price=Decimal(8 + seed % 140) + Decimal(seed % 4) / 4,
        category="other",
        drawing="parcel",
        tone="sand",
        is_listed=False,
    )


def _merchant_at(host: str) -> Merchant:
    known = MERCHANTS.get(host)
    name = host.removeprefix("www.").partition(".")[0].replace("-", " ").title()
    return known or Merchant(host, name, "", "other", Decimal("0.08"), Decimal(0), _ANY_SHIPPING)
