"""State that workers share: heartbeats and rate limits."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class WorkerKind(models.TextChoices):
    WORKER = "worker", _("embedded worker")
    CELERY = "celery", _("Celery worker")
    BEAT = "beat", _("Celery beat")


class WorkerHeartbeat(models.Model):
    """The last sign of life of a worker process, updated every few seconds.

    `last_seen_at` is the database's time, `worker_clock_at` the worker's own time at the same moment; they
    differ if the worker's clock is wrong.
    """

    kind = models.CharField(_("kind"), max_length=16, choices=WorkerKind)
    name = models.CharField(_("process"), max_length=100)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    worker_clock_at = models.DateTimeField(_("worker's clock"))

    class Meta:
        verbose_name = _("worker heartbeat")
        verbose_name_plural = _("worker heartbeats")
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="henry_heartbeat_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class AccountRateLimit(models.Model):
    """Per-account token bucket and circuit breaker, shared by all workers.

    Each call takes one token. Until `paused_until` no call is sent. `circuit_open` means that failures caused
    the pause, so that only a few calls are sent first afterwards.
    """

    account = models.CharField(_("account"), max_length=64, primary_key=True)
    rate = models.FloatField(_("calls per second"))
    tokens = models.FloatField(_("tokens"))
    refilled_at = models.DateTimeField(_("refilled"))
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    circuit_open = models.BooleanField(_("circuit open"), default=False)
    window_started_at = models.DateTimeField(_("failures counted since"))
    answers = models.PositiveIntegerField(_("answers"), default=0)
    failures = models.PositiveIntegerField(_("failures"), default=0)

    class Meta:
        verbose_name = _("rate limit")
        verbose_name_plural = _("rate limits")

    def __str__(self) -> str:
        return self.account
