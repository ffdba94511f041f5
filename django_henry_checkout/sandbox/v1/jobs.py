"""Henry's v1: asynchronous jobs, which a client polls or, with `mode: sync`, waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest

from django_henry_checkout.sandbox.engine import orders, validation
from django_henry_checkout.sandbox.engine.state import JSON, Job
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError

SYNC_SECONDS = 30.0


def wait_for_jobs(serialize: Callable[[], list[JSON]], mode: str) -> list[JSON]:
    """Return the jobs at once or, with `mode: sync`, when all have finished, after 30 seconds at the latest."""
    deadline = time.monotonic() + (SYNC_SECONDS if mode == "sync" else 0)
    while True:
        jobs = serialize()
        if time.monotonic() >= deadline or all(job["status"] in orders.TERMINAL_STATUSES for job in jobs):
            return jobs
        time.sleep(0.05)


def read_mode(body: JSON) -> str:
    """Read whether the client waits for the result."""
    return validation.read_choice(body, "mode", ("async", "sync"), default="async")


def find_job(request: HttpRequest, kind: str) -> Job:
    """Return the job that the query names."""
    ref_id = read_ref_id(request)
    job = store.jobs.get(ref_id)
    if job is None or job.kind != kind:
        raise ApiError("Job not found.", status=404)
    return job


def read_ref_id(request: HttpRequest) -> str:
    """Read the reference of a job from the query."""
    ref_id = request.GET.get("refId", "")
    if not ref_id:
        raise ApiError("refId is required.")
    return ref_id
