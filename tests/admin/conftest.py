"""Orders in every kind of trouble, made through the flows and the sandbox."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client


@pytest.fixture(autouse=True)
def _polls(polls_at_once: None) -> None:
    """Everything is due at once."""


@pytest.fixture
def staff(db: None) -> Client:
    """A superuser's browser."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("grace"))
    return client


@pytest.fixture
def person(db: None) -> Callable[..., Client]:
    """A browser of somebody who may look at everything, and has the permissions that are named."""

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
