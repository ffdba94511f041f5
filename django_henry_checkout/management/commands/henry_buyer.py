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
from django_henry_checkout.management.progress import bar, interruptible
from django_henry_checkout.types import staff_source


class Command(BaseCommand):
    help = "Tells all that is known of a buyer, forgets him, or seals personal data with the newest key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        export = deeds.add_parser("export", help="Write all that is known of a buyer, as JSON.")
        export.add_argument("email")
        export.add_argument(
            "--output", type=Path, help="A file instead of the screen; only its owner may read it."
        )
        erase = deeds.add_parser("erase", help="Forget a buyer. Orders, amounts and events stay.")
        erase.add_argument("email")
        erase.add_argument("--yes", action="store_true", help="Do not ask.")
        deeds.add_parser("reseal", help="Seal all personal data with the first of ENCRYPTION_KEYS.")

    def handle(self, *args: Any, deed: str, **options: Any) -> None:
        {"export": self._export, "erase": self._erase, "reseal": self._reseal}[deed](options)

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
        if (
            not options["yes"]
            and input(f"Forget the buyer of {count} orders for good? [y/N] ").lower() != "y"
        ):
            raise CommandError("Nothing was changed.")
        erased = erase_buyer(email, by=staff_source(getpass.getuser()))
        self.stdout.write(
            f"Forgotten: {erased.orders} orders, {erased.customer_sessions} customer sessions, "
            f"{erased.webhooks} webhooks, {erased.answers} kept answers."
        )

    def _reseal(self, options: dict[str, Any]) -> None:
        with interruptible() as stop:
            for model in ENCRYPTED_COLUMNS:
                with bar(desc=str(model._meta.verbose_name_plural), unit=" rows") as progress:  # noqa: SLF001 - Django's public name for it
                    last = 0
                    while not stop and (last := reencrypt_batch(model, last)):
                        progress.update(BATCH_SIZE)
        if stop:
            raise CommandError("Stopped. Run it again: rows may be sealed anew twice.", returncode=130)
        self.stdout.write("All personal data is sealed with the first of ENCRYPTION_KEYS.")
