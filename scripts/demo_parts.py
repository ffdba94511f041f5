"""What `demo.py` and `demo_scale.py` share: the children and their end, the ports, and what is printed.

Environment: WEB_PORT (8000), SANDBOX_PORT (8001), ELSEWHERE_PORT (8002), HENRY_API_VERSION (v1), DEMO_FOLDER (.demo).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from services import ignore_signals

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("DEMO_FOLDER") or ROOT / ".demo").absolute()
MANAGE = [sys.executable, str(ROOT / "example_project" / "manage.py")]
KEY_FILE = DATA / "elsewhere.key"
READY_SECONDS = 30
STOP_SECONDS = 5

print_lock = threading.Lock()


class Child:
    """A process in a group of its own, whose lines are printed behind its name."""

    def __init__(self, name: str, command: list[str]) -> None:
        """Start the process."""
        self.name = name
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.printer = threading.Thread(target=self.print_lines, daemon=True)
        self.printer.start()

    def print_lines(self) -> None:
        """Copy the output, line by line."""
        for line in self.process.stdout or ():
            say(f"{self.name} | {line.rstrip()}")

    def kill_group(self) -> None:
        """End the process and all that it started, without asking."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def is_running(self) -> bool:
        """Tell whether the process has not ended."""
        return self.process.poll() is None


class Demo:
    """The children, and the rule that all end when one does."""

    def __init__(self) -> None:
        """Begin with no child."""
        self.children: list[Child] = []

    def start(self, name: str, *command: str) -> None:
        """Start a child that should run to the end of the demo."""
        self.children.append(Child(name, list(command)))

    def run(self, name: str, *command: str) -> None:
        """Run a child that should end by itself, and well."""
        child = Child(name, list(command))
        self.children.append(child)
        while child.is_running():
            time.sleep(0.05)
        child.printer.join(1)
        self.children.remove(child)
        if child.process.returncode:
            sys.exit(f"demo: `{' '.join(command[2:])}` failed with code {child.process.returncode}")

    def watch(self) -> None:
        """End the demo when a child is gone."""
        for child in self.children:
            if not child.is_running():
                child.printer.join(1)
                sys.exit(
                    f"demo: {child.name} ended with code {child.process.returncode}; stopping the others"
                )

    def watch_for_ever(self) -> None:
        """Return never; see `watch`."""
        while True:
            self.watch()
            time.sleep(0.2)

    def wait_for(self, name: str, is_ready: Callable[[], bool]) -> None:
        """Wait a bounded time for a child to answer."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.watch()
            if is_ready():
                return
            time.sleep(0.1)
        sys.exit(f"demo: {name} did not answer within {READY_SECONDS} s")

    def stop(self) -> None:
        """End every child: politely, then not."""
        for child in self.children:
            # Not its group: servers and Celery end their own children, in order.
            child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(child.is_running() for child in self.children):
            time.sleep(0.05)
        for child in self.children:
            # Also for those that have ended: something that they started may live on in their group.
            child.kill_group()
            child.process.wait()
            child.printer.join(1)


@contextlib.contextmanager
def demo_of_children() -> Iterator[Demo]:
    """Yield a demo without children; end those that it got, undisturbed by a second Ctrl-C."""
    demo = Demo()
    try:
        yield demo
    finally:
        ignore_signals()
        demo.stop()


def say(text: str) -> None:
    """Print one whole line, whoever else is printing."""
    with print_lock:
        print(text, flush=True)


def get_status(port: int, path: str, *, host: str = "127.0.0.1") -> int:
    """Return the status of a GET; 503 when nobody answers."""
    return ask(port, "GET", path, headers={"Host": f"{host}:{port}"})


def ask(port: int, method: str, path: str, *, body: str = "", headers: dict[str, str]) -> int:
    """Return the status of a call to this machine; 503 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body=body or None, headers=headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return HTTPStatus.SERVICE_UNAVAILABLE
    else:
        return answer.status
    finally:
        connection.close()


def read_port(variable: str, default: int) -> int:
    """Read a port from the environment and make sure that it is free."""
    value = os.environ.get(variable) or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65536:
        sys.exit(f"demo: {variable}={value} is not a port")
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still fading counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(value)))
        except OSError as error:
            sys.exit(f"demo: port {value} cannot be had ({error.strerror}); choose another: {variable}=...")
    return int(value)


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where each of the servers listens."""

    web: int
    sandbox: int
    elsewhere: int

    @classmethod
    def read(cls) -> Ports:
        """Read them from the environment and make sure that each is free, and used once."""
        variables = {"WEB_PORT": 8000, "SANDBOX_PORT": 8001, "ELSEWHERE_PORT": 8002}
        taken: dict[int, str] = {}
        for variable, default in variables.items():
            port = read_port(variable, default)
            if port in taken:
                sys.exit(f"demo: {taken[port]} and {variable} are both {port}")
            taken[port] = variable
        web, sandbox, elsewhere = taken
        return cls(web=web, sandbox=sandbox, elsewhere=elsewhere)

    @property
    def shop_url(self) -> str:
        """The shop's address."""
        return f"http://127.0.0.1:{self.web}"

    @property
    def elsewhere_url(self) -> str:
        """The second storefront's address: by another name, so that it is another site to a browser too."""
        return f"http://localhost:{self.elsewhere}"


def prepare_environment(ports: Ports, *, database_url: str, broker_url: str) -> None:
    """Tell the children where the data, the shop, the sandbox and the second storefront are."""
    DATA.mkdir(parents=True, exist_ok=True)
    # What the caller set for a real shop must not reach the demo.
    for variable in (
        "DJANGO_SETTINGS_MODULE",
        "HENRY_API_KEY",
        "HENRY_CHECKOUT_ORIGINS",
        "HENRY_WEBHOOK_UUID",
    ):
        os.environ.pop(variable, None)
    os.environ.setdefault("HENRY_API_VERSION", "v1")
    os.environ.update(
        CELERY_BROKER_URL=broker_url,
        DATABASE_URL=database_url,
        DEMO_FOLDER=str(DATA),
        ELSEWHERE_ORIGIN=ports.elsewhere_url,
        HENRY_BASE_URL=f"http://127.0.0.1:{ports.sandbox}",
        HENRY_WEBHOOK_KEY=secrets.token_urlsafe(24),
        HENRY_WEBHOOK_SECRETS=secrets.token_urlsafe(32),
        WEB_PORT=str(ports.web),
        PYTHONUNBUFFERED="1",
    )


def start_sandbox(demo: Demo, ports: Ports) -> None:
    """Start Henry's stand-in, and tell it where the shop takes webhooks."""
    demo.start("sandbox", sys.executable, "-m", "django_henry_checkout.sandbox", "--port", str(ports.sandbox))
    demo.wait_for(
        "the sandbox", lambda: get_status(ports.sandbox, "/__sandbox__/clock") < HTTPStatus.BAD_REQUEST
    )
    endpoint = {
        "uuid": "the-shop",
        "url": f"{ports.shop_url}/henry/webhooks/default/{os.environ['HENRY_WEBHOOK_KEY']}",
        "secret": os.environ["HENRY_WEBHOOK_SECRETS"],
        "everyCart": True,
    }
    body, headers = json.dumps({"endpoints": [endpoint]}), {"Content-Type": "application/json"}
    status = ask(ports.sandbox, "POST", "/__sandbox__/webhooks", body=body, headers=headers)
    if status != HTTPStatus.OK:
        sys.exit(f"demo: the sandbox did not take the shop's address for webhooks ({status})")


def prepare_shop(demo: Demo) -> None:
    """Make the tables, the goods, and the second storefront's key."""
    demo.run("setup", *MANAGE, "migrate", "--noinput")
    demo.run("setup", *MANAGE, "load_catalogue")
    demo.run("setup", *MANAGE, "write_api_key", "elsewhere", str(KEY_FILE))


def start_elsewhere(demo: Demo, ports: Ports) -> None:
    """Start the second storefront, which shows the shop's checkout in its own page."""
    demo.start(
        "elsewhere", sys.executable, "-m", "example_project.elsewhere.serve", "--port", str(ports.elsewhere),
        "--shop", ports.shop_url, "--key-file", str(KEY_FILE),
    )  # fmt: skip
    demo.wait_for(
        "the second storefront", lambda: get_status(ports.elsewhere, "/", host="localhost") == HTTPStatus.OK
    )


def announce(demo: Demo, ports: Ports) -> None:
    """Wait for the shop, and say where all is."""
    demo.wait_for("the shop", lambda: get_status(ports.web, "/") == HTTPStatus.OK)
    say(f"Elsewhere ready: {ports.elsewhere_url}/")
    say(f"Shop ready: {ports.shop_url}/")
    say(f"Henry's stand-in: http://127.0.0.1:{ports.sandbox}/ (asked so far: /__sandbox__/requests)")
    say(
        "Card that pays: 4242 4242 4242 4242, that declines: 4000 0000 0000 0002. Log in: demo / demo. End: Ctrl-C"
    )
