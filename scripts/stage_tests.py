"""Copy the checkout without the package into a folder: tests that run there import the installed wheel."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = {"django_henry_checkout", "build", "dist"}


def left_out(folder: str, names: list[str]) -> set[str]:
    """Leave out hidden and generated things everywhere, the package and builds at the top only."""
    at_top = LEFT_OUT if Path(folder) == ROOT else set()
    return {name for name in names if name in at_top or name.startswith((".", "__pycache__", "_build"))}


if __name__ == "__main__":
    shutil.copytree(ROOT, sys.argv[1], ignore=left_out, dirs_exist_ok=True)
