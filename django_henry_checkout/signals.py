"""The signals of the app. This module defines them and sends nothing.

They are sent by the ledger (`flows/events/outbox.py`), after the change is committed, from a worker. Each
(event, receiver) pair is a Delivery row: it is run and marked in one transaction, retried alone, kept in
order per order and receiver, and parked for staff after repeated failure. A receiver whose writes go to
the same database has exactly one effect per event; other effects (mail, HTTP) can happen again after a
crash, so give them `event_id` as their key.

Every receiver gets, as keywords:

=================  ===========================================================================
``order``          `models.Order`, fresh from the database
``event_id``       str, the same on every resend of the same event
``occurred_at``    aware datetime, UTC
``account``        str, alias of the Henry account
``purchase``       `models.Purchase` or None
``item``           `models.OrderLine` or None (set for ``order_item_failed``)
``previous_status``  str, for ``order_status_changed``; otherwise ""
=================  ===========================================================================

Take ``**kwargs`` in every receiver: later versions may add arguments.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

from django.dispatch import Signal

Receiver = Callable[..., Any]

MAX_NAME_LENGTH = 255


class OutboxSignal(Signal):
    """A signal whose receivers have stable names, so that the ledger can keep count of each.

    The name is `dispatch_uid` if that is a string, else `module.qualname`. Connect as usual, with
    `connect()` or `@receiver`. A `sender` is not used: filter by `account` instead.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self._named: dict[str, Callable[[], Receiver | None]] = {}

    def connect(
        self,
        receiver: Receiver,
        sender: object | None = None,
        weak: bool = True,
        dispatch_uid: Any = None,
    ) -> None:
        """Connect `receiver` under its stable name.

        Raises:
            ValueError: another live receiver has that name, or the name cannot be kept (1 to 255
                characters of text); pass a `dispatch_uid` of your own.
        """
        name = receiver_name(receiver) if dispatch_uid is None else dispatch_uid
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_LENGTH:
            raise ValueError(
                f"The name of a receiver of {self.name} must be text of 1 to {MAX_NAME_LENGTH} characters."
            )
        present = self.receivers_by_name().get(name)
        if present is not None and present != receiver:
            raise ValueError(f"{self.name} already has a receiver named {name}; pass another dispatch_uid.")
        super().connect(receiver, sender, weak, dispatch_uid)
        self._named[name] = _reference(receiver) if weak else lambda: receiver

    def disconnect(
        self, receiver: Receiver | None = None, sender: object | None = None, dispatch_uid: Any = None
    ) -> bool:
        """Disconnect, as in Django; deliveries already recorded for the receiver wait for its return."""
        gone = super().disconnect(receiver, sender, dispatch_uid)
        if gone:
            name = dispatch_uid if dispatch_uid is not None else receiver_name(receiver)
            self._named.pop(name, None)
        return gone

    def receivers_by_name(self) -> dict[str, Receiver]:
        """Return the live receivers, oldest connection first."""
        found = {name: reference() for name, reference in self._named.items()}
        return {name: receiver for name, receiver in found.items() if receiver is not None}


def _reference(receiver: Receiver) -> Callable[[], Receiver | None]:
    """Refer to a receiver weakly, as Django does; a function written in C cannot be, and stays."""
    if inspect.ismethod(receiver):
        return weakref.WeakMethod(receiver)
    try:
        return weakref.ref(receiver)
    except TypeError:
        return lambda: receiver


def receiver_name(receiver: Any) -> str:
    """Return the stable name of a receiver: where it is defined."""
    named = receiver if hasattr(receiver, "__qualname__") else type(receiver)
    return f"{named.__module__}.{named.__qualname__}"


#: A shopper began to pay: an order with a snapshot of the cart exists, and a session is open.
checkout_started = OutboxSignal("checkout_started")

#: A shopper gave up on a session. The order stays open; a new session may start.
checkout_canceled = OutboxSignal("checkout_canceled")

#: A session ran out of time. A payment that comes in later is still found and followed.
checkout_expired = OutboxSignal("checkout_expired")

#: Henry has the purchase and a `ref_id` exists: `purchase.ref_id`.
purchase_submitted = OutboxSignal("purchase_submitted")

#: A call that buys was sent and its outcome is not known. Nothing is sent again: it is looked up at Henry.
purchase_in_doubt = OutboxSignal("purchase_in_doubt")

#: Every item was bought. Sent once per purchase.
purchase_completed = OutboxSignal("purchase_completed")

#: Some items were bought, others not: see `order.lines`.
purchase_partially_completed = OutboxSignal("purchase_partially_completed")

#: Nothing was bought.
purchase_failed = OutboxSignal("purchase_failed")

#: Henry or a merchant cancelled the purchase.
purchase_canceled = OutboxSignal("purchase_canceled")

#: The order moved: from `previous_status` to what `order.status` was when the event was written.
order_status_changed = OutboxSignal("order_status_changed")

#: One item could not be bought: `item`. The rest of the order may still be under way.
order_item_failed = OutboxSignal("order_item_failed")

#: A person should look at the order: `order.review_reason`.
order_needs_review = OutboxSignal("order_needs_review")

#: Every signal by its name, which is also the type of the event behind it.
BY_NAME: dict[str, OutboxSignal] = {
    signal.name: signal
    for signal in (
        checkout_started,
        checkout_canceled,
        checkout_expired,
        purchase_submitted,
        purchase_in_doubt,
        purchase_completed,
        purchase_partially_completed,
        purchase_failed,
        purchase_canceled,
        order_status_changed,
        order_item_failed,
        order_needs_review,
    )
}
