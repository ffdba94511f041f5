from __future__ import annotations

from tests.chaos.celery import app

__all__ = ["app"]
