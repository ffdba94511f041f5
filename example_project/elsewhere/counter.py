"""The storefront's own memory and rules: which visitor began which checkout, and what a page may show of it."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from example_project.elsewhere.shop_api import RefusedError, Shop

MAX_VISITS = 1_000
MAX_ORDERS = 20
#: All that a page needs to show a checkout. The session's secret is not among it.
FOR_THE_PAGE = ("frameUrl", "payUrl", "qrUrl", "sessionId", "orderId", "orderNumber", "paymentOrigins")
PAID = frozenset({"placed", "processing", "completed", "partially_completed"})
#: The cart has done its duty: it was paid, or is gone.
SPENT = frozenset({"cart_empty", "cart_not_found", "order_not_open"})


@dataclass
class Visit:
    """What is known of one browser. In memory: a real shop would keep it with its own sessions."""

    cart_id: str = ""
    orders: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Counter:
    """Where shoppers buy and where their receipts are checked."""

    def __init__(self, shop: Shop, *, origin: str) -> None:
        self.shop = shop
        self.origin = origin
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._lock = threading.Lock()

    def visit(self, name: str) -> tuple[str, Visit]:
        """Return a browser's visit by the name in its cookie; a fresh one under a new name if it is not known."""
        with self._lock:
            if name not in self._visits:
                name = secrets.token_urlsafe(24)
                self._visits[name] = Visit()
            self._visits.move_to_end(name)
            while len(self._visits) > MAX_VISITS:
                self._visits.popitem(last=False)
            return name, self._visits[name]

    def buy(self, visit: Visit) -> dict[str, Any]:
        """Begin to pay; a browser that began before goes on with the same order.

        Raises:
            RefusedError: the shop cannot now, or what was begun is paid already.
        """
        with visit.lock:
            if not visit.cart_id:
                visit.cart_id = self.shop.make_cart()
            try:
                begun = self.shop.begin(visit.cart_id, frame_origin=self.origin)
            except RefusedError as error:
                if error.code in SPENT:
                    visit.cart_id = ""  # the next request starts another one
                raise
            visit.orders = [*visit.orders, str(begun["orderId"])][-MAX_ORDERS:]
        return {name: begun[name] for name in FOR_THE_PAGE}

    def thank(self, visit: Visit, receipt: str) -> dict[str, Any]:
        """Check a receipt with the shop, and return what its page may show.

        Raises:
            RefusedError: it is not genuine, or of an order that another browser began.
        """
        order_id = str(self.shop.check_receipt(receipt, origin=self.origin)["orderId"])
        if order_id not in visit.orders:
            raise RefusedError("receipt_invalid")
        order = self.shop.order(order_id)
        is_paid = order["status"] in PAID
        if is_paid:
            with visit.lock:
                visit.cart_id = ""
        return {
            "orderNumber": order["orderNumber"],
            "isPaid": is_paid,
            "subtotal": order["totals"]["subtotal"],
            "total": order["totals"]["total"],
            "items": [{"title": item["title"], "quantity": item["quantity"]} for item in order["items"]],
        }
