"""Options of the engine: HTTP, polling, signal delivery, webhooks, workers."""

from __future__ import annotations

from datetime import timedelta

from django_henry_checkout.conf.options import Options


class EngineOptions(Options):
    """Options that the workers read."""

    # HTTP ---------------------------------------------------------------------------------

    @property
    def CONNECT_TIMEOUT(self) -> float:
        """Seconds to wait for a connection to Henry."""
        return float(self._get("CONNECT_TIMEOUT", 5.0))

    @property
    def READ_TIMEOUT(self) -> float:
        """Seconds to wait for more data within one response."""
        return float(self._get("READ_TIMEOUT", 10.0))

    @property
    def TOTAL_TIMEOUT(self) -> float:
        """Seconds for the whole response, even if data keeps arriving."""
        return float(self._get("TOTAL_TIMEOUT", 15.0))

    @property
    def PURCHASE_TIMEOUT(self) -> float:
        """Seconds for the whole response to a call that buys."""
        return float(self._get("PURCHASE_TIMEOUT", 30.0))

    @property
    def MAX_RESPONSE_BYTES(self) -> int:
        """Maximum size of a response in bytes, after decompression."""
        return int(self._get("MAX_RESPONSE_BYTES", 2_000_000))

    @property
    def READ_RETRIES(self) -> int:
        """Number of retries of a failed read. Polls and calls that can buy are never retried."""
        return int(self._get("READ_RETRIES", 2))

    # Polling ------------------------------------------------------------------------------

    @property
    def POLL_SCHEDULE(self) -> tuple[tuple[float, float], ...]:
        """Polling intervals: pairs `(age, interval)` in seconds. The last age reached applies."""
        default = ((0, 2), (60, 5), (180, 10), (600, 30), (1800, 60), (3600, 300))
        return tuple(sorted((float(age), float(step)) for age, step in self._get("POLL_SCHEDULE", default)))

    @property
    def POLL_JITTER(self) -> float:
        """Random variation of the polling interval, as a fraction: 0.2 is ±20 %."""
        return float(self._get("POLL_JITTER", 0.2))

    @property
    def POLL_LEASE(self) -> timedelta:
        """Duration of a worker's lease on a purchase. After a crash, another worker takes over then."""
        return self._duration("POLL_LEASE", timedelta(seconds=3 * self.TOTAL_TIMEOUT))

    @property
    def POLL_BATCH(self) -> int:
        """Maximum number of purchases per poll cycle."""
        return int(self._get("POLL_BATCH", 500))

    @property
    def POLL_CONCURRENCY(self) -> int:
        """Maximum number of concurrent calls to Henry per worker."""
        return int(self._get("POLL_CONCURRENCY", 32))

    @property
    def POLL_RATE(self) -> float:
        """Maximum number of calls per second and account, by all workers. A 429 lowers it temporarily."""
        return float(self._get("POLL_RATE", 50.0))

    @property
    def BULK_POLL_THRESHOLD(self) -> int:
        """Number of due purchases of one account at which polling switches to Henry's order list.

        0 disables it.
        """
        return int(self._get("BULK_POLL_THRESHOLD", 20))

    @property
    def BULK_POLL_MAX_PAGES(self) -> int:
        """Maximum number of pages of the order list that one poll cycle reads per account."""
        return int(self._get("BULK_POLL_MAX_PAGES", 10))

    @property
    def BREAKER_FAILURES(self) -> int:
        """Number of failed calls within a minute that opens an account's circuit breaker.

        They must also be at least half of all calls.
        """
        return int(self._get("BREAKER_FAILURES", 20))

    @property
    def BREAKER_PAUSE(self) -> timedelta:
        """Time for which an open circuit breaker pauses polling.

        Then a few calls test whether Henry has recovered.
        """
        return self._duration("BREAKER_PAUSE", timedelta(seconds=30))

    @property
    def POLL_TIMEOUT(self) -> timedelta:
        """Time after which an unfinished purchase becomes `stuck` and is reported to staff."""
        return self._duration("POLL_TIMEOUT", timedelta(hours=2))

    @property
    def STUCK_INTERVAL(self) -> timedelta:
        """Polling interval of a stuck purchase, which may still complete."""
        return self._duration("STUCK_INTERVAL", timedelta(hours=1))

    @property
    def STUCK_TIMEOUT(self) -> timedelta:
        """Time after which a stuck purchase is no longer polled."""
        return self._duration("STUCK_TIMEOUT", timedelta(days=14))

    @property
    def IN_DOUBT_TIMEOUT(self) -> timedelta:
        """Time after which a purchase in doubt that is not found at Henry is reported to staff."""
        return self._duration("IN_DOUBT_TIMEOUT", timedelta(minutes=15))

    @property
    def HOSTED_PAYMENT_TIMEOUT(self) -> timedelta:
        """Time after the redirect to a hosted page for which Henry is polled for its order."""
        return self._duration("HOSTED_PAYMENT_TIMEOUT", timedelta(hours=24))

    # Signals ------------------------------------------------------------------------------

    @property
    def DELIVERY_LEASE(self) -> timedelta:
        """Duration of a worker's lease on signal deliveries. After a crash, another worker takes over then.

        On PostgreSQL a receiver that runs longer is not started twice: its row stays locked.
        """
        return self._duration("DELIVERY_LEASE", timedelta(minutes=5))

    @property
    def DELIVERY_ATTEMPTS(self) -> int:
        """Number of failed attempts after which the delivery of an event to a receiver fails for good."""
        return int(self._get("DELIVERY_ATTEMPTS", 8))

    @property
    def DELIVERY_CRASHES(self) -> int:
        """Number of worker crashes during a delivery after which it fails for good."""
        return int(self._get("DELIVERY_CRASHES", 3))

    @property
    def DELIVERY_BATCH(self) -> int:
        """Maximum number of deliveries per claim."""
        return int(self._get("DELIVERY_BATCH", 20))

    # Webhooks -----------------------------------------------------------------------------

    @property
    def WEBHOOK_TOLERANCE(self) -> timedelta:
        """Maximum difference between a webhook's timestamp and the server's clock, in either direction."""
        return self._duration("WEBHOOK_TOLERANCE", timedelta(minutes=5))

    @property
    def WEBHOOK_MAX_BYTES(self) -> int:
        """Maximum size of a webhook in bytes."""
        return int(self._get("WEBHOOK_MAX_BYTES", 262_144))

    @property
    def WEBHOOK_BATCH(self) -> int:
        """Maximum number of webhooks per claim."""
        return int(self._get("WEBHOOK_BATCH", 50))

    @property
    def WEBHOOK_LEASE(self) -> timedelta:
        """Duration of a worker's lease on a webhook. After a crash, another worker takes over then."""
        return self._duration("WEBHOOK_LEASE", timedelta(minutes=1))

    @property
    def WEBHOOK_ATTEMPTS(self) -> int:
        """Number of attempts to apply a webhook before it fails for good."""
        return int(self._get("WEBHOOK_ATTEMPTS", 8))

    @property
    def WEBHOOK_MATCH_TIMEOUT(self) -> timedelta:
        """Time after which a webhook that matches no purchase is reported to staff."""
        return self._duration("WEBHOOK_MATCH_TIMEOUT", timedelta(minutes=15))

    # Workers ------------------------------------------------------------------------------

    @property
    def CELERY_WAKEUP(self) -> bool:
        """Whether each commit that leaves work to do also enqueues a Celery task immediately."""
        return self._get("CELERY_WAKEUP", False) is True

    @property
    def CELERY_QUEUE(self) -> str:
        """Celery queue of the app's tasks."""
        return str(self._get("CELERY_QUEUE", "celery"))
