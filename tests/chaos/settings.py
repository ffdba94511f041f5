"""The suite's settings for chaos: short leases, impatient calls, Celery, and webhooks."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403 - the suite's settings, in processes of their own
from tests.settings import DATABASES as USUAL_DATABASES
from tests.settings import HENRY_CHECKOUT as USUAL

ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES = {"default": {**USUAL_DATABASES["default"], "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}}
HENRY_CHECKOUT = {
    **USUAL,
    "PURCHASE_TIMEOUT": 3,
    "IN_DOUBT_TIMEOUT": 10,
    "POLL_RATE": 500,
    "BREAKER_PAUSE": 3,
    "WEBHOOK_SECRETS": ["whsec_of_the_chaos_0123456789"],
    "WEBHOOK_KEY": "chaos",
    "WEBHOOK_LEASE": 6,
    "CELERY_WAKEUP": bool(os.environ.get("CHAOS_BROKER")),
}
CELERY_BROKER_URL = os.environ.get("CHAOS_BROKER", "")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {"max_retries": 0, "socket_timeout": 2, "socket_connect_timeout": 1}
