"""A small shop that tests its receivers with the plugin, in a separate pytest run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

SHOP = {
    "shop_settings.py": """
        SECRET_KEY = "only-for-tests"
        USE_TZ = True
        ROOT_URLCONF = "shop_urls"
        SECURE_SSL_REDIRECT = True
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
        INSTALLED_APPS = [
            "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
            "django_henry_checkout", "points",
        ]
        MIDDLEWARE = [
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ]
        DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
        # As in production: no test may call it.
        HENRY_CHECKOUT = {"API_KEY": "production", "BASE_URL": "https://api.example"}
    """,
    "shop_urls.py": """
        from django.urls import include, path

        urlpatterns = [path("pay/henry/", include("django_henry_checkout.urls"))]
    """,
    "points/__init__.py": "",
    "points/apps.py": """
        from django.apps import AppConfig


        class PointsConfig(AppConfig):
            name = "points"

            def ready(self):
                from points import receivers
    """,
    "points/models.py": """
        from django.db import models


        class Points(models.Model):
            event_id = models.CharField(max_length=26, unique=True)
            points = models.IntegerField()
    """,
    "points/receivers.py": """
        from django.dispatch import receiver

        from django_henry_checkout.signals import purchase_completed, purchase_partially_completed
        from points.models import Points


        @receiver([purchase_completed, purchase_partially_completed])
        def give_points(*, order, event_id, **kwargs):
            bought = order.lines.filter(status="bought").count()
            Points.objects.create(event_id=event_id, points=10 * bought)
    """,
    "conftest.py": """
        pytest_plugins = ["django_henry_checkout.testing.plugin"]
    """,
    "test_points.py": """
        import pytest

        from django_henry_checkout.models import Purchase
        from points.models import Points

        pytestmark = pytest.mark.django_db


        @pytest.mark.parametrize(
            ("outcome", "points"), [("complete", [20]), ("partially_complete", [10]), ("failed", [])]
        )
        def test_points(build_paid_order, outcome, points):
            build_paid_order(outcome=outcome)
            assert list(Points.objects.values_list("points", flat=True)) == points


        def test_points_by_webhook(henry_sandbox, henry_webhook, build_paid_order, drain):
            order = build_paid_order(drained=False)
            ref = henry_sandbox.orders()[0]["refId"]
            assert henry_webhook(ref, signature="wrong") == 401
            assert henry_webhook(ref) == henry_webhook(ref) == 202
            drain()
            order.refresh_from_db()
            assert (order.status, Points.objects.count()) == ("completed", 1)


        def test_points_in_a_race(race, build_paid_order, drain):
            build_paid_order(drained=False)
            with race(
                "django_henry_checkout.flows.polling.poller.apply_observation", before=drain
            ) as running:
                drain()
            assert running.result.open == ()
            assert Points.objects.count() == 1


        def test_that_fails(build_paid_order):
            build_paid_order(outcome="awaiting_merchant")
    """,
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, content in SHOP.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(dedent(content))
    return tmp_path


def run(shop: Path, *arguments: str) -> str:
    own = ("PYTEST_", "DJANGO_SETTINGS_MODULE", "COV_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    pytest_alone = ["-m", "pytest", "--ds=shop_settings", "--nomigrations", "-W", "error"]
    command = [sys.executable, *pytest_alone, "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--rootdir", str(shop), *arguments],
        cwd=shop,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(shop), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_shop_tests_its_receivers_with_the_plugin(shop: Path) -> None:
    output = run(shop)
    assert "1 failed, 5 passed" in output, output
    assert "NotDrainedError: The limit was reached" in output or "Nothing changes any more" in output
    assert "Henry says awaiting_merchant" in output


def test_the_plugin_is_not_loaded_automatically(shop: Path) -> None:
    (shop / "conftest.py").unlink()
    output = run(shop, "-k", "test_that_fails")
    assert "fixture 'build_paid_order' not found" in output, output


def test_the_plugin_may_be_loaded_before_django_is_set_up(shop: Path) -> None:
    (shop / "conftest.py").unlink()
    output = run(shop, "-p", "django_henry_checkout.testing.plugin", "-k", "test_points_by_webhook")
    assert "1 passed" in output, output
