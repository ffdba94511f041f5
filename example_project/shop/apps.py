from __future__ import annotations

from django.apps import AppConfig

from django_henry_checkout.signals import purchase_completed, purchase_partially_completed


class ShopConfig(AppConfig):
    name = "example_project.shop"
    label = "shop"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # In each process: the web server records which receivers must run, the worker runs them.
        from example_project.shop.receivers import send_receipt  # noqa: PLC0415 - needs the models

        purchase_completed.connect(send_receipt)
        purchase_partially_completed.connect(send_receipt)
