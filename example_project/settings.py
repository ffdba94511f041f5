"""Settings of the example shop. Everything that differs between machines is read from the environment."""

from __future__ import annotations

from os import environ
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django

from example_project import policy

ROOT = Path(__file__).resolve().parent.parent

DEBUG = environ.get("DEBUG", "1") == "1"
SECRET_KEY = environ.get("SECRET_KEY", "demo-key-replace-me-outside-of-the-demo")
ALLOWED_HOSTS = environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")
#: Where the shop is reached: for links in mails, which no request can tell.
SHOP_URL = environ.get("SHOP_URL", f"http://127.0.0.1:{environ.get('WEB_PORT', '8000')}")

INSTALLED_APPS = [
    "example_project.shop",  # before the app, so that its templates can override the app's
    "django_henry_checkout",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    policy.POLICY_MIDDLEWARE,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
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

# Henry ----------------------------------------------------------------------------------
# The defaults fit the sandbox (`make demo`); for the real thing set HENRY_API_KEY, HENRY_BASE_URL and
# HENRY_CHECKOUT_ORIGINS.

HENRY_BASE_URL = environ.get("HENRY_BASE_URL", "http://127.0.0.1:8001")
HENRY_CHECKOUT_ORIGINS = environ.get("HENRY_CHECKOUT_ORIGINS", HENRY_BASE_URL).split(",")
#: Whoever shows it at /metrics sees how the checkouts stand, as Prometheus does; "" takes the page away.
METRICS_TOKEN = environ.get("METRICS_TOKEN", "")
CELERY_BROKER_URL = environ.get("CELERY_BROKER_URL", "")
HENRY_CHECKOUT = {
    "API_KEY": environ.get("HENRY_API_KEY", "sandbox-key"),
    "API_VERSION": environ.get("HENRY_API_VERSION", "v1"),
    "BASE_URL": HENRY_BASE_URL,
    "CHECKOUT_ORIGINS": HENRY_CHECKOUT_ORIGINS,
    "CARD_ELEMENT": {"url": f"{HENRY_BASE_URL}/elements/card"},
    # A storefront on another origin that shows this checkout in its page: see `elsewhere/`.
    "FRAME_ANCESTORS": [environ.get("ELSEWHERE_ORIGIN", "http://localhost:8002")],
    "RETURN_URLS": {"completed": "shop:order", "canceled": "shop:cart"},
    # Where Henry calls: henry/webhooks/default/<key>. Without a secret nothing is believed that comes there.
    "WEBHOOK_KEY": environ.get("HENRY_WEBHOOK_KEY", ""),
    "WEBHOOK_SECRETS": [secret for secret in environ.get("HENRY_WEBHOOK_SECRETS", "").split(",") if secret],
    "WEBHOOK_UUID": environ.get("HENRY_WEBHOOK_UUID", ""),
    "CELERY_WAKEUP": bool(CELERY_BROKER_URL),
}

SECURE_CSP = policy.strict_policy([HENRY_BASE_URL, *HENRY_CHECKOUT_ORIGINS])

# Database -------------------------------------------------------------------------------


def database_of(url: str) -> dict[str, Any]:
    """Read `sqlite:///file` or `postgres://user:password@host:port/name`."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path.removeprefix("/")),
            # The web server and the worker write at the same time: see "SQLite in production" in Django's docs.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


DEMO_FOLDER = Path(environ.get("DEMO_FOLDER", ROOT / ".demo"))
DEMO_FOLDER.mkdir(parents=True, exist_ok=True)
DATABASES = {"default": database_of(environ.get("DATABASE_URL") or f"sqlite:///{DEMO_FOLDER}/shop.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Celery -----------------------------------------------------------------------------------
# Only with CELERY_BROKER_URL; without it `henry_worker` does the same work. See docs/howto/celery.md for the reasons.

CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 45
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_connect_timeout": 1,
    "socket_timeout": 2,
    "max_retries": 0,
}

# The rest -------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = DEMO_FOLDER / "static"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "shop:orders"
LOGOUT_REDIRECT_URL = "shop:catalogue"

CONSOLE = "django.core.mail.backends.console.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": CONSOLE}}
else:
    EMAIL_BACKEND = CONSOLE
DEFAULT_FROM_EMAIL = "Marlow & Wren <hello@marlow-and-wren.example>"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"django_henry_checkout": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}
