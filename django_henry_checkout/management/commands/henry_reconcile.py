from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from django_henry_checkout.exceptions import ConfigurationError, GatewayError
from django_henry_checkout.flows.polling.reconcile import ReconcileReport, reconcile
from django_henry_checkout.management.progress import bar, interruptible, moment

MOST_NAMED = 50


class Command(BaseCommand):
    help = "Compares purchases with Henry's order list, newest first; with --mend writes what Henry says."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", default="default")
        parser.add_argument(
            "--since", type=moment, default="7d", help="How far back: 12h, 7d (default), a time."
        )
        parser.add_argument(
            "--until", type=moment, help="Where to begin: now, or where an earlier run stopped."
        )
        parser.add_argument("--mend", action="store_true", help="Take over what Henry says where it differs.")

    def handle(
        self, *args: Any, account: str, since: datetime, until: datetime | None, mend: bool, **options: Any
    ) -> None:
        report = ReconcileReport(reached=until or timezone.now())
        reports = reconcile(account, since=since, until=report.reached, mend=mend)
        try:
            with interruptible() as stop, bar(desc="reconcile", unit=" questions") as progress:
                for report in reports:
                    progress.update()
                    progress.set_postfix(reached=f"{report.reached:%Y-%m-%d %H:%M}", differ=report.differed)
                    if stop:
                        break
        except (GatewayError, ConfigurationError) as error:
            self._tell(report)
            raise CommandError(f"{error} Go on with --until {report.reached.isoformat()}") from error
        self._tell(report)
        if stop:
            raise CommandError(f"Stopped. Go on with --until {report.reached.isoformat()}", returncode=130)
        if not report.is_clean:
            raise CommandError("Something is left to look at; see above.")

    def _tell(self, report: ReconcileReport) -> None:
        self.stdout.write(
            f"{report.agreed} agree, {report.differed} differed, {report.mended} of them mended; "
            f"{report.found} found that had no refId; {report.failed} could not be read; "
            f"{report.asked} questions asked."
        )
        self._name("At Henry, but not here", report.unknown)
        self._name("Here, but not at Henry", report.missing)

    def _name(self, what: str, refs: set[str]) -> None:
        if refs:
            shown = sorted(refs)[:MOST_NAMED]
            more = f" and {len(refs) - len(shown)} more" if len(refs) > len(shown) else ""
            self.stdout.write(f"{what}: {', '.join(shown)}{more}")
