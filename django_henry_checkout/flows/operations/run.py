"""One pass over all pending work, for the embedded worker and any scheduler.

Safe to run in any number of processes at once, and to be killed at any point.
"""

from __future__ import annotations

from django_henry_checkout.flows.checkout.sessions import expire_sessions
from django_henry_checkout.flows.events.outbox import deliver_due
from django_henry_checkout.flows.polling.poller import poll_due
from django_henry_checkout.flows.webhooks.inbox import process_webhooks


def poll_and_expire() -> int:
    """Expire sessions and poll purchases, one batch each; return how many rows were processed."""
    return expire_sessions() + poll_due(seconds=5)


def deliver_events() -> int:
    """Run one batch of receivers; return how many."""
    return deliver_due()


def run_once() -> int:
    """Process webhooks, poll, expire and deliver, one batch each; return how many rows were processed."""
    return process_webhooks() + poll_and_expire() + deliver_events()
