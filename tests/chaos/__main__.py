"""Chaos: shoppers buy while everything around them is killed, stopped, cut off and lied to. Then the count is made.

    python -m tests.chaos [--seconds 300] [--purchases 2000] [--seed N]     (below `scripts/services.py run --`)

Ends with 0 if every purchase has ended as Henry says, none was bought twice, and each receiver ran once per event.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox
from tests.support.shop import ROOT

CALM = {"timing": {"pendingSeconds": 1, "processingSeconds": 2, "jobSeconds": 0}}
BUY, READ, LIST = "/v1/cart/*/purchase", "/v1/cart/purchase/status", "/v1/orders"
#: What a storm is made of; each strikes with the probability that the dice give it.
WEATHER = (
    {"fault": "lost_reply", "path": BUY},
    {"fault": "status", "status": 500, "process": True, "path": BUY},
    {"fault": "status", "status": 503, "path": BUY},
    {"fault": "garbage", "kind": "truncated", "process": True, "path": BUY},
    {"fault": "delay", "seconds": 4, "path": BUY},
    {"fault": "reset", "path": READ},
    {"fault": "status", "status": 429, "headers": {"Retry-After": "1"}, "path": READ},
    {"fault": "status", "status": 502, "path": READ},
    {"fault": "garbage", "kind": "html", "path": READ},
    {"fault": "delay", "seconds": 3, "path": READ},
    {"fault": "status", "status": 500, "path": LIST},
    {"fault": "garbage", "kind": "wrong_type", "path": LIST},
    {"fault": "reset", "path": LIST},
    {"fault": "lost_reply", "path": "/v1/cart"},
)
#: Longer than the longest pause after errors.
QUIET_SECONDS = 400


class Process:
    """A process group that is started again when it was killed."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], log: Path) -> None:
        self.name, self.kills = name, 0
        self._command, self._env, self._log = command, env, log
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *self._command], cwd=ROOT, env=self._env, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    def send(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        self.kills += 1
        self.send(signal.SIGKILL)
        self._process.wait(20)

    def look(self) -> None:
        """Start it again if it has ended by itself."""
        if self._process.poll() is not None:
            self.start()


class Chaos:
    """The conductor: everything random comes from its dice."""

    def __init__(self, options: argparse.Namespace, sandbox: Sandbox, database: str, broker: str) -> None:
        self.options, self.sandbox, self.database, self.broker = options, sandbox, database, broker
        self.dice = random.Random(options.seed)
        self.done: Counter[str] = Counter()
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.env = {
            **os.environ, "DJANGO_SETTINGS_MODULE": "tests.chaos.settings", "DATABASE_URL": database,
            "SANDBOX_URL": sandbox.url, "CHAOS_BROKER": broker, "TEST_LEASE_SECONDS": "6", "PYTHONPATH": str(ROOT),
        }  # fmt: skip

    def process(self, name: str, *command: str) -> Process:
        return Process(name, list(command), self.env, self.folder / f"{name}.log")

    def start(self) -> None:
        manage = ["-m", "django"]
        subprocess.run(
            [sys.executable, *manage, "migrate", "--verbosity=0"], cwd=ROOT, env=self.env, check=True
        )
        self.stopped = self.folder / "stopped"
        target = str(self.options.purchases)
        celery = ["-m", "celery", "--app", "tests.chaos.celery"]
        self.workers = [
            self.process(f"worker-{n}", *manage, "henry_worker", "--interval", "0.2") for n in (1, 2)
        ]
        self.workers += [
            self.process(f"celery-{n}", *celery, "worker", "--concurrency", "2", "--hostname", f"chaos{n}@%h")
            for n in (1, 2)
        ]
        schedule = ["--schedule", str(self.folder / "beat"), "--pidfile", ""]
        self.others = [
            self.process("beat", *celery, "beat", *schedule),
            self.process("web", *manage, "runserver", "--noreload", f"127.0.0.1:{self.port}"),
        ]
        self.shoppers = [
            self.process(
                f"shopper-{n}",
                "-m",
                "tests.chaos.shopper",
                f"{self.options.seed}-{n}",
                target,
                str(self.stopped),
            )
            for n in (1, 2)
        ]
        self.sandbox.set_webhook_endpoints(
            [{"uuid": "c", "url": f"http://127.0.0.1:{self.port}/henry/webhooks/default/chaos",
              "secret": "whsec_of_the_chaos_0123456789", "everyCart": True}]
        )  # fmt: skip

    @property
    def all(self) -> list[Process]:
        return [*self.workers, *self.others, *self.shoppers]

    # Mischief -----------------------------------------------------------------------------

    def strike(self) -> None:
        """Do one bad thing."""
        actions = (
            [self.kill_worker] * 6 + [self.stop_worker] * 2 + [self.kill_shopper, self.kill_other]
            + [self.change_weather] * 2 + [self.flush_redis, self.cut_database]
        )  # fmt: skip
        action = self.dice.choice(actions)
        self.done[action.__name__] += 1
        action()

    def kill_worker(self) -> None:
        worker = self.dice.choice(self.workers)
        worker.kill()
        worker.start()

    def kill_shopper(self) -> None:
        shopper = self.dice.choice(self.shoppers)
        shopper.kill()
        shopper.start()

    def kill_other(self) -> None:
        other = self.dice.choice(self.others)
        other.kill()
        other.start()

    def stop_worker(self) -> None:
        """Longer than a lease: what it does afterwards must be refused."""
        worker = self.dice.choice(self.workers)
        worker.send(signal.SIGSTOP)
        time.sleep(7)
        worker.send(signal.SIGCONT)

    def change_weather(self) -> None:
        faults = [
            {**fault, "times": 0, "probability": round(self.dice.uniform(0.02, 0.3), 3)}
            for fault in self.dice.sample(WEATHER, self.dice.randint(0, 5))
        ]
        webhooks = self.dice.choice(
            [
                {},
                {"duplicates": 2},
                {"reorder": True},
                {"drop": 0.5},
                {"delaySeconds": 3},
                {"thin": True},
                {"drop": 1.0},
            ]
        )
        seed = self.dice.randrange(10**9)
        self.sandbox.scenario(**CALM, seed=seed, faults=faults, webhooks={"retries": 2, **webhooks})

    def flush_redis(self) -> None:
        with redis.Redis.from_url(self.broker) as client:
            client.flushall()

    def cut_database(self) -> None:
        """End every connection to the database, as its restart would."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    # The course ---------------------------------------------------------------------------

    def run(self) -> bool:
        from tests.chaos.counting import Count  # needs Django, which needs the environment

        count = Count(self.sandbox)
        ends_at = time.monotonic() + self.options.seconds
        said_at = 0.0
        while time.monotonic() < ends_at or count.purchases() < self.options.purchases:
            self.strike()
            for process in self.all:
                process.look()
            if time.monotonic() > said_at + 10:
                said_at = time.monotonic()
                print(
                    f"{max(0, ends_at - said_at):4.0f} s left; {count.progress()}; {sum(self.done.values())} actions",
                    flush=True,
                )
            if time.monotonic() > ends_at + 2 * self.options.seconds:
                print("too few purchases in three times the time")
                break
            time.sleep(self.dice.uniform(0.2, 1.2))
        self.stopped.touch()
        print("calm: waiting until all is quiet", flush=True)
        self.sandbox.scenario(**CALM)
        is_quiet = count.wait_until_quiet(QUIET_SECONDS)
        print(
            f"actions: {dict(sorted(self.done.items()))}; kills: { {each.name: each.kills for each in self.all} }"
        )
        return count.report(is_quiet=is_quiet)

    def end(self) -> None:
        for process in self.all:
            process.send(signal.SIGCONT)
            process.kill()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--purchases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    options = parser.parse_args()
    print(f"seed {options.seed}: repeats what is done, not its timing")
    server = urlsplit(os.environ["POSTGRES_URL"])
    name = f"chaos_{options.seed}"
    database = urlunsplit(server._replace(path=f"/{name}"))
    with psycopg.connect(os.environ["POSTGRES_URL"], autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    with running_sandbox() as sandbox:
        sandbox.scenario(**CALM)
        chaos = Chaos(options, sandbox, database, os.environ["REDIS_URL"])
        os.environ.update(chaos.env)
        try:
            chaos.start()
            is_good = chaos.run()
        finally:
            chaos.end()
    print(f"seed {options.seed}: {'PASSED' if is_good else 'FAILED, logs in ' + str(chaos.folder)}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
