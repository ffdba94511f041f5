"""Run the whole suite on SQLite, and all of it that touches the database on PostgreSQL, with a real browser.

Arguments go to pytest. The exit code is not zero when a run failed or collected nothing.
"""

from __future__ import annotations

import os
import sys

from services import run_command, running_services

#: Processes that share a database are what PostgreSQL is for, and so are the benchmarks; there they run.
NOT_ON_SQLITE = (
    "--ignore-glob=tests/faults/test_processes_*",
    "--ignore-glob=tests/processes/test_celery.py",
    "--ignore-glob=tests/processes/test_benchmarks.py",
)
#: In a browser, against `make demo-scale` there.
AT_SCALE = "tests/browser/test_purchase.py"
TOUCH_THE_DATABASE = (
    "api", "doctor", "example_project", "faults", "flows", "management", "processes", "races", "views",
)  # fmt: skip


def run_suite(database: str, env: dict[str, str], arguments: list[str]) -> int:
    """Run pytest once and return its exit code."""
    print(f"\n===== the suite on {database} =====", flush=True)
    pytest = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", *arguments]
    return run_command(pytest, env)


def main() -> int:
    """Start the services, run the suite on both databases."""
    arguments = sys.argv[1:]
    # The rest meets no database, or brings its own, and has nothing new to meet on the second one.
    folders = [f"tests/{folder}" for folder in TOUCH_THE_DATABASE]
    on_postgres = arguments or ["-m", "not once", AT_SCALE, *folders]
    # The caller's own database must not leak into the SQLite run.
    os.environ.pop("DATABASE_URL", None)
    with running_services() as found:
        codes = {
            "SQLite": run_suite("SQLite", found, arguments or list(NOT_ON_SQLITE)),
            "PostgreSQL": run_suite(
                "PostgreSQL",
                {**found, "DATABASE_URL": found["POSTGRES_URL"], "DEMO_SCALE": "1"},
                on_postgres,
            ),
        }
    print("; ".join(f"{name}: {f'FAILED ({code})' if code else 'passed'}" for name, code in codes.items()))
    return max(codes.values())


if __name__ == "__main__":
    sys.exit(main())
