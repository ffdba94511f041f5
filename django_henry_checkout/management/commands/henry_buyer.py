from __future__ import annotations

import getpass
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_henry_checkout.flows.operations.privacy import (
    BATCH_SIZE,
    ENCRYPTED_COLUMNS,
    erase_buyer,
    export_buyer,
    find_orders_by_email,
    reencrypt_batch,
)
from django_henry_checkout.management.progress import interruptible, progress_bar
from django_henry_checkout.types import staff_source


class Command(BaseCommand):
    help = "Exports or erases a buyer's personal data, or re-encrypts all personal data with the newest key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        export = actions.add_parser("export", help="Write all stored data of a buyer as JSON.")
        export.add_argument("email")
        export.add_argument(
            "--output",
            type=Path,
            help="File to write instead of standard output; readable by its owner only.",
        )
        erase = actions.add_parser(
            "erase", help="Erase a buyer's personal data. Orders, amounts and events are kept."
        )
        erase.add_argument("email")
        erase.add_argument("--yes", action="store_true", help="Do not ask for confirmation.")
        actions.add_parser(
            "reencrypt", help="Re-encrypt all personal data with the first of ENCRYPTION_KEYS."
        )

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        {"export": self._export, "erase": self._erase, "reencrypt": self._reencrypt}[action](options)

    def _export(self, options: dict[str, Any]) -> None:
        text = json.dumps(export_buyer(options["email"]), indent=2, ensure_ascii=False)
        output: Path | None = options["output"]
        if output is None:
            self.stdout.write(text)
            return
        output.touch(mode=0o600)
        output.write_text(text + "\n", encoding="utf-8")
        self.stdout.write(f"Written to {output}.")

    def _erase(self, options: dict[str, Any]) -> None:
        email = options["email"]
        count = find_orders_by_email(email).count()
        question = f"Permanently erase the buyer's personal data from {count} orders? [y/N] "
        if not options["yes"] and input(question).lower() != "y":
            raise CommandError("Nothing was changed.")
        erased = erase_buyer(email, by=staff_source(getpass.getuser()))
        self.stdout.write(
            f"Erased from {erased.orders} orders, {erased.customer_sessions} customer sessions, "
            f"{erased.webhooks} webhooks and {erased.answers} stored API responses."
        )

    def _reencrypt(self, options: dict[str, Any]) -> None:
        with interruptible() as stop:
            for model in ENCRYPTED_COLUMNS:
                name = str(model._meta.verbose_name_plural)  # noqa: SLF001 - Django's public name for it
                with progress_bar(desc=name, unit=" rows") as progress:
                    last = 0
                    while not stop and (last := reencrypt_batch(model, last)):
                        progress.update(BATCH_SIZE)
        if stop:
            raise CommandError("Stopped. Run it again to finish; repeating it is safe.", returncode=130)
        self.stdout.write("All personal data is encrypted with the first of ENCRYPTION_KEYS.")
