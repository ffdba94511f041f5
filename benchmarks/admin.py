"""P12: the admin's list, its filters and search, and an order's page, at a thousand orders and at a million."""

from __future__ import annotations

import time
from statistics import median

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benchmarks import rows
from benchmarks.results import Result, at_most

ROUNDS = 15


def pages(count: int) -> dict[str, str]:
    """Return the pages that people open, by name; they are about an order in the middle."""
    middle = count // 2
    orders = reverse("admin:henry_checkout_order_changelist")
    return {
        "list": orders,
        "last page": f"{orders}?p=20",
        "filter completed": f"{orders}?status__exact=completed",
        "filter failed": f"{orders}?status__exact=failed",
        "filter to review": f"{orders}?needs=review",
        "filter in doubt": f"{orders}?needs=in_doubt",
        "filter account": f"{orders}?account=default",
        "search number": f"{orders}?q=N{middle}",
        "search refId": f"{orders}?q={rows.ref_of_order(middle)}",
        "search e-mail": f"{orders}?q=buyer{middle}@shop.example",
        "order": reverse("admin:henry_checkout_order_change", args=[middle]),
        "attention": reverse("admin:henry_checkout_attention"),
    }


def _measure(count: int) -> tuple[dict[str, float], dict[str, int]]:
    """Fill the tables; return milliseconds and queries of each page."""
    rows.clear()
    rows.make_orders(count)
    user, _is_new = get_user_model().objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(user)
    times, queries = {}, {}
    for name, path in pages(count).items():
        with CaptureQueriesContext(connection) as context:
            answer = client.get(path)
        assert answer.status_code == 200, (name, answer.status_code)
        queries[name] = len(context)
        found = []
        for _round in range(ROUNDS):
            began = time.perf_counter()
            client.get(path)
            found.append((time.perf_counter() - began) * 1000)
        times[name] = median(found)
    return times, queries


def sizes(*, small: int = 1_000, big: int = 1_000_000) -> list[Result]:
    """P12: each page at both sizes."""
    few, queries_of_few = _measure(small)
    many, queries_of_many = _measure(big)
    ratios = {name: many[name] / few[name] for name in few}
    worst = max(ratios, key=lambda name: ratios[name])
    said = "; ".join(f"{name} {few[name]:.0f} -> {many[name]:.0f} ms" for name in ratios)
    same = queries_of_few == queries_of_many
    return [
        at_most("P12", f"admin at {big:,} orders / at {small:,}, slowest page ({worst})", ratios[worst], 1.5, said),
        Result(
            "P12", "queries of each page, the same at both sizes", float(max(queries_of_many.values())),
            "the same", same, ", ".join(f"{name} {count}" for name, count in queries_of_many.items()),
        ),
    ]  # fmt: skip
