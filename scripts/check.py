"""Run every static check, all of them even when one fails, and sum up at the end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

PACKAGE = "django_henry_checkout"
PUBLIC_ROOMS = [
    f"{PACKAGE}/flows",
    f"{PACKAGE}/gateway",
    f"{PACKAGE}/conf",
    f"{PACKAGE}/signals.py",
    f"{PACKAGE}/shop.py",
    f"{PACKAGE}/adapter.py",
    f"{PACKAGE}/tasks.py",
    f"{PACKAGE}/testing",
]
MAX_LINES = 400
MAX_MODULES = 15
SOURCE_SUFFIXES = {".py", ".html", ".css", ".js"}
GENERATED = {".git", ".venv", ".tox", ".demo", "_build", "build", "dist", "__pycache__"}

# Written so that no pattern matches its own source.
MACHINE_TRACES = {
    "address of a package registry": re.compile(
        r"pypi[.](?:org|io)|pythonho[s]ted[.]org|registry[.](?:npmjs|yarnpkg)|crates[.]io|proxy[.]golang[.]org"
        r"|https?:[/]{2}[^\s\"'<>]+/(?:simple|pypi|npm)\b|index[-_]url\s*="
    ),
    "path of one machine": re.compile(
        r"(?<![\w.}])/(?:root|work|home|Users)/[\w.]|(?<![\w.}])/opt/(?:wheels|pypi)"
    ),
}


def tool(name: str, *arguments: str, **env: str) -> Callable[[], bool]:
    """Return a step that runs a program of the virtual environment."""

    def step() -> bool:
        command = [str(BIN / name), *arguments]
        return subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, check=False).returncode == 0

    return step


def makemigrations(auto_field: str) -> Callable[[], bool]:
    """Return a step that asks for missing migrations; a shop may have either default key."""
    return tool(
        "python", "-m", "django", "makemigrations", "--check", "--dry-run",
        DJANGO_SETTINGS_MODULE="tests.settings", TEST_DEFAULT_AUTO_FIELD=f"django.db.models.{auto_field}",
    )  # fmt: skip


def docstrings() -> bool:
    """Ask for docstrings where users look: the rooms that exist of the public ones."""
    rooms = [room for room in PUBLIC_ROOMS if (ROOT / room).exists()]
    rules = ["--select", "D1", "--ignore", "D104,D105,D107"]
    return not rooms or tool("ruff", "check", *rules, *rooms)()


def project_files() -> Iterator[Path]:
    """Yield what git tracks or would track; everything but generated folders where there is no git."""
    git = shutil.which("git")
    if git:
        # A clone that belongs to another user is no danger here: nothing is run from it.
        command = [
            git,
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            yield from (
                path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()
            )
            return
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not GENERATED.intersection(parts) and not parts[0].endswith("_cache"):
            yield path


def file_lengths() -> bool:
    """Refuse source files that grew past what one reads in a sitting."""
    long_files = []
    for path in project_files():
        name = path.relative_to(ROOT)
        if name.parts[0] not in {PACKAGE, "example_project"} or "migrations" in name.parts:
            continue
        if path.suffix in SOURCE_SUFFIXES and (lines := len(path.read_text().splitlines())) > MAX_LINES:
            long_files.append(f"{name}: {lines} lines, {MAX_LINES} are allowed")
    print("\n".join(long_files) or "no file is too long")
    return not long_files


def folder_sizes() -> bool:
    """Refuse folders of the package with more modules than one can survey."""
    crowded = []
    for folder in sorted({path.parent for path in project_files() if path.suffix == ".py"}):
        name = folder.relative_to(ROOT)
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        if name.parts[:1] == (PACKAGE,) and len(modules) > MAX_MODULES:
            crowded.append(f"{name}: {len(modules)} modules, {MAX_MODULES} are allowed")
    print("\n".join(crowded) or "no folder is crowded")
    return not crowded


def machine_traces() -> bool:
    """Refuse what would tie the project to the machine that it was written on."""
    found = []
    for path in project_files():
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            found += [
                f"{path.relative_to(ROOT)}:{number}: {what}"
                for what, p in MACHINE_TRACES.items()
                if p.search(line)
            ]
    print("\n".join(found) or "no file names a registry or a machine")
    return not found


def one_door() -> bool:
    """Refuse private modules where shops copy from: the example shop, the docs, the README."""
    private = re.compile(rf"\b{PACKAGE}[./](?:flows|views|api|gateway|admin|templatetags)\b")
    shown = []
    for path in project_files():
        name = path.relative_to(ROOT)
        is_read_by_shops = name.parts[0] in {"example_project", "docs"} or name.name == "README.md"
        if not is_read_by_shops or name.parts[:2] in {("docs", "decisions"), ("docs", "internals")}:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            if private.search(line):
                shown.append(f"{name}:{number}: use django_henry_checkout.shop instead")
    print("\n".join(shown) or "shops import through the door only")
    return not shown


STEPS: dict[str, Callable[[], bool]] = {
    "lint": tool("ruff", "check", "."),
    "docstrings of the public rooms": docstrings,
    "format": tool("ruff", "format", "--check", "."),
    "types": tool("mypy"),
    "layers": tool("lint-imports"),
    "migrations, AutoField": makemigrations("AutoField"),
    "migrations, BigAutoField": makemigrations("BigAutoField"),
    "file lengths": file_lengths,
    "folder sizes": folder_sizes,
    "machine traces": machine_traces,
    "one door": one_door,
    "reference is current": tool("python", "scripts/write_reference.py", "--check"),
    "docs": tool("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html"),
}


def main() -> int:
    """Run the steps and report."""
    # The migrations are checked on SQLite, whatever the caller's database is.
    os.environ.pop("DATABASE_URL", None)
    results = {}
    for name, step in STEPS.items():
        print(f"\n===== {name} =====", flush=True)
        started = time.monotonic()
        passed = step()
        results[name] = f"{'ok    ' if passed else 'FAILED'} {time.monotonic() - started:5.1f} s  {name}"
    print("\n===== summary =====", *results.values(), sep="\n")
    return int(any(line.startswith("FAILED") for line in results.values()))


if __name__ == "__main__":
    sys.exit(main())
