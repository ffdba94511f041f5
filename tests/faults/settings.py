"""Settings of processes that faults strike from within: those of the suite, and `tests.faults.hooks`."""

from __future__ import annotations

import json
import os

from tests.faults import hooks
from tests.settings import *  # noqa: F403 - the suite's settings, with the hooks around them
from tests.settings import DATABASES, HENRY_CHECKOUT, INSTALLED_APPS

hooks.shift_clock()

# First, so that what others connect when they are ready has its faults already.
INSTALLED_APPS = ["tests.faults.hooks.HooksConfig", *INSTALLED_APPS]
HENRY_CHECKOUT = {
    **HENRY_CHECKOUT,
    "POLL_SCHEDULE": ((0, 0.3),),
    "POLL_JITTER": 0,
    **json.loads(os.environ.get("TEST_OPTIONS", "{}")),
}
if os.environ.get("DATABASE_URL"):
    DATABASES["default"]["OPTIONS"] = json.loads(os.environ.get("TEST_POSTGRES", "{}"))

_LOG = {
    "full": {"class": "logging.FileHandler", "filename": "/dev/full"},
    "raises": {"class": "tests.faults.hooks.RaisingHandler"},
    "": {"class": "logging.StreamHandler"},
}[os.environ.get("TEST_LOG", "")]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"log": _LOG},
    "loggers": {"django_henry_checkout": {"handlers": ["log"], "level": "INFO", "propagate": False}},
}
