"""Browsers of staff, and purchases that are due at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client


@pytest.fixture(autouse=True)
def _polls(polls_at_once: None) -> None:
    """Make each purchase due again at once."""


@pytest.fixture
def staff(db: None) -> Client:
    """Return a superuser's client."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("grace"))
    return client


@pytest.fixture
def person(db: None) -> Callable[..., Client]:
    """Return a factory of clients of users with all view permissions and those that are named."""

    def make(*permissions: str) -> Client:
        user = get_user_model().objects.create_user(f"with {len(permissions)} {permissions}", is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(codename__in=permissions)
            | Permission.objects.filter(
                content_type__app_label="henry_checkout", codename__startswith="view_"
            )
        )
        client = Client()
        client.force_login(user)
        return client

    return make
