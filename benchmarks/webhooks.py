"""P15: a webhook, from its arrival to the receiver, against dj-stripe in a process of its own (`benchmarks.peers.stripe`).

Both sides verify a signature over a body of about 1.5 kB that moves a payment which is known already. Nothing is
sent to a queue on either side.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import Client, override_settings

from benchmarks import henry, rows
from benchmarks.peers.measuring import Watch, cpu_each, medians, statements
from benchmarks.peers.process import Peer, running_peer
from benchmarks.results import Result, at_most
from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox
from tests.support.shop import shop_settings

SECRET = "whsec_of_the_benchmark_0123456789"
STORED = 40
WHOLE = 8
numbers = itertools.count()
told: list[str] = []


def on_completed(*, event_id: str, **kwargs: Any) -> None:
    """Be the one receiver."""
    told.append(event_id)


@contextmanager
def one_receiver() -> Iterator[None]:
    """Have this receiver alone connected, to the end of a purchase; not those of the suite and the example shop."""
    from django_henry_checkout.signals import BY_NAME

    others = [(signal, *each) for signal in BY_NAME.values() for each in signal.receivers_by_name().items()]
    for signal, name, receiver in others:
        assert signal.disconnect(receiver) or signal.disconnect(dispatch_uid=name)
    BY_NAME["purchase_completed"].connect(on_completed)
    try:
        yield
    finally:
        BY_NAME["purchase_completed"].disconnect(on_completed)
        for signal, name, receiver in others:
            signal.connect(receiver, dispatch_uid=name)


def make_webhook(job: dict[str, Any]) -> dict[str, Any]:
    """Return a signed webhook which says that everything of a purchase was bought, for the test client."""
    from django_henry_checkout.testing.webhooks import signed_headers, webhook_path

    products = [{**each, "status": "complete"} for each in job["products"]]
    body = json.dumps(
        {"event": "order.purchase", "data": {**job, "status": "complete", "products": products}}
    )
    headers = signed_headers(body.encode(), secret=SECRET)
    return {"path": webhook_path(), "data": body, "content_type": "application/json", "headers": headers}


class Intake:
    """The app's side."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = Client(enforce_csrf_checks=True)

    def store(self, watch: Watch) -> None:
        """Take a webhook: verified, stored, answered."""
        request = make_webhook(json.loads(henry.job(henry.ref_of(next(numbers)))))
        with watch.running():
            answer = self.client.post(**request)
        assert answer.status_code == 202

    def forget(self) -> None:
        """Leave nothing to apply."""
        from django_henry_checkout.models import WebhookMessage

        WebhookMessage.objects.all().delete()

    def whole(self, watch: Watch) -> None:
        """Take it, apply it to an order of two lines, and run the receiver: what the view and the worker do."""
        from django_henry_checkout.flows.checkout.sessions import begin_checkout
        from django_henry_checkout.flows.events.outbox import deliver_due
        from django_henry_checkout.flows.purchase.lifecycle import refresh_purchase
        from django_henry_checkout.flows.webhooks.inbox import process_webhooks
        from django_henry_checkout.models import Delivery, Purchase
        from django_henry_checkout.testing.builders import build_cart
        from django_henry_checkout.types import Source

        order = begin_checkout(build_cart()).order
        job = self.sandbox.pay(order.henry_cart_id)
        refresh_purchase(Purchase.objects.get(order=order), source=Source.RETURN_PAGE)
        request = make_webhook(job)
        before = len(told)
        with watch.running():
            answer = self.client.post(**request)
            process_webhooks()
            deliver_due()
        order.refresh_from_db()
        assert (answer.status_code, order.status, len(told)) == (202, "completed", before + 1)
        assert Delivery.objects.filter(order=order).count() == 1


def against_dj_stripe(*, rounds: int) -> list[Result]:
    """P15: the app and dj-stripe in turn."""
    rows.clear()
    with running_sandbox() as sandbox, running_peer("stripe") as peer, one_receiver():
        asked = {**settings.HENRY_CHECKOUT, **shop_settings(sandbox, WEBHOOK_SECRETS=[SECRET])}
        with override_settings(HENRY_CHECKOUT=asked):
            ours = Intake(sandbox)
            return [_stored(ours, peer, rounds=rounds), _whole(ours, peer, rounds=rounds)]


def _stored(ours: Intake, peer: Peer, *, rounds: int) -> Result:
    mine, theirs = medians(
        lambda: cpu_each(ours.store, calls=STORED), lambda: peer.ask("store", calls=STORED), rounds=rounds
    )
    found = (
        f"{mine:.1f} ms of CPU, {statements(ours.store)} SQL; "
        f"dj-stripe {theirs:.1f} ms, {peer.ask('store_sql'):.0f} SQL"
    )
    ours.forget()
    return at_most(
        "P15", "webhook accepted / dj-stripe's stored, rest in a callback", mine / theirs, 0.7, found
    )


def _whole(ours: Intake, peer: Peer, *, rounds: int) -> Result:
    mine, theirs = medians(
        lambda: cpu_each(ours.whole, calls=WHOLE), lambda: peer.ask("sync", calls=WHOLE), rounds=rounds
    )
    found = (
        f"{mine:.1f} ms of CPU, {statements(ours.whole)} SQL; "
        f"dj-stripe {theirs:.1f} ms, {peer.ask('sync_sql'):.0f} SQL"
    )
    what = "webhook accepted, applied, one receiver run / dj-stripe's in-request sync"
    return at_most("P15", what, mine / theirs, 0.7, found)
