"""Validate cart items. Links are parsed, never fetched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from moneyed import Money

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import InvalidItem
from django_henry_checkout.types import LineItem

MAX_LINK_LENGTH = 2048
MAX_TITLE_LENGTH = 300
MAX_OPTIONS = 20
MAX_COUPONS = 10
MAX_TEXT_LENGTH = 200
MAX_METADATA_BYTES = 4096
MAX_PRICE = 10**9


def clean_item(item: LineItem) -> LineItem:
    """Return a valid item, normalized: link and title without surrounding whitespace.

    Raises:
        InvalidItem: states the problem and, as `field`, the part that has it.
    """
    return replace(
        item,
        link=clean_link(item.link),
        quantity=clean_quantity(item.quantity),
        selected_options=_clean_texts(item.selected_options, field="selected_options", limit=MAX_OPTIONS),
        coupons=_clean_texts(item.coupons, field="coupons", limit=MAX_COUPONS),
        selected_shipping=_clean_shipping(item.selected_shipping),
        metadata=clean_metadata(item.metadata),
        title=_clean_title(item.title),
        image_url=_clean_picture(item.image_url),
        unit_price=_clean_price(item.unit_price),
    )


def clean_link(link: str) -> str:
    """Return a product link that is safe to send to Henry: https, a host, no credentials, bounded length."""

    def refuse(reason: str) -> InvalidItem:
        return InvalidItem(f"The product link {reason}.", field="link")

    link = link.strip()
    if not link or len(link) > MAX_LINK_LENGTH:
        raise refuse(f"must have between 1 and {MAX_LINK_LENGTH} characters")
    if not link.isprintable() or any(character in link for character in ' \\"<>'):
        raise refuse("contains characters that are not allowed in a link")
    try:
        parts = urlsplit(link)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise refuse("is not a valid address") from None
    if parts.scheme != "https" or not host or "." not in host.strip("."):
        raise refuse("must begin with https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise refuse("must not contain a user name or password")
    return link


def clean_quantity(quantity: object) -> int:
    """Return a quantity between 1 and MAX_QUANTITY."""
    limit = app_settings.MAX_QUANTITY
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= limit:
        raise InvalidItem(f"The quantity must be a whole number between 1 and {limit}.", field="quantity")
    return quantity


def clean_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata that is a JSON object of at most MAX_METADATA_BYTES."""
    try:
        text = json.dumps(dict(metadata), allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        raise InvalidItem("The metadata must be a JSON object.", field="metadata") from None
    if "\\u0000" in text:  # PostgreSQL refuses it
        raise InvalidItem("The metadata must not contain NUL characters.", field="metadata")
    if size > MAX_METADATA_BYTES:
        raise InvalidItem(f"The metadata must be at most {MAX_METADATA_BYTES} bytes.", field="metadata")
    return dict(metadata)


def line_key(item: LineItem) -> str:
    """Return the identity of an item's line: items with the same link and options share a line."""
    return hashlib.sha256(json.dumps([item.link, *item.selected_options]).encode()).hexdigest()


def _clean_title(title: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in title)
    return " ".join(printable.split())[:MAX_TITLE_LENGTH]


def _clean_texts(texts: Sequence[object], *, field: str, limit: int) -> tuple[str, ...]:
    name = field.replace("_", " ")
    if len(texts) > limit:
        raise InvalidItem(f"At most {limit} {name} are accepted.", field=field)
    cleaned = tuple(text.strip() if isinstance(text, str) else "" for text in texts)
    if any(not text or len(text) > MAX_TEXT_LENGTH or not text.isprintable() for text in cleaned):
        raise InvalidItem(
            f"Each of the {name} must be text of 1 to {MAX_TEXT_LENGTH} characters.", field=field
        )
    return cleaned


def _clean_shipping(choice: Mapping[str, object]) -> dict[str, str]:
    known = {
        key: text
        for key, text in choice.items()
        if isinstance(text, str) and len(text) <= MAX_TEXT_LENGTH and (text.isprintable() or not text)
    }
    if set(choice) - {"id", "value"} or len(known) < len(choice):
        raise InvalidItem(
            "The shipping choice may contain an id and a value, both text.", field="selected_shipping"
        )
    return {key: text for key, text in known.items() if text}


def _clean_picture(url: str) -> str:
    url = url.strip()
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = "invalid"
    if len(url) > MAX_LINK_LENGTH or not url.isprintable() or (url and scheme not in {"", "http", "https"}):
        raise InvalidItem("The picture must be an http or https address.", field="image_url")
    return url


def _clean_price(price: Money | None) -> Money | None:
    if price is not None and (not price.amount.is_finite() or not 0 <= price.amount < MAX_PRICE):
        raise InvalidItem("The price must not be negative or unreasonably high.", field="unit_price")
    return price
