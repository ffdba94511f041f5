"""One round of everything that waits: what the embedded worker and any scheduler call.

Safe to run in any number of processes at once, and to be killed at any point.
"""

from __future__ import annotations

from django_henry_checkout.flows.ledger import deliver_due
from django_henry_checkout.flows.polling import poll_due
from django_henry_checkout.flows.sessions import expire_sessions
from django_henry_checkout.flows.webhooks import process_webhooks


def follow() -> int:
    """Expire sessions and poll purchases, one batch each; return how many rows were worked on."""
    return expire_sessions() + poll_due(seconds=5)


def listen() -> int:
    """Apply one batch of webhooks; return how many."""
    return process_webhooks()


def deliver() -> int:
    """Run one batch of receivers; return how many."""
    return deliver_due()


def run_once() -> int:
    """Listen, follow and deliver, one round each; return how many rows were worked on."""
    return listen() + follow() + deliver()
