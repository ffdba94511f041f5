"""A shop of one page, whose headers and tags a test chooses by the query. See `shop.py`."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403 - the suite's settings, in a process of its own
from tests.settings import HENRY_CHECKOUT as _HENRY
from tests.settings import MIDDLEWARE as _MIDDLEWARE

DEBUG = True  # the development server then serves the static files
ROOT_URLCONF = "tests.browser.bridge.shop"
MIDDLEWARE = [
    *_MIDDLEWARE,
    "django.middleware.locale.LocaleMiddleware",  # a browser says its language
    "tests.browser.bridge.shop.headers_of_the_query",
]
SESSION_COOKIE_NAME = "bridge"
HENRY_CHECKOUT = {
    **_HENRY,
    "API_VERSION": os.environ.get("HENRY_API_VERSION", "v1"),
    "FRAME_ANCESTORS": os.environ["FRAME_ANCESTORS"].split(),
    "FRAME_SOURCES": os.environ.get("FRAME_SOURCES", "").split(),
    "FRAME_SLOW_AFTER": 1.5,
    "FRAME_TIMEOUT": 4,
    "CARD_ELEMENT": {"url": f"{os.environ['SANDBOX_URL']}/elements/card"},
    "API_THROTTLES": {"checkout": "10000/min", "network": "10000/min"},
}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
}  # each look at a page is fresh
SECURE_CROSS_ORIGIN_OPENER_POLICY = None  # the query says it
