"""What the settings of the peer projects share: as those of the app's own side, in `tests.settings`."""

from __future__ import annotations

from tests.settings import (  # noqa: F401 - for those who import this
    ALLOWED_HOSTS,
    DATABASES,
    MIDDLEWARE,
    PASSWORD_HASHERS,
    SECRET_KEY,
    TEMPLATES,
)

DEBUG = False
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


class NoMigrations:
    """Says of each app that it has no migrations, so that tables are made from the models."""

    def __contains__(self, label: str) -> bool:
        return True

    def __getitem__(self, label: str) -> None:
        return None


MIGRATION_MODULES = NoMigrations()
