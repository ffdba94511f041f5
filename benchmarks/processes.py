"""Processes beside the one that measures: the stand-in for Henry, and workers whose processor time is wanted."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def running_henry(*, latency: float = 0.0, orders: int = 1000) -> Iterator[str]:
    """Start `benchmarks.henry`; yield its address."""
    arguments = ["--latency", str(latency), "--orders", str(orders)]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.henry", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[1]
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def running(*command: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python command in a session of its own until the block ends."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env={**os.environ, **env}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(command)} ended by itself, with {process.returncode}.")
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def children_cpu() -> float:
    """Return the processor time of all children that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rss() -> int:
    """Return the memory of this process, in KiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise LookupError("VmRSS")
