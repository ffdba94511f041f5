from __future__ import annotations

import subprocess
import sys

from tests.support.shop import ROOT


def test_the_generated_tables_are_current() -> None:
    command = [sys.executable, "scripts/write_reference.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"Run `python scripts/write_reference.py`: {done.stdout}{done.stderr}"
