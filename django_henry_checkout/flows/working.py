"""One round of everything that waits: what the embedded worker and any scheduler call."""

from __future__ import annotations

from django_henry_checkout.flows.ledger import deliver_due
from django_henry_checkout.flows.polling import poll_due
from django_henry_checkout.flows.sessions import expire_sessions


def run_once() -> int:
    """Expire, poll and deliver one batch each; return how many rows were worked on.

    Safe to run in any number of processes at once, and to be killed at any point.
    """
    return expire_sessions() + poll_due() + deliver_due()
