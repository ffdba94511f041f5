"""The Celery app of the project, where there is one. Nothing here imports Celery: it need not be installed."""

from __future__ import annotations

import sys
from typing import Any


def celery_app() -> Any:
    """Return the app that tasks of this process go to; None where there is none with a broker."""
    module = sys.modules.get("celery.app")  # whoever has an app has imported it
    app = module.default_app if module is not None else None
    return app if app and app.conf.broker_url else None


def is_redis(url: str) -> bool:
    """Tell whether a broker's address is of Redis."""
    return url.startswith(("redis", "sentinel"))
