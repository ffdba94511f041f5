from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Serves a local Henry API to develop and test against. It keeps its state in memory."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", default="8001")
        parser.add_argument("--state", default="", help="File that keeps the state between restarts.")

    def handle(self, *args: Any, host: str, port: str, state: str, **options: Any) -> None:
        # Replace this process: the sandbox has its own Django settings and shares nothing with the shop.
        command = [sys.executable, "-m", "django_henry_checkout.sandbox", "--host", host, "--port", port]
        if state:
            command += ["--state", state]
        environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
        os.execve(sys.executable, command, environment)  # noqa: S606 - arguments are ours, no shell
