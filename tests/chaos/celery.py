"""The Celery app of the chaos: `celery --app tests.chaos.celery worker`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.chaos.settings")
app = Celery("chaos")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def add_schedule(sender: Any, **kwargs: Any) -> None:
    from django_henry_checkout.tasks import beat_schedule

    sender.conf.beat_schedule = beat_schedule()


app.on_after_finalize.connect(add_schedule)
