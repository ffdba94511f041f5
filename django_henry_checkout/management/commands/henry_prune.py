from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from django_henry_checkout.flows.operations.prune import KINDS, prune_kind
from django_henry_checkout.management.progress import Stop, bar, interruptible


class Command(BaseCommand):
    help = "Deletes what has done its work, by RETENTION. Orders, money and events are never touched."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", nargs="+", choices=sorted(KINDS), help="Prune these kinds; else all.")

    def handle(self, *args: Any, only: list[str] | None, **options: Any) -> None:
        with interruptible() as stop:
            for name in only or KINDS:
                deleted = self._prune(name, stop)
                self.stdout.write(f"{name}: {deleted}")
        if stop:
            self.stdout.write("Stopped; what is left is there for the next time.")

    def _prune(self, name: str, stop: Stop) -> int:
        deleted = 0
        with bar(desc=name, unit=" rows") as progress:
            while not stop and (batch := prune_kind(name)):
                deleted += batch
                progress.update(batch)
        return deleted
