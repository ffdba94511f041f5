from __future__ import annotations

from contextlib import suppress

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HenryCheckoutConfig(AppConfig):
    name = "django_henry_checkout"
    label = "henry_checkout"
    verbose_name = _("Henry checkout")
    # Pinned: a project's DEFAULT_AUTO_FIELD must not change the schema of a released migration.
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_henry_checkout import checks  # noqa: F401 - registers them
        from django_henry_checkout.conf import app_settings
        from django_henry_checkout.exceptions import ConfigurationError
        from django_henry_checkout.flows.queue.wakeup import subscribe

        # System checks, which run after this, report invalid settings.
        with suppress(ConfigurationError, ModuleNotFoundError):
            if app_settings.CELERY_WAKEUP:
                from django_henry_checkout.tasks import enqueue_task

                subscribe(enqueue_task)
