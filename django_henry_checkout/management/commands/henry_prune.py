from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from django_henry_checkout.flows.operations.prune import KINDS, prune_kind
from django_henry_checkout.management.progress import StopRequest, interruptible, progress_bar


class Command(BaseCommand):
    help = "Deletes rows that are older than RETENTION. Orders, amounts and events are kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only", nargs="+", choices=sorted(KINDS), help="Kinds of rows to prune (default: all)."
        )

    def handle(self, *args: Any, only: list[str] | None, **options: Any) -> None:
        with interruptible() as stop:
            for name in only or KINDS:
                deleted = self._prune(name, stop)
                self.stdout.write(f"{name}: {deleted}")
        if stop:
            self.stdout.write("Stopped. The next run deletes the rest.")

    def _prune(self, name: str, stop: StopRequest) -> int:
        deleted = 0
        with progress_bar(desc=name, unit=" rows") as progress:
            while not stop and (batch := prune_kind(name)):
                deleted += batch
                progress.update(batch)
        return deleted
