"""With invalid settings the app still starts, so that `manage.py check` can report them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.shop import ROOT

WITHOUT_CELERY = "import sys; sys.modules['celery'] = None\n"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("HENRY_CHECKOUT = None", "E001"),
        ("HENRY_CHECKOUT = {}", "E002"),
        ("HENRY_CHECKOUT = {'API_KEY': 'k', 'WEBHOOK_SECRETS': 'text'}", "E014"),
        (f"{WITHOUT_CELERY}HENRY_CHECKOUT = {{'API_KEY': 'k', 'CELERY_WAKEUP': True}}", "E013"),
    ],
)
def test_the_checks_report_invalid_settings(tmp_path: Path, written: str, found: str) -> None:
    (tmp_path / "broken.py").write_text(f"from tests.settings import *\n{written}\n")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        "DJANGO_SETTINGS_MODULE": "broken",
    }
    check = subprocess.run(
        [sys.executable, "-m", "django", "check"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert check.returncode == 1, check.stderr
    assert f"henry_checkout.{found}" in check.stderr
    assert "Traceback" not in check.stderr
