"""Writes down which files of the project a process opens, so that a test can tell that each of them was used.

Python loads it by its name at every start, where this folder is on the path.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def _watch(folder: str, log: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | Path) and str(arguments[0]).startswith(folder):
            os.write(file, f"{arguments[0]}\n".encode())

    sys.addaudithook(note)


if "DOCS_PROJECT" in os.environ:
    _watch(os.environ["DOCS_PROJECT"], os.environ["DOCS_OPENED"])
