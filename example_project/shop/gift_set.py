"""A gift set that is bought on a phone: a template cart, whose QR code stands on a page of the shop."""

from __future__ import annotations

from django_henry_checkout import shop
from django_henry_checkout.models import Cart
from example_project.shop.models import Product

NAME = "letter-writing"
SLUGS = ("letter-set", "brass-pen", "year-planner")


def find_gift_set() -> Cart | None:
    """Return the template cart of the set, unless its link was closed."""
    templates = Cart.objects.filter(link__isnull=False, link__revoked_at=None, metadata__gift_set=NAME)
    return templates.order_by("pk").first()


def make_gift_set() -> Cart | None:
    """Make the set; None if it is there already, or the shop does not sell all of it."""
    products = [Product.objects.filter(slug=slug, is_available=True).first() for slug in SLUGS]
    items = [product.as_item(quantity=1, selected_options=()) for product in products if product is not None]
    if len(items) < len(SLUGS) or find_gift_set() is not None:
        return None
    cart = shop.create_cart(items, metadata={"gift_set": NAME})
    shop.create_link(cart)
    return cart
