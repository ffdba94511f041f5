from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from django_henry_checkout.exceptions import ConfigurationError, GatewayError
from django_henry_checkout.flows.polling.reconcile import ReconcileReport, reconcile
from django_henry_checkout.management.progress import interruptible, parse_time, progress_bar

MAX_LISTED = 50


class Command(BaseCommand):
    help = "Compares purchases with Henry's order list, newest first; with --fix applies Henry's state."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", default="default")
        parser.add_argument(
            "--since", type=parse_time, default="7d", help="How far back: 12h, 7d (default), or a time."
        )
        parser.add_argument(
            "--until", type=parse_time, help="Where to start: now, or where an earlier run stopped."
        )
        parser.add_argument("--fix", action="store_true", help="Apply Henry's state where it differs.")

    def handle(
        self, *args: Any, account: str, since: datetime, until: datetime | None, fix: bool, **options: Any
    ) -> None:
        report = ReconcileReport(reached=until or timezone.now())
        reports = reconcile(account, since=since, until=report.reached, fix=fix)
        try:
            with interruptible() as stop, progress_bar(desc="reconcile", unit=" calls") as progress:
                for report in reports:
                    progress.update()
                    progress.set_postfix(reached=f"{report.reached:%Y-%m-%d %H:%M}", differ=report.differed)
                    if stop:
                        break
        except (GatewayError, ConfigurationError) as error:
            self._print(report)
            raise CommandError(f"{error} Continue with --until {report.reached.isoformat()}") from error
        self._print(report)
        if stop:
            raise CommandError(f"Stopped. Continue with --until {report.reached.isoformat()}", returncode=130)
        if not report.is_clean:
            raise CommandError("Some purchases need review; see above.")

    def _print(self, report: ReconcileReport) -> None:
        self.stdout.write(
            f"{report.agreed} agree, {report.differed} differed, {report.fixed} of them fixed; "
            f"{report.found} without a refId were found; {report.failed} could not be read; "
            f"{report.calls} calls to Henry."
        )
        self._print_refs("At Henry, but not here", report.unknown)
        self._print_refs("Here, but not at Henry", report.missing)

    def _print_refs(self, what: str, refs: set[str]) -> None:
        if refs:
            shown = sorted(refs)[:MAX_LISTED]
            more = f" and {len(refs) - len(shown)} more" if len(refs) > len(shown) else ""
            self.stdout.write(f"{what}: {', '.join(shown)}{more}")
