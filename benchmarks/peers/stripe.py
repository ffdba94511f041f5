"""P15, the other side: webhooks of payments in dj-stripe, in a process of its own.

dj-stripe reads again at Stripe what a webhook is about. That is answered here within the process, without HTTP, and
so without what HTTP would cost: in its favour.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from typing import Any

import django

django.setup()

import stripe
from django.test import Client, override_settings
from django.urls import reverse
from djstripe.models import Event, PaymentIntent, WebhookEndpoint, WebhookEventTrigger
from djstripe.signals import WEBHOOK_SIGNALS

from benchmarks.peers.answering import answer, make_tables
from benchmarks.peers.measuring import Watch, cpu_each, statements

SECRET = "whsec_of_the_benchmark_0123456789"
numbers = itertools.count()
told: list[str] = []


def intent(number: int, status: str) -> dict[str, Any]:
    """Return a payment of about 1.5 kB, without a customer: the fewest rows to bring up to date."""
    return {
        "id": f"pi_{number:024d}", "object": "payment_intent", "amount": 14900, "amount_capturable": 0,
        "amount_details": {"tip": {}}, "amount_received": 14900 if status == "succeeded" else 0,
        "application": None, "application_fee_amount": None, "canceled_at": None, "cancellation_reason": None,
        "capture_method": "automatic", "client_secret": f"pi_{number:024d}_secret_{'0' * 24}",
        "confirmation_method": "automatic", "created": 1767225600, "currency": "usd", "customer": None,
        "description": "Boots number 1, 42, black", "last_payment_error": None, "latest_charge": None,
        "livemode": False, "metadata": {"order": f"N{number}"}, "next_action": None, "on_behalf_of": None,
        "payment_method": None, "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"], "processing": None, "receipt_email": "ada@shop.example",
        "review": None, "setup_future_usage": None, "statement_descriptor": "ALPINE OUTFITTERS",
        "shipping": {
            "name": "Ada Lovelace", "carrier": None, "tracking_number": None, "phone": None,
            "address": {
                "line1": "1 Main Street", "line2": None, "city": "New York", "state": "NY",
                "postal_code": "10001", "country": "US",
            },
        },
        "status": status, "transfer_data": None, "transfer_group": None,
    }  # fmt: skip


class Canned(stripe.HTTPClient):
    """Answers what dj-stripe asks Stripe for."""

    name = "canned"

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        """Return the account, or a payment that has succeeded."""
        if "/v1/payment_intents/" in url:
            found = intent(int(url.partition("pi_")[2][:24]), "succeeded")
        else:
            found = {"id": "acct_1", "object": "account", "type": "standard", "settings": {}, "metadata": {}}
        return json.dumps(found), 200, {}

    def close(self) -> None:
        """Have nothing to close."""


def make_webhook(number: int, path: str) -> dict[str, Any]:
    """Return a signed webhook as arguments of the test client."""
    event = {
        "id": f"evt_{number:024d}", "object": "event", "api_version": "2026-05-27.dahlia",
        "created": 1767225600, "livemode": False, "pending_webhooks": 1, "type": "payment_intent.succeeded",
        "request": {"id": None, "idempotency_key": None}, "data": {"object": intent(number, "succeeded")},
    }  # fmt: skip
    body, now = json.dumps(event), int(time.time())
    signature = hmac.new(SECRET.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={now},v1={signature}"}
    return {"path": path, "data": body, "content_type": "application/json", "headers": headers}


def leave_for_later(trigger: WebhookEventTrigger, api_key: str) -> None:
    """Stand for the queue that dj-stripe's manual suggests: nothing is sent to any, on either side."""


def main() -> None:
    """Serve the blocks that `benchmarks.webhooks` asks for."""
    make_tables()
    stripe.default_http_client = Canned()
    # As its admin does, which also notes whose account it is.
    endpoint = WebhookEndpoint.sync_from_stripe_data({
        "id": "we_1", "object": "webhook_endpoint", "livemode": False, "url": "https://shop.example/stripe",
        "status": "enabled", "secret": SECRET, "enabled_events": ["*"], "metadata": {},
    })  # fmt: skip
    path = reverse("djstripe:djstripe_webhook_by_uuid", args=[endpoint.djstripe_uuid])
    client = Client(enforce_csrf_checks=True)

    def on_success(event: Event, **kwargs: Any) -> None:
        told.append(event.id)

    WEBHOOK_SIGNALS["payment_intent.succeeded"].connect(on_success)

    def store(watch: Watch) -> None:
        request = make_webhook(next(numbers), path)
        with override_settings(DJSTRIPE_WEBHOOK_EVENT_CALLBACK=leave_for_later), watch.running():
            response = client.post(**request)
        assert response.status_code == 200, response.content

    def sync(watch: Watch) -> None:
        number = next(numbers)
        PaymentIntent.sync_from_stripe_data(intent(number, "processing"))
        request = make_webhook(number, path)
        with watch.running():
            response = client.post(**request)
        assert response.status_code == 200, response.content
        assert PaymentIntent.objects.get(id=f"pi_{number:024d}").stripe_data["status"] == "succeeded"
        assert told[-1] == f"evt_{number:024d}"

    answer({
        "store": lambda calls: cpu_each(store, calls=calls),
        "store_sql": lambda: statements(store),
        "sync": lambda calls: cpu_each(sync, calls=calls),
        "sync_sql": lambda: statements(sync),
    })  # fmt: skip


main()
