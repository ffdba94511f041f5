"""P4: the design that everybody writes first. One Celery task per purchase asks, and sends itself anew."""

from __future__ import annotations

import os
import time

import requests
from celery import Celery

app = Celery("naive", broker=os.environ.get("REDIS_URL", ""))
app.conf.task_ignore_result = True
app.conf.worker_prefetch_multiplier = 1


@app.task
def poll(url: str, ref_id: str, ends_at: float) -> None:
    """Ask once, and again in two seconds."""
    requests.get(
        f"{url}/v1/cart/purchase/status",
        params={"refId": ref_id},
        headers={"x-api-key": "sandbox-key"},
        timeout=10,
    ).json()
    if time.time() < ends_at:
        poll.apply_async(args=(url, ref_id, ends_at), countdown=2)
