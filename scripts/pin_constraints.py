"""Write constraints/py3XX.txt: what a clean install of the package and its `dev` group takes today."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"[A-Za-z0-9._-]+==\S+")


def clean_install(folder: Path) -> list[str]:
    """Return the `name==version` lines of a fresh environment made in `folder`."""
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-qq"]
    subprocess.run([*pip, "install", "--upgrade", "pip>=25.1"], check=True)
    subprocess.run([*pip, "install", "--editable", ".", "--group", "dev"], check=True, cwd=ROOT)
    frozen = subprocess.run(
        [*pip, "freeze", "--exclude-editable"], check=True, capture_output=True, text=True
    )
    return frozen.stdout.splitlines()


def main() -> None:
    """Make the environment, check that each line is a plain pin, write the file."""
    with tempfile.TemporaryDirectory() as folder:
        pins = clean_install(Path(folder))
    # An address (`name @ file://...`) would tie the file to one machine.
    strange = [pin for pin in pins if not PIN.fullmatch(pin)]
    if strange:
        sys.exit(f"not a plain pin: {strange}")
    target = ROOT / "constraints" / f"py{sys.version_info.major}{sys.version_info.minor}.txt"
    target.write_text("\n".join(pins) + "\n")
    print(f"{target.relative_to(ROOT)}: {len(pins)} pins")


if __name__ == "__main__":
    main()
