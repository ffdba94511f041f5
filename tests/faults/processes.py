"""Workers and shops with faults inside, a PostgreSQL of a test's own, and what the tests ask about them."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import requests
from django.db.models import Q
from django.utils import timezone

from django_henry_checkout.models import Delivery, Event, Order, PurchasePoll
from django_henry_checkout.signals import BY_NAME
from django_henry_checkout.testing.sandbox import Sandbox
from example_project.shop.models import Receipt
from scripts import services
from tests.faults.hooks import RECEIVERS, Fault
from tests.receivers.models import Received
from tests.support.shop import ROOT
from tests.support.workers import Worker, _environment, wait_until

FLOWS = "django_henry_checkout.flows"
ADDRESS = {
    "line1": "350 Fifth Avenue", "city": "New York", "province": "NY", "postalCode": "10118", "countryCode": "US",
}  # fmt: skip
READY = "Worker ready"
BOOTS = {"link": "https://alpine.example/products/boots", "quantity": 1, "title": "Boots"}


class Mark:
    """A fault that strikes once, and the file that says that it has."""

    def __init__(self, folder: Path, act: str, when: str, place: str) -> None:
        self.path = folder / f"mark-{uuid4().hex[:8]}"
        self.fault = Fault(when=when, place=_full(place), act=act, mark=str(self.path))

    def wait(self, *, seconds: float = 30) -> None:
        """Wait until it has struck."""
        what = f"{self.fault.act} {self.fault.when} {self.fault.place}"
        wait_until(lambda: self.path.exists() and self.path.read_text(), seconds=seconds, what=what)

    @property
    def struck_at(self) -> datetime:
        return datetime.fromtimestamp(float(self.path.read_text()), UTC)


def hold(place: str) -> Fault:
    """Let nobody come past a place."""
    return Fault(when="before", place=_full(place), act="hold")


def _full(place: str) -> str:
    return place if place.startswith(("tests.", "example_project.")) else f"{FLOWS}.{place}"


def environment(
    sandbox: Sandbox,
    *,
    lease: float = 1.5,
    faults: Iterable[Mark | Fault] = (),
    options: dict[str, Any] | None = None,
    **more: str,
) -> dict[str, str]:
    """The environment of a process with faults inside, on the database of the test unless `more` names another."""
    plain = [vars(each.fault if isinstance(each, Mark) else each) for each in faults]
    return {
        **_environment(sandbox, lease_seconds=lease, receiver_seconds=0),
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "PYTHONPATH": str(ROOT),
        "TEST_FAULTS": json.dumps(plain),
        "TEST_OPTIONS": json.dumps(options or {}),
        **more,
    }


class FaultyWorker(Worker):
    """A `henry_worker` with faults inside. What it says is in a file, shown when a test fails."""

    def __init__(self, sandbox: Sandbox, folder: Path, *, errors: Path | None = None, **how: Any) -> None:
        self.log = folder / f"worker-{uuid4().hex[:6]}.log"
        command = [sys.executable, "-m", "django", "henry_worker", "--interval", "0.05"]
        with self.log.open("a") as output, (errors or self.log).open("a") as complaints:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment(sandbox, **how), stdout=output, stderr=complaints
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for_death(self, *, seconds: float = 30) -> int:
        """Wait until it has ended by itself; its exit code."""
        return self._process.wait(seconds)

    def wait_until_frozen(self) -> None:
        wait_until(lambda: "T (stopped)" in Path(f"/proc/{self.pid}/status").read_text(), what="it is frozen")

    def thaw(self) -> None:
        """Let it go on as if nothing had been."""
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        super().end()
        sys.stdout.write(f"----- {self.log.name}\n{self.output()[-6000:]}\n")


class Shop:
    """Runs `tests.faults.shop` as a process of its own."""

    def __init__(self, sandbox: Sandbox, **how: Any) -> None:
        self._sandbox, self._how = sandbox, how

    def start(self, words: str, **how: Any) -> subprocess.Popen[str]:
        # Imported by its name, under which the faults know it.
        run = "import sys; from tests.faults import shop; shop.main(sys.argv[1])"
        command = [sys.executable, "-c", run, words]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(self._sandbox, **{**self._how, **how}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, words: str, **how: Any) -> Any:
        """Let it do something to the end; what it answers."""
        process = self.start(words, **how)
        said, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors[-3000:]
        return json.loads(said.splitlines()[-1])

    def die(self, words: str, **how: Any) -> None:
        """Let it do something that kills it."""
        process = self.start(words, **how)
        _said, errors = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, errors[-3000:]


class Gunicorn:
    """The shop's web server: two workers, forked from a parent that has asked Henry already."""

    def __init__(self, sandbox: Sandbox, folder: Path, **how: Any) -> None:
        self._sandbox, self._port = sandbox, services.free_port()
        self.log = folder / f"gunicorn-{uuid4().hex[:6]}.log"
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--preload",
            "--workers",
            "2",
            "--bind",
            f"127.0.0.1:{self._port}",
        ]
        with self.log.open("a") as output:
            self._process = subprocess.Popen(
                [*command, "django.core.wsgi:get_wsgi_application()"],
                cwd=ROOT,
                # Its control socket goes there, away from that of another one.
                env=environment(sandbox, TEST_WARM="1", HOME=str(folder), **how),
                stdout=output,
                stderr=output,
            )
        wait_until(lambda: len(self.children()) == 2 and self._listens(), what="gunicorn is ready")

    def _listens(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return self.post("cart", {}).ok
        return False

    @property
    def pid(self) -> int:
        return self._process.pid

    def children(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def sockets(self, pid: int) -> set[str]:
        return sockets_of(pid, self._sandbox.url)

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        url = f"http://127.0.0.1:{self._port}/henry/api/v1/{path}"
        with requests.Session() as http:
            http.trust_env = False
            return http.post(url, json=body, headers=headers, timeout=30)

    def fill_cart(self) -> dict[str, Any]:
        """Make a cart over HTTP, as a guest."""
        answer = self.post("cart", {"items": [BOOTS]})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def begin_checkout(self, cart: dict[str, Any]) -> requests.Response:
        return self.post(
            "cart/checkout", {"cartId": cart["cartId"]}, **{"X-Session-Token": cart["sessionToken"]}
        )

    def buy(self, cart: dict[str, Any]) -> requests.Response:
        """Buy a cart by one call, always by the same key, as a browser that tries again."""
        person = {
            "name": {"firstName": "Ada", "lastName": "Lovelace"},
            "email": "ada@shop.example",
            "phone": "+12125550123",
            "shippingAddress": ADDRESS,
            "card": {"details": {"cardToken": "card_test_pays"}},
        }
        headers = {"X-Session-Token": cart["sessionToken"], "Idempotency-Key": "click-1"}
        return self.post("cart/purchase", {"cartId": cart["cartId"], "buyer": person}, **headers)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)
        sys.stdout.write(f"----- {self.log.name}\n{self.log.read_text(errors='replace')[-4000:]}\n")


# What is asked of the database ------------------------------------------------------------


def is_quiet(*, but_for: Q | None = None) -> bool:
    """Whether nothing is left to follow or to tell, but for some deliveries; what is parked waits for a person."""
    waiting = Delivery.objects.filter(status="pending")
    if but_for is not None:
        waiting = waiting.exclude(but_for)
    return not PurchasePoll.objects.exists() and not waiting.exists()


def wait_until_quiet(*, seconds: float = 40) -> None:
    wait_until(is_quiet, seconds=seconds, what="quiet")


def told(signal: str) -> int:
    """How often a receiver has had its effect."""
    return Received.objects.filter(signal=signal).count()


def assert_all_is_told_once(sandbox: Sandbox, *, orders: int = 1, status: str = "completed") -> None:
    """Every order has ended, Henry sold each once, and each receiver of each event had one effect."""
    assert set(Order.objects.values_list("status", flat=True)) == {status}
    assert len(sandbox.orders()) == Order.objects.count() == orders
    usual = Received.objects.exclude(signal__in=RECEIVERS)
    happened = Counter(Event.objects.filter(type__in=BY_NAME).values_list("type", "order__number"))
    assert Counter(usual.values_list("signal", "order_number")) == happened
    assert set(Counter(usual.values_list("event_id", flat=True)).values()) == {1}
    receipts = Counter(Receipt.objects.values_list("order__number", flat=True))
    assert receipts == dict.fromkeys(Order.objects.values_list("number", flat=True), 1)


def types_of(order: Order) -> list[str]:
    return list(order.events.order_by("sequence").values_list("type", flat=True))


def reads_of(sandbox: Sandbox, start: int = 0) -> int:
    """How often Henry was asked for what became of a purchase, from a number of requests on."""
    return sum(row["method"] == "GET" and "order" in row["path"] for row in sandbox.requests()[start:])


def make_due(**of: Any) -> None:
    """Let what waits for its next try have waited long enough."""
    Delivery.objects.filter(status="pending", **of).update(due_at=timezone.now())


# Sockets ----------------------------------------------------------------------------------


def sockets_of(pid: int, url: str = "") -> set[str]:
    """The connections to the sandbox that a process holds, by the numbers that the kernel gave them."""
    found = re.search(r":(\d+)", (url or os.environ["SANDBOX_URL"]).removeprefix("http://"))
    assert found, "no port"
    remote = f":{int(found.group(1)):04X}"
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    to_sandbox = {row[9] for row in rows if row[2].endswith(remote)}
    held = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held.add(str(descriptor.readlink()))
    return {inode for inode in to_sandbox if f"socket:[{inode}]" in held}


# PostgreSQL -------------------------------------------------------------------------------


class OwnPostgres:
    """A server that a test may stop, crash and start again at its address. It keeps its data meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._programs, self._user = services.POSTGRES.path(), services.postgres_user()
        self._port, self._home = services.free_port(), folder / "postgres"
        self._home.mkdir()
        if self._user:
            os.chown(self._home, pwd.getpwnam(self._user).pw_uid, services.user_group(self._user))
        services.make_cluster(self._programs, self._home, self._user)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        log = self._home / "server.log"
        command = [str(self._programs / "postgres"), "-D", str(self._home / "data"), "-p", str(self._port)]
        # Without fsync a crash of the server loses nothing, only one of the machine would.
        command += ["-h", "127.0.0.1", "-k", str(self._home), "-c", "fsync=off", "-c", "max_connections=60"]
        with log.open("a") as output:
            self._process = subprocess.Popen(
                command, cwd=self._home, stdout=output, stderr=output, **services.as_user(self._user)
            )
        services.wait_until_ready("PostgreSQL", self._process, log, self._is_ready)

    def _is_ready(self) -> bool:
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT throws everybody out, SIGQUIT is a crash."""
        if self._process is not None:
            services.stop(self._process, number)

    def ask(self, database: str, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as session:
            return session.execute(query).fetchall()

    def tell(self, database: str, *statements: str) -> None:
        with psycopg.connect(self.url(database), autocommit=True) as session:
            for statement in statements:
                session.execute(statement)

    def copy(self, source: str, target: str) -> None:
        """Put a copy of one database in the place of another. Whoever uses either of them is thrown out."""
        self.tell(
            "postgres",
            f"DROP DATABASE IF EXISTS {target} WITH (FORCE)",
            f"ALTER DATABASE {source} ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{source}'",
            f"CREATE DATABASE {target} TEMPLATE {source}",
            f"ALTER DATABASE {source} ALLOW_CONNECTIONS true",
        )
