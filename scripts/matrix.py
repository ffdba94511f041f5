"""Run the suite in every pair of Python and Django that can run here (tox.ini), with the services up once for all.

Arguments go to pytest. Python 3.11 must be there; the others run when they are found.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from services import run_command, running_services

VERSIONS = ("3.11", "3.12", "3.13")
REQUIRED = "3.11"
RESULTS = Path(__file__).resolve().parent.parent / ".tox" / "results.json"


def find_interpreter(version: str) -> Path | None:
    """Return an interpreter of this version that really starts."""
    # The version manager's shims on PATH name versions that they then refuse to start, so its own folders come first.
    manager = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = sorted(manager.glob(f"versions/{version}.*/bin/python{version}"))
    on_path = shutil.which(f"python{version}")
    candidates += [Path(on_path)] if on_path else []
    return next((candidate for candidate in candidates if starts_as(candidate, version)), None)


def starts_as(interpreter: Path, version: str) -> bool:
    """Ask an interpreter for its version."""
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run(
        [interpreter, "-c", question], capture_output=True, text=True, check=False, timeout=60
    )
    return answer.stdout.strip() == version


def tox(*arguments: str) -> list[str]:
    """Return a tox command line."""
    return [sys.executable, "-m", "tox", *arguments]


def list_pairs() -> list[str]:
    """Return the names of tox.ini's environments."""
    listed = subprocess.run(tox("list", "--no-desc", "-q"), capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.split() if line.startswith("py3")]


def run_pairs(pairs: list[str], path: str, arguments: list[str]) -> int:
    """Install all pairs two at a time, then run them one after another."""
    chosen = ",".join(pairs)
    with running_services() as found:
        env = {**found, "DATABASE_URL": found["POSTGRES_URL"], "PATH": path}
        # Installing waits for the network; the suite takes both cores by itself and wants PostgreSQL for itself.
        installed = run_command(tox("run-parallel", "--notest", "-p", "2", "-e", chosen), env)
        # A bare "--" would count as arguments, and replace the ones that tox.ini names.
        given = ["--", *arguments] if arguments else []
        run = tox("run", "--skip-pkg-install", "--result-json", str(RESULTS), "-e", chosen, *given)
        return run_command(run, env) or installed


def read_results(pairs: list[str]) -> dict[str, str]:
    """Return the result of each pair."""
    results = json.loads(RESULTS.read_text())["testenvs"] if RESULTS.exists() else {}
    words = {True: "passed", False: "FAILED", None: "DID NOT RUN"}
    return {pair: words[results.get(pair, {}).get("result", {}).get("success")] for pair in pairs}


def main() -> int:
    """Find the interpreters, run what can run, print the result of each pair."""
    interpreters = {version: find_interpreter(version) for version in VERSIONS}
    if interpreters[REQUIRED] is None:
        sys.exit(f"matrix: Python {REQUIRED} is needed and was not found")
    folders = [str(interpreter.parent) for interpreter in interpreters.values() if interpreter]
    here = {f"py{version.replace('.', '')}" for version, interpreter in interpreters.items() if interpreter}
    pairs = list_pairs()
    runnable = [pair for pair in pairs if pair.split("-")[0] in here]
    RESULTS.unlink(missing_ok=True)
    code = run_pairs(runnable, os.pathsep.join([*folders, os.environ["PATH"]]), sys.argv[1:])
    results_by_pair = read_results(runnable)
    for pair in pairs:
        print(f"matrix: {pair}: {results_by_pair.get(pair, 'ABSENT, no such Python here')}")
    return code


if __name__ == "__main__":
    sys.exit(main())
