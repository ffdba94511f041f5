"""P9 to P11: the storefront API and the button against bare floors, `benchmarks.peers.bare`, in process.

Both sides are asked by Django's test client through the same middleware; processor time of this process, so
PostgreSQL's own is not in it. The caller shows the token of a guest's cart, and both look it up.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.template import Context, Engine
from django.template.backends.django import get_installed_libraries
from django.test import Client, RequestFactory, override_settings
from moneyed import Money

from benchmarks import rows
from benchmarks.peers.measuring import Watch, cpu_each, medians, statements
from benchmarks.results import Result, at_most

#: Below 120 a minute, or the app's throttle ends the block.
CALLS = 40


def item(number: int) -> dict[str, Any]:
    """Return a product as a body of the API names it."""
    return {
        "link": f"https://alpine.example/products/boots-{number}",
        "quantity": 1,
        "selectedOptions": ["42", "black"],
        "title": f"Boots number {number}",
        "imageUrl": f"https://alpine.example/pictures/boots-{number}.jpg",
        "unitPrice": {"value": "149.00", "currency": "USD"},
        "metadata": {"shelf": number},
    }


def make_cart(lines: int) -> Any:
    """Make a cart that holds so many lines; it belongs to whoever holds its token or id."""
    from django_henry_checkout.flows.cart.carts import create_filled_cart
    from django_henry_checkout.types import LineItem

    wanted = [
        LineItem(
            link=each["link"], title=each["title"], image_url=each["imageUrl"], metadata=each["metadata"],
            selected_options=tuple(each["selectedOptions"]), unit_price=Money(Decimal("149.00"), "USD"),
        )
        for each in map(item, range(lines))
    ]  # fmt: skip
    return create_filled_cart(wanted, metadata={"till": "7"})


class Side:
    """One of the two: where its cart is, and how it is asked."""

    def __init__(self, path: str, *, lines: int) -> None:
        from django_henry_checkout.flows.access.tokens import issue_cart_token

        self.cart = make_cart(lines)
        self.kept = list(self.cart.lines.values_list("pk", flat=True))
        self.path = path.format(self.cart.public_id)
        self.client = Client(headers={"X-Session-Token": issue_cart_token(self.cart)})

    def read(self, watch: Watch) -> Any:
        """Read the cart."""
        with watch.running():
            answer = self.client.get(self.path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def add(self, watch: Watch) -> Any:
        """Add an item that the cart does not hold; it is taken out again beside the clock."""
        body = {"item": item(1000)}
        with watch.running():
            answer = self.client.post(f"{self.path}/item", body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        self.cart.lines.exclude(pk__in=self.kept).delete()
        return answer.json()


def sides(lines: int) -> tuple[Side, Side]:
    """Return the app's side and the bare one, each with a cart of its own."""
    return Side("/henry/api/v1/cart/{}", lines=lines), Side("/bare/cart/{}", lines=lines)


def _fresh(one: Any, *, calls: int = CALLS) -> float:
    cache.clear()  # the throttle's counts, as after a quiet minute
    return cpu_each(one, calls=calls)


def _refuse_difference(ours: dict[str, Any], bare: dict[str, Any]) -> None:
    """Both must have answered the same, but for the id and how a time is spelled."""
    apart = {"cartId", "createdAt", "updatedAt"}
    mine, theirs = (
        {name: part for name, part in answer.items() if name not in apart} for answer in (ours, bare)
    )
    assert ours.keys() == bare.keys()
    assert mine == theirs, (mine, theirs)


@override_settings(ROOT_URLCONF="benchmarks.peers.bare")
def read_cart(*, rounds: int) -> list[Result]:
    """P9: 20 lines. Ours: plain dicts; the floor: nested serializers over the same queries, the same JSON."""
    rows.clear()
    ours, bare = sides(20)
    _refuse_difference(ours.read(Watch()), bare.read(Watch()))
    mine, theirs = medians(lambda: _fresh(ours.read), lambda: _fresh(bare.read), rounds=rounds)
    found = f"{mine:.2f} ms of CPU, {statements(ours.read)} SQL; floor {theirs:.2f} ms, {statements(bare.read)} SQL"
    return [at_most("P9", "read a cart of 20 lines / bare view of DRF", mine / theirs, 1.0, found)]


@override_settings(ROOT_URLCONF="benchmarks.peers.bare")
def add_item(*, rounds: int) -> list[Result]:
    """P10: add a new item; both check the body, lock the cart, and answer the whole cart.

    At 20 lines the floor's answer, by nested serializers, costs it more than at one: hence both.
    """
    rows.clear()
    results = []
    for lines in (1, 20):
        ours, bare = sides(lines)
        _refuse_difference(ours.add(Watch()), bare.add(Watch()))
        mine, theirs = medians(lambda: _fresh(ours.add), lambda: _fresh(bare.add), rounds=rounds)  # noqa: B023 - both are called before the loop goes on
        found = f"{mine:.2f} ms of CPU; floor {theirs:.2f} ms, {statements(bare.add)} SQL"
        what = f"add an item to a cart of {lines} / bare view of DRF"
        results.append(at_most("P10", what, mine / theirs, 1.5, found))
    few, many = (statements(sides(lines)[0].add) for lines in (1, 50))
    is_met = few == many <= 6
    found = f"{few} SQL at 1 line, {many} at 50"
    results.append(
        Result("P10", "SQL of it / 6, the same at 1 and 50 lines", many / 6, "<= 1", is_met, found)
    )
    return results


def _engine() -> Engine:
    empty = ("django.template.loaders.locmem.Loader", {"bare/empty.html": ""})
    loaders = [empty, "django.template.loaders.app_directories.Loader"]
    libraries = {**get_installed_libraries(), "bare": "benchmarks.peers.bare"}
    return Engine(loaders=[("django.template.loaders.cached.Loader", loaders)], libraries=libraries)


def button(*, rounds: int) -> list[Result]:
    """P11: a template that holds the tag and nothing else, rendered for one request, against an empty tag."""
    cart = make_cart(3)
    request = RequestFactory().get("/cart/")
    engine = _engine()
    tag = engine.from_string("{% load henry_checkout %}{% henry_checkout_button cart %}")
    empty = engine.from_string("{% load bare %}{% empty cart %}")
    assert cart.ulid in tag.render(Context({"cart": cart, "request": request}))

    def render(template: Any, watch: Watch) -> None:
        with watch.running():
            for _each in range(10):
                template.render(Context({"cart": cart, "request": request}))

    def block(template: Any) -> float:
        return cpu_each(lambda watch: render(template, watch), calls=40) / 10 * 1000

    mine, theirs = medians(lambda: block(tag), lambda: block(empty), rounds=rounds)
    queries = statements(lambda watch: render(tag, watch))
    found = f"{mine:.0f} us of CPU; floor {theirs:.0f} us"
    return [
        at_most("P11", "button tag / an empty inclusion tag", mine / theirs, 1.5, found),
        at_most("P11", "queries of it", queries, 0, f"{queries} in 10 renders"),
    ]
