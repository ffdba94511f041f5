"""Run the example shop: a local Henry (the sandbox), the shop, its worker and a second storefront, until Ctrl-C.

Environment: WEB_PORT (8000), SANDBOX_PORT (8001), ELSEWHERE_PORT (8002), HENRY_API_VERSION (v1),
DEMO_FOLDER (.demo), KEEP=1 (keep the data of the last run).
"""

from __future__ import annotations

import os

from demo_parts import (
    DATA,
    MANAGE,
    Demo,
    Ports,
    announce,
    demo_of_children,
    prepare_environment,
    prepare_shop,
    start_elsewhere,
    start_sandbox,
)
from services import end_on_signals


def run(demo: Demo, ports: Ports) -> None:
    """Start everything in order, then watch it."""
    start_sandbox(demo, ports)
    prepare_shop(demo)
    demo.start("web", *MANAGE, "runserver", "--noreload", f"127.0.0.1:{ports.web}")
    demo.start("worker", *MANAGE, "henry_worker")
    start_elsewhere(demo, ports)
    announce(demo, ports)
    demo.watch_for_ever()


def main() -> None:
    """Check the ports, run, clean up."""
    ports = Ports.read()
    if os.environ.get("KEEP") != "1":
        for left_over in DATA.glob("shop.sqlite3*"):
            left_over.unlink()
    prepare_environment(ports, database_url=f"sqlite:///{DATA / 'shop.sqlite3'}", broker_url="")
    end_on_signals(code=0)
    with demo_of_children() as demo:
        run(demo, ports)


if __name__ == "__main__":
    main()
