"""The signals of the app. This module only defines them.

Workers send them from the outbox (`flows/events/outbox.py`), after the change is committed. Each (event,
receiver) pair is a Delivery row: it is run and marked as done in one transaction, retried on its own, kept
in sequence per order and receiver, and fails for good after repeated failures. What a receiver writes to the
same database happens exactly once per event; other effects (mail, HTTP) may be repeated after a crash, so use
`event_id` as their idempotency key.

Each receiver is called with these keyword arguments:

=================  ===========================================================================
``order``          `models.Order`, loaded from the database
``event_id``       str, the same for every attempt to deliver the event
``occurred_at``    aware datetime, UTC
``account``        str, alias of the Henry account
``purchase``       `models.Purchase` or None
``item``           `models.OrderLine` or None (set for ``order_item_failed``)
``status``         str, the order's status when the event was written
``previous_status``  str, for ``order_status_changed``; otherwise ""
=================  ===========================================================================

Accept ``**kwargs`` in every receiver: later versions may add arguments.
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
    """A signal whose receivers have stable names, under which the outbox records their deliveries.

    The name is `dispatch_uid` if it is given, else `module.qualname`. Connect receivers as usual, with
    `connect()` or `@receiver`. `sender` is not used: filter by `account` instead.
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
            ValueError: another live receiver has that name, or the name is not a string of 1 to 255
                characters; pass a `dispatch_uid`.
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
        """Disconnect, as in Django. Deliveries already recorded for the receiver are not deleted."""
        gone = super().disconnect(receiver, sender, dispatch_uid)
        if gone:
            name = dispatch_uid if dispatch_uid is not None else receiver_name(receiver)
            self._named.pop(name, None)
        return gone

    def receivers_by_name(self) -> dict[str, Receiver]:
        """Return the live receivers by name, in the order of their connection."""
        found = {name: reference() for name, reference in self._named.items()}
        return {name: receiver for name, receiver in found.items() if receiver is not None}


def _reference(receiver: Receiver) -> Callable[[], Receiver | None]:
    """Return a weak reference, as Django does; functions written in C only allow a strong one."""
    if inspect.ismethod(receiver):
        return weakref.WeakMethod(receiver)
    try:
        return weakref.ref(receiver)
    except TypeError:
        return lambda: receiver


def receiver_name(receiver: Any) -> str:
    """Return the stable name of a receiver: its module and qualified name."""
    named = receiver if hasattr(receiver, "__qualname__") else type(receiver)
    return f"{named.__module__}.{named.__qualname__}"


#: A checkout started: its order with a snapshot of the cart exists, and a session is open.
checkout_started = OutboxSignal("checkout_started")

#: A shopper canceled a session. The order stays open; a new session may start.
checkout_canceled = OutboxSignal("checkout_canceled")

#: A session expired. A payment that arrives later is still found and tracked.
checkout_expired = OutboxSignal("checkout_expired")

#: Henry has accepted the purchase and issued its `purchase.ref_id`.
purchase_submitted = OutboxSignal("purchase_submitted")

#: The call that buys was sent and its outcome is not known. It is looked up at Henry, never sent again.
purchase_in_doubt = OutboxSignal("purchase_in_doubt")

#: Every item was bought. Sent once per purchase.
purchase_completed = OutboxSignal("purchase_completed")

#: Some items were bought and others were not: see `order.lines`.
purchase_partially_completed = OutboxSignal("purchase_partially_completed")

#: Nothing was bought.
purchase_failed = OutboxSignal("purchase_failed")

#: Henry or a merchant canceled the purchase.
purchase_canceled = OutboxSignal("purchase_canceled")

#: The status of the order changed, from `previous_status` to `status`.
order_status_changed = OutboxSignal("order_status_changed")

#: One item could not be bought: `item`. The rest of the order may still be in progress.
order_item_failed = OutboxSignal("order_item_failed")

#: Staff should review the order: see `order.review_reason`.
order_needs_review = OutboxSignal("order_needs_review")

#: All signals by name, which is also the type of their events.
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
