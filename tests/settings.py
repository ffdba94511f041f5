"""Settings of the suite. `DATABASE_URL` chooses PostgreSQL; without it SQLite in a file is used.

A file, because the tests start workers as processes of their own that must see the same rows.
"""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import django

SECRET_KEY = "only-for-tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "tests.urls"
DEFAULT_AUTO_FIELD = os.environ.get("TEST_DEFAULT_AUTO_FIELD", "django.db.models.BigAutoField")
STATIC_URL = "static/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_henry_checkout",
    "example_project.shop",
    "tests.receivers",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "example_project.shop.context.cart_count",
            ]
        },
    }
]


def _database() -> dict[str, object]:
    url = os.environ.get("DATABASE_URL", "")
    if url:
        parts = urlsplit(url)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
        }
    folder = Path(os.environ.get("TEST_SQLITE_FOLDER") or tempfile.gettempdir())
    name = str(folder / f"henry-checkout-tests-{os.getpid()}.sqlite3")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("TEST_SQLITE_NAME", name),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL",
        },
        "TEST": {"NAME": name},
    }


DATABASES = {"default": _database()}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Named here because workers are processes of their own, which no test runner sets up.
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
else:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

METRICS_TOKEN = ""
SHOP_URL = "http://shop.test"
LOGIN_URL = "login"

SANDBOX_URL = os.environ.get("SANDBOX_URL", "http://127.0.0.1:9")
HENRY_CHECKOUT = {
    "API_KEY": "sandbox-key",
    "BASE_URL": SANDBOX_URL,
    "CHECKOUT_ORIGINS": [SANDBOX_URL],
    "TOTAL_TIMEOUT": float(os.environ.get("TEST_LEASE_SECONDS", "45")) / 3,
    "POLL_LEASE": timedelta(seconds=float(os.environ.get("TEST_LEASE_SECONDS", "45"))),
    "DELIVERY_LEASE": timedelta(seconds=float(os.environ.get("TEST_LEASE_SECONDS", "300"))),
}
