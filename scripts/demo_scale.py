"""Run the example shop as it scales out: PostgreSQL, Redis, gunicorn, two Celery workers and beat, until Ctrl-C.

Environment: as for `demo.py`, but for KEEP: the database is thrown away at the end.
"""

from __future__ import annotations

import os
import sys

from demo_parts import (
    DATA,
    Demo,
    Ports,
    announce,
    demo_of_children,
    prepare_environment,
    prepare_shop,
    say,
    start_elsewhere,
    start_sandbox,
)
from services import end_on_signals, running_databases

WEB_PROCESSES, WEB_THREADS = 2, 8
WORKERS, WORKER_PROCESSES = 2, 2
CELERY = [sys.executable, "-m", "celery", "--app", "example_project", "--quiet"]


def run(demo: Demo, ports: Ports) -> None:
    """Start everything in order, then watch it."""
    start_sandbox(demo, ports)
    prepare_shop(demo)
    demo.start(
        "web", sys.executable, "-m", "gunicorn", "example_project.wsgi:application",
        "--bind", f"127.0.0.1:{ports.web}", "--workers", str(WEB_PROCESSES), "--threads", str(WEB_THREADS),
        "--log-level", "warning",
    )  # fmt: skip
    for number in range(1, WORKERS + 1):
        demo.start(
            f"worker{number}", *CELERY, "worker", "--hostname", f"worker{number}@%h",
            "--concurrency", str(WORKER_PROCESSES), "--loglevel", "WARNING",
        )  # fmt: skip
    demo.start(
        "beat", *CELERY, "beat", "--schedule", str(DATA / "beat"), "--pidfile", "", "--loglevel", "WARNING"
    )
    start_elsewhere(demo, ports)
    announce(demo, ports)
    demo.watch_for_ever()


def main() -> None:
    """Check the ports, start the services, run, clean up."""
    ports = Ports.read()
    if os.environ.get("KEEP") == "1":
        say("demo: KEEP=1 has no effect here: this database ends with the demo")
    end_on_signals(code=0)
    with running_databases() as found:
        prepare_environment(ports, database_url=found["POSTGRES_URL"], broker_url=found["REDIS_URL"])
        say(f"Database ready: {found['POSTGRES_URL']}")
        say(f"Broker ready: {found['REDIS_URL']}")
        for left_over in DATA.glob("beat*"):
            left_over.unlink()
        with demo_of_children() as demo:
            run(demo, ports)


if __name__ == "__main__":
    main()
