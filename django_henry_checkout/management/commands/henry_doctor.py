from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand

from django_henry_checkout.doctor import Finding, Level, run_checks

#: Version of the JSON format; incremented when a key is renamed or removed.
FORMAT = 1
FAIL_LEVELS = (Level.ERROR, Level.WARNING, Level.NOTE)


class Command(BaseCommand):
    help = "Checks this deployment and lists each problem found, why it matters, and how to fix it."
    requires_system_checks = []  # the doctor runs and lists them itself

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="Print JSON; docs/reference/doctor.md describes it."
        )
        parser.add_argument(
            "--url",
            type=_page_url,
            help="URL of a page with the checkout, as shoppers open it; also checks the shop through its proxies.",
        )
        parser.add_argument(
            "--fail-level",
            default=Level.WARNING.value,
            choices=[level.value for level in FAIL_LEVELS],
            help="Exit with code 1 from this level on (default: warning).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        all_findings = run_checks(url=options["url"] or "")
        findings = [finding for finding in all_findings if finding.level != Level.SKIPPED]
        skipped = [finding for finding in all_findings if finding.level == Level.SKIPPED]
        failing = FAIL_LEVELS[: FAIL_LEVELS.index(Level(options["fail_level"])) + 1]
        is_ok = not any(finding.level in failing for finding in findings)
        if options["json"]:
            self._write_json(findings, skipped, is_ok=is_ok)
        else:
            self._write_text(findings, skipped)
        if not is_ok:
            sys.exit(1)

    def _write_json(self, findings: Sequence[Finding], skipped: Sequence[Finding], *, is_ok: bool) -> None:
        content = {
            "format": FORMAT,
            "ok": is_ok,
            "counts": _counts([*findings, *skipped]),
            "findings": [finding.as_dict() for finding in findings],
            "skipped": [finding.as_dict() for finding in skipped],
        }
        self.stdout.write(json.dumps(content, indent=2))

    def _write_text(self, findings: Sequence[Finding], skipped: Sequence[Finding]) -> None:
        styles = {Level.ERROR: self.style.ERROR, Level.WARNING: self.style.WARNING}
        for finding in [*findings, *skipped]:
            self.stdout.write(
                styles.get(finding.level, self.style.NOTICE)(f"{finding.level.upper()} {finding.name}")
            )
            for label in ("found", "why", "fix"):
                self.stdout.write(f"  {label + ':':<6} {getattr(finding, label)}")
            self.stdout.write("")
        counts = _counts([*findings, *skipped])
        self.stdout.write(
            f"Errors: {counts['error']}, warnings: {counts['warning']}, notes: {counts['note']}; "
            f"could not be checked: {counts['skipped']}."
        )


def _page_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ArgumentTypeError("enter the full URL of a page, such as https://shop.example/cart/")
    return text


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    counts = Counter(finding.level for finding in findings)
    return {level.value: counts[level] for level in Level}
