"""Gives another server of ours a key of the storefront API: into a file, never onto a screen."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from django_henry_checkout import shop


class Command(BaseCommand):
    help = "Writes a new API key into a file that its owner alone can read; keeps one that still works."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="Whose key it is, for the admin.")
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, name: str, file: Path, **options: Any) -> None:
        if works(file):
            self.stdout.write(f"The key in {file.name} still works.")
            return
        file.unlink(missing_ok=True)  # so that the new file gets the mode below, not that of the old one
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as target:
            target.write(shop.create_api_key(name))
        self.stdout.write(f"Wrote the key of {name} into {file.name}.")


def works(file: Path) -> bool:
    """Whether a file holds a valid key."""
    return file.exists() and shop.is_valid_api_key(file.read_text())
