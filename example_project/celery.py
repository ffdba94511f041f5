"""The shop's Celery app: `celery --app example_project worker`. Used where CELERY_BROKER_URL is set."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")

app = Celery("example_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def add_checkout_to_beat(sender: Any, **kwargs: Any) -> None:
    # Not in the settings: the tasks need models, which need the settings.
    from django_henry_checkout.tasks import beat_schedule  # noqa: PLC0415 - see above

    sender.conf.beat_schedule = {**sender.conf.beat_schedule, **beat_schedule()}


app.on_after_finalize.connect(add_checkout_to_beat)
