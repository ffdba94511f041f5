"""dj-stripe as its manual sets it up, with signatures verified."""

from __future__ import annotations

from benchmarks.peers.plain_settings import *  # noqa: F403 - all of them: what every peer is measured with

ROOT_URLCONF = "benchmarks.peers.stripe_urls"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "djstripe",
]
STRIPE_LIVE_MODE = False
STRIPE_TEST_SECRET_KEY = "sk_test_" + "0" * 24
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
