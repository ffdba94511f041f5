"""One round of everything that waits: what the embedded worker and any scheduler call.

Safe to run in any number of processes at once, and to be killed at any point.
"""

from __future__ import annotations

from django_henry_checkout.flows.checkout.sessions import expire_sessions
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.webhooks.inbox import process_webhooks


def poll_and_expire() -> int:
    """Expire sessions and poll purchases, one batch each; return how many rows were worked on."""
    return expire_sessions() + poll_due(seconds=5)


def listen() -> int:
    """Apply one batch of webhooks; return how many."""
    return process_webhooks()


def deliver_events() -> int:
    """Run one batch of receivers; return how many."""
    return deliver_due()


def run_once() -> int:
    """Listen, follow and deliver, one round each; return how many rows were worked on."""
    return listen() + poll_and_expire() + deliver_events()
