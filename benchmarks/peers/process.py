"""Runs a peer project in a process and an environment of its own, and asks it for one block of calls at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks.processes import ROOT

PYTHON = Path(sys.prefix) / "peers" / "bin" / "python"


class Peer:
    """The other end of `benchmarks.peers.answering`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, act: str, **options: int) -> float:
        """Have the peer do something; return what it measured."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"act": act, **options}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"The peer project ended with status {self._process.wait(10)}; see above.")
        return float(json.loads(answer)["found"])


@contextmanager
def running_peer(module: str) -> Iterator[Peer]:
    """Start `benchmarks.peers.<module>` on a database of its own; its settings are `<module>_settings`."""
    if not PYTHON.exists():
        raise RuntimeError(f"{PYTHON} is missing: `make bench` installs the projects to compare with.")
    env = {
        **os.environ,
        "DATABASE_URL": _new_database(module),
        "DJANGO_SETTINGS_MODULE": f"benchmarks.peers.{module}_settings",
        "PYTHONWARNINGS": "ignore",  # theirs, not ours
    }
    process = subprocess.Popen(
        [str(PYTHON), "-m", f"benchmarks.peers.{module}"], cwd=ROOT, env=env,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Peer(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def _new_database(module: str) -> str:
    server = os.environ["POSTGRES_URL"]
    name = f"bench_{module}_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        connection.execute(f'CREATE DATABASE "{name}"')
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
