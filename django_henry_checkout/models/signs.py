from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class WorkerKind(models.TextChoices):
    WORKER = "worker", _("embedded worker")
    CELERY = "celery", _("Celery worker")
    BEAT = "beat", _("Celery beat")


class SignOfLife(models.Model):
    """When a process that works was last heard of: one row for each, written anew every few seconds.

    `seen_at` is the database's time and `clock_at` the process's own at that moment; they differ where its clock
    is off.
    """

    kind = models.CharField(_("kind"), max_length=16, choices=WorkerKind)
    name = models.CharField(_("process"), max_length=100)
    began_at = models.DateTimeField(_("first seen"))
    seen_at = models.DateTimeField(_("last seen"))
    clock_at = models.DateTimeField(_("its own time then"))

    class Meta:
        verbose_name = _("sign of life")
        verbose_name_plural = _("signs of life")
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="henry_sign_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
