from __future__ import annotations

import os

__all__: list[str] = []

if os.environ.get("CELERY_BROKER_URL"):  # without a broker Celery need not even be installed
    # In each process, so that tasks are sent to the shop's own broker.
    from example_project.celery import app as celery_app

    __all__ += ["celery_app"]
