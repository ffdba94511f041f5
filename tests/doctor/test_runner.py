"""`manage.py henry_doctor` as a whole: its output, its exit code, its secrecy and its page in the docs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from django_henry_checkout.doctor import CHECKS, Finding, Level, run_checks, runner
from django_henry_checkout.doctor.redact import redact_secrets
from django_henry_checkout.flows.queue import heartbeat
from django_henry_checkout.flows.queue.heartbeat import record_heartbeat
from django_henry_checkout.testing.sandbox import Sandbox
from scripts import write_doctor
from tests.doctor import middleware as doctor_middleware
from tests.doctor.projects import sending, use
from tests.support.shop import ROOT, shop_settings

pytestmark = pytest.mark.django_db(transaction=True)

CANARIES = {
    "API_KEY": "canary-key-1234567890",
    "WEBHOOK_SECRETS": [
        "canary-webhook-1234567890",
        {"secret": "canary-old-1234567890", "not_after": "2020-01-01T00:00:00Z"},
    ],
    "WEBHOOK_KEY": "canary-endpoint-1234567890",
    "RECEIPT_SECRET": "canary-receipt-1234567890",
}  # fmt: skip


@pytest.fixture
def well(sandbox: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shop in development, with a sandbox and a worker, that has no problems."""
    developing = {
        "DEBUG": True, "ALLOWED_HOSTS": ["shop.example"], "SECURE_PROXY_SSL_HEADER": None,
        "HENRY_CHECKOUT": settings.HENRY_CHECKOUT,
    }  # fmt: skip
    use(settings, developing)
    monkeypatch.setattr(heartbeat, "_next_at", {})
    record_heartbeat("worker")


def run(*arguments: str) -> tuple[int, str]:
    """Run the command; return its exit code and its output."""
    output = StringIO()
    try:
        call_command("henry_doctor", *arguments, stdout=output, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), output.getvalue()
    return 0, output.getvalue()


def test_a_shop_without_problems_has_no_findings(well: None) -> None:
    assert run_checks() == []
    assert run() == (0, "Errors: 0, warnings: 0, notes: 0; could not be checked: 0.\n")
    code, output = run("--json")
    assert code == 0
    assert json.loads(output) == {
        "format": 1,
        "ok": True,
        "counts": {"error": 0, "warning": 0, "note": 0, "skipped": 0},
        "findings": [],
        "skipped": [],
    }


def test_each_finding_is_a_block_and_the_most_severe_is_first(well: None, settings: Any) -> None:
    settings.CSRF_COOKIE_SAMESITE = "Strict"
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    code, output = run()
    assert code == 1
    first, second, counts = output.split("\n\n")
    assert first.startswith(
        'ERROR session_samesite\n  found: SESSION_COOKIE_SAMESITE is "Strict".\n  why:   The browser'
    )
    assert first.endswith('  fix:   Set SESSION_COOKIE_SAMESITE = "Lax", which is Django\'s default.')
    assert second.startswith("WARNING csrf_samesite\n")
    assert counts == "Errors: 1, warnings: 1, notes: 0; could not be checked: 0.\n"


def test_json_contains_the_same(well: None, settings: Any) -> None:
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    kept = {name: getattr(settings, name) for name in ("HENRY_CHECKOUT", "DEBUG")}
    use(settings, {**sending("responds"), **kept, "SECURE_PROXY_SSL_HEADER": None})
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    code, output = run("--json")
    shown = json.loads(output)
    assert (code, shown["ok"], shown["format"]) == (1, False, 1)
    assert shown["counts"] == {"error": 1, "warning": 0, "note": 0, "skipped": 1}
    assert [set(each) for each in shown["findings"]] == [{"name", "level", "found", "why", "fix"}]
    assert [(each["name"], each["level"]) for each in shown["findings"]] == [("session_samesite", "error")]
    assert [(each["name"], each["level"]) for each in shown["skipped"]] == [
        ("middleware_responds", "skipped")
    ]
    assert [each.as_dict() for each in run_checks()] == [*shown["findings"], *shown["skipped"]]


LEVELS = (Level.ERROR, Level.WARNING, Level.NOTE, Level.SKIPPED)


@pytest.mark.parametrize("arguments", [(), ("--json",)])
@pytest.mark.parametrize(
    ("fail_level", "failing"),
    [(None, LEVELS[:2]), ("error", LEVELS[:1]), ("warning", LEVELS[:2]), ("note", LEVELS[:3])],
)
@pytest.mark.parametrize("level", LEVELS)
def test_the_exit_code_follows_the_fail_level(
    monkeypatch: pytest.MonkeyPatch,
    level: Level,
    fail_level: str | None,
    failing: Any,
    arguments: tuple[str, ...],
) -> None:
    found = [Finding(name="x", level=level, found="f", why="w", fix="x")]
    monkeypatch.setattr(
        "django_henry_checkout.management.commands.henry_doctor.run_checks", lambda **how: found
    )
    more = ("--fail-level", fail_level) if fail_level else ()
    assert run(*more, *arguments)[0] == (1 if level in failing else 0)


def test_an_unknown_fail_level_is_rejected() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "django", "henry_doctor", "--fail-level", "loud"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "invalid choice" in done.stderr


def test_system_checks_are_included_with_their_ids(well: None, settings: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "POLL_JITTER": 7, "API_KEYS": "typo"}
    found = {finding.name: finding for finding in run_checks()}
    assert {name: finding.level for name, finding in found.items()} == {"E008": "error", "W001": "warning"}
    assert "POLL_JITTER" in found["E008"].found
    assert "Use a number from" in found["E008"].fix
    settings.SILENCED_SYSTEM_CHECKS = ["henry_checkout.E008"]
    assert [finding.name for finding in run_checks()] == ["W001"]


def test_a_missing_setting_is_one_finding(well: None, settings: Any) -> None:
    settings.HENRY_CHECKOUT = None
    assert [finding.name for finding in run_checks()] == ["E001"]


def test_a_finding_can_be_silenced(well: None, settings: Any) -> None:
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    settings.SILENCED_SYSTEM_CHECKS = ["henry_doctor.session_samesite"]
    assert run() == (0, "Errors: 0, warnings: 0, notes: 0; could not be checked: 0.\n")


# Probes that fail ------------------------------------------------------------------------


def names() -> list[str]:
    return sorted(finding.name for finding in run_checks())


def add_middleware(settings: Any, *middleware: str) -> None:
    settings.MIDDLEWARE = [
        *(f"tests.doctor.middleware.{name}" for name in middleware),
        *settings.MIDDLEWARE,
    ]


def test_a_probe_that_fails_is_reported_and_the_others_run(well: None, settings: Any, caplog: Any) -> None:
    add_middleware(settings, "crashes")
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    found = run_checks()
    failed = [finding.found for finding in found if finding.name == "check_failed"]
    assert "The check `probe_opener_policy` failed with RuntimeError." in failed
    assert "session_samesite" in {finding.name for finding in found}
    assert "canary-secret" not in repr(found)
    assert "probe_opener_policy" in caplog.text


@pytest.fixture
def released() -> Iterator[None]:
    doctor_middleware.released.clear()
    yield
    doctor_middleware.released.set()


def test_a_probe_that_hangs_is_abandoned(
    well: None, settings: Any, monkeypatch: pytest.MonkeyPatch, released: None
) -> None:
    monkeypatch.setattr(runner, "PROBE_TIMEOUT", 0.5)
    add_middleware(settings, "hangs")
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    began = time.monotonic()
    found = run_checks()
    assert time.monotonic() - began < 10
    slow = [finding for finding in found if finding.name == "check_timed_out"]
    assert len(slow) == 4
    assert "`probe_opener_policy` did not end" in slow[0].found
    assert "session_samesite" in {finding.name for finding in found}


def run_in_process(**more: str) -> dict[str, Any]:
    """Run the command as a separate process, on another database; return its JSON."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT), **more}
    done = subprocess.run(
        [sys.executable, "-m", "django", "henry_doctor", "--json"],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=90,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "canary" not in done.stdout + done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def found_in_process(**more: str) -> dict[str, str]:
    shown = run_in_process(**more)
    return {each["name"]: each["found"] for each in [*shown["findings"], *shown["skipped"]]}


def test_an_unreachable_database_is_one_finding() -> None:
    found = found_in_process(DATABASE_URL="postgres://shop:canary@127.0.0.1:9/shop")
    assert "OperationalError" in found["database_unreachable"]
    assert "database_checks_skipped" in found
    assert "any_host" in found
    assert not {"check_failed", "migrations", "no_worker"} & set(found)


def test_unapplied_migrations_are_reported(tmp_path: Path) -> None:
    found = found_in_process(DATABASE_URL="", TEST_SQLITE_NAME=str(tmp_path / "empty.sqlite3"))
    assert "henry_checkout.0001_initial" in found["migrations"]
    assert "database_checks_skipped" in found
    assert not {"check_failed", "database_unreachable", "no_worker"} & set(found)


def test_the_rows_of_a_database_that_hangs_are_not_checked(
    well: None, monkeypatch: pytest.MonkeyPatch, released: None
) -> None:
    def hangs() -> Iterator[Finding]:
        doctor_middleware.released.wait(30)
        yield from ()

    monkeypatch.setattr(runner, "PROBE_TIMEOUT", 0.5)
    monkeypatch.setattr(runner.database, "CONNECTION_PROBES", (hangs,))
    assert names() == ["check_timed_out", "database_checks_skipped"]


# Secrets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"BASE_URL": "https://user:canary-password@127.0.0.1:9/v1"},
        {"BASE_URL": "not an address"},
        {"CHECKOUT_ORIGINS": [f"https://{CANARIES['API_KEY']}@pay.example"]},  # E005 quotes the origin
        {"BASE_URL": "http://127.0.0.1:9/v0", "API_VERSION": "v0"},
        {"WEBHOOK_SECRETS": "canary-text-1234567890"},
        {"API_KEY": "canary\nkey"},
        {
            "ACCOUNTS": {"default": {}, "uk": {"API_KEY": "canary-uk-key-1234567890"}},
            "API_KEY": "canary-shared-1234",
        },
    ],
)
def test_no_secret_is_printed(sandbox: Sandbox, settings: Any, changes: dict[str, Any]) -> None:
    settings.SECRET_KEY = "canary-django-1234567890"
    settings.HENRY_CHECKOUT = {**shop_settings(sandbox, **CANARIES), **changes}
    for arguments in ((), ("--json",)):
        code, output = run(*arguments)
        assert code == 1
        assert "canary" not in output


def test_secrets_are_redacted_anywhere_in_a_text(settings: Any) -> None:
    settings.SECRET_KEY = "canary-django-1234567890"
    settings.HENRY_CHECKOUT = CANARIES
    every = [settings.SECRET_KEY, CANARIES["API_KEY"], "canary-old-1234567890", "canary-webhook-1234567890"]
    every += [CANARIES["WEBHOOK_KEY"], CANARIES["RECEIPT_SECRET"]]
    assert redact_secrets(f"a {' b '.join(map(str, every))} c") == f"a {' b '.join(['***'] * len(every))} c"


# The page -------------------------------------------------------------------------------


def test_the_page_contains_the_table_of_checks() -> None:
    page = write_doctor.PAGE.read_text(encoding="utf-8")
    assert page == write_doctor.page_with(write_doctor.table()), "Run `python scripts/write_doctor.py`."


def test_the_page_shows_what_the_command_prints(well: None) -> None:
    page = write_doctor.PAGE.read_text(encoding="utf-8")
    (shown,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    documented, (_code, output) = json.loads(shown), run("--json")
    real = json.loads(output)
    assert set(documented) == set(real)
    assert documented["format"] == real["format"]
    assert set(documented["counts"]) == set(real["counts"])
    for each in [*documented["findings"], *documented["skipped"]]:
        assert set(each) == {"name", "level", "found", "why", "fix"}
        assert (each["name"], each["level"]) in {(check.name, check.level) for check in CHECKS}


def test_names_are_unique_and_each_check_is_tested() -> None:
    named = [check.name for check in CHECKS]
    assert len(named) == len(set(named)) > 50
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in named if not re.search(rf'["\' ]{name}["\':]', tests)] == []
