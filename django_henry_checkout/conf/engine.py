"""How Henry is spoken to, purchases are followed, webhooks taken and signals delivered."""

from __future__ import annotations

from datetime import timedelta

from django_henry_checkout.conf.options import Options


class EngineOptions(Options):
    """What the workers go by."""

    # HTTP ---------------------------------------------------------------------------------

    @property
    def CONNECT_TIMEOUT(self) -> float:
        """Seconds to reach Henry."""
        return float(self._get("CONNECT_TIMEOUT", 5.0))

    @property
    def READ_TIMEOUT(self) -> float:
        """Seconds that Henry may be silent within one answer."""
        return float(self._get("READ_TIMEOUT", 10.0))

    @property
    def TOTAL_TIMEOUT(self) -> float:
        """Seconds for one whole answer, however slowly it drips."""
        return float(self._get("TOTAL_TIMEOUT", 15.0))

    @property
    def PURCHASE_TIMEOUT(self) -> float:
        """Seconds for the answer to a call that buys."""
        return float(self._get("PURCHASE_TIMEOUT", 30.0))

    @property
    def MAX_RESPONSE_BYTES(self) -> int:
        """Longest answer that is read, after decompression."""
        return int(self._get("MAX_RESPONSE_BYTES", 2_000_000))

    @property
    def READ_RETRIES(self) -> int:
        """How often a read is repeated after trouble; polls are not, nor is ever a call that can buy."""
        return int(self._get("READ_RETRIES", 2))

    # Polling ------------------------------------------------------------------------------

    @property
    def POLL_SCHEDULE(self) -> tuple[tuple[float, float], ...]:
        """Pairs (age in seconds, interval in seconds): the last pair whose age is reached counts."""
        default = ((0, 2), (60, 5), (180, 10), (600, 30), (1800, 60), (3600, 300))
        return tuple(sorted((float(age), float(step)) for age, step in self._get("POLL_SCHEDULE", default)))

    @property
    def POLL_JITTER(self) -> float:
        """Part of the interval by which it varies, so that polls spread out: 0.2 is +-20 %."""
        return float(self._get("POLL_JITTER", 0.2))

    @property
    def POLL_LEASE(self) -> timedelta:
        """How long one worker keeps a purchase to itself; after a crash another one takes over."""
        return self._duration("POLL_LEASE", timedelta(seconds=3 * self.TOTAL_TIMEOUT))

    @property
    def POLL_BATCH(self) -> int:
        """How many purchases one round of polling takes at most."""
        return int(self._get("POLL_BATCH", 500))

    @property
    def POLL_CONCURRENCY(self) -> int:
        """How many questions to Henry one worker has under way at once."""
        return int(self._get("POLL_CONCURRENCY", 32))

    @property
    def POLL_RATE(self) -> float:
        """How many questions a second all workers together may ask for one account. A 429 lowers it for a while."""
        return float(self._get("POLL_RATE", 50.0))

    @property
    def BULK_POLL_THRESHOLD(self) -> int:
        """From how many due purchases of one account on Henry's order list is read instead; 0 never reads it."""
        return int(self._get("BULK_POLL_THRESHOLD", 20))

    @property
    def BULK_POLL_MAX_PAGES(self) -> int:
        """How many pages of the order list one round reads at most."""
        return int(self._get("BULK_POLL_MAX_PAGES", 10))

    @property
    def BREAKER_FAILURES(self) -> int:
        """After how many failures within a minute, half of the calls at least, an account's polling pauses."""
        return int(self._get("BREAKER_FAILURES", 20))

    @property
    def BREAKER_PAUSE(self) -> timedelta:
        """How long polling pauses then; afterwards a few calls try whether Henry is back."""
        return self._duration("BREAKER_PAUSE", timedelta(seconds=30))

    @property
    def POLL_TIMEOUT(self) -> timedelta:
        """How long a purchase may stay unfinished before staff are told (it turns `stuck`)."""
        return self._duration("POLL_TIMEOUT", timedelta(hours=2))

    @property
    def STUCK_INTERVAL(self) -> timedelta:
        """How often a stuck purchase is still polled: a late "complete" is still money."""
        return self._duration("STUCK_INTERVAL", timedelta(hours=1))

    @property
    def STUCK_TIMEOUT(self) -> timedelta:
        """How long a stuck purchase is polled at all."""
        return self._duration("STUCK_TIMEOUT", timedelta(days=14))

    @property
    def IN_DOUBT_TIMEOUT(self) -> timedelta:
        """How long a purchase in doubt is looked for at Henry before staff are told."""
        return self._duration("IN_DOUBT_TIMEOUT", timedelta(minutes=15))

    @property
    def HOSTED_PAYMENT_TIMEOUT(self) -> timedelta:
        """How long Henry is asked for the order of a hosted page after the shopper was sent there."""
        return self._duration("HOSTED_PAYMENT_TIMEOUT", timedelta(hours=24))

    # Signals ------------------------------------------------------------------------------

    @property
    def DELIVERY_LEASE(self) -> timedelta:
        """How long a claim of deliveries lasts: after a crash another worker takes them over.

        A receiver that runs longer is not run twice on PostgreSQL, whose row it holds; its worker is kept busy.
        """
        return self._duration("DELIVERY_LEASE", timedelta(minutes=5))

    @property
    def DELIVERY_ATTEMPTS(self) -> int:
        """How often a failing receiver is run for one event before the delivery fails for good."""
        return int(self._get("DELIVERY_ATTEMPTS", 8))

    @property
    def DELIVERY_CRASHES(self) -> int:
        """How often a worker may die while it runs a receiver for one event before the delivery fails for good."""
        return int(self._get("DELIVERY_CRASHES", 3))

    @property
    def DELIVERY_BATCH(self) -> int:
        """How many deliveries one claim takes."""
        return int(self._get("DELIVERY_BATCH", 20))

    # Webhooks -----------------------------------------------------------------------------

    @property
    def WEBHOOK_TOLERANCE(self) -> timedelta:
        """How far the time of a webhook may be from ours, on either side."""
        return self._duration("WEBHOOK_TOLERANCE", timedelta(minutes=5))

    @property
    def WEBHOOK_MAX_BYTES(self) -> int:
        """Longest webhook that is read."""
        return int(self._get("WEBHOOK_MAX_BYTES", 262_144))

    @property
    def WEBHOOK_BATCH(self) -> int:
        """How many webhooks one claim takes."""
        return int(self._get("WEBHOOK_BATCH", 50))

    @property
    def WEBHOOK_LEASE(self) -> timedelta:
        """How long one worker keeps a webhook to itself; after a crash another one takes over."""
        return self._duration("WEBHOOK_LEASE", timedelta(minutes=1))

    @property
    def WEBHOOK_ATTEMPTS(self) -> int:
        """How often a webhook that cannot be applied is tried before it is kept for staff."""
        return int(self._get("WEBHOOK_ATTEMPTS", 8))

    @property
    def WEBHOOK_MATCH_TIMEOUT(self) -> timedelta:
        """How long a webhook may name a purchase that nobody knows before staff are told."""
        return self._duration("WEBHOOK_MATCH_TIMEOUT", timedelta(minutes=15))

    # Workers ------------------------------------------------------------------------------

    @property
    def CELERY_WAKEUP(self) -> bool:
        """Whether each commit that leaves work to do sends a Celery task at once, besides beat."""
        return self._get("CELERY_WAKEUP", False) is True

    @property
    def CELERY_QUEUE(self) -> str:
        """The queue of the app's tasks; "celery" is Celery's own default."""
        return str(self._get("CELERY_QUEUE", "celery"))
