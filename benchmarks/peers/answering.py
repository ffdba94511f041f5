"""The peer's end: makes its tables, then does what is asked on standard input, a line of JSON at a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping

from django.core.management import call_command


def make_tables() -> None:
    """Make the tables from the models: the settings name no migrations, which would take a minute."""
    call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)


def answer(acts: Mapping[str, Callable[..., float]]) -> None:
    """Do what is asked until the input ends."""
    said, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints must not look like an answer
    for line in sys.stdin:
        asked = json.loads(line)
        found = acts[asked.pop("act")](**asked)
        said.write(json.dumps({"found": found}) + "\n")
        said.flush()
