"""Throw-away PostgreSQL and Redis for the test runs, and a Chromium and a Firefox for them to drive.

    python scripts/services.py ensure                   installs what is missing (apt-get, as root)
    python scripts/services.py run -- pytest -k redis   runs a command with POSTGRES_URL, REDIS_URL, CHROMIUM and FIREFOX set

A service that cannot be had ends the run: nothing here lets a test be skipped.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

START_SECONDS = 60
STOP_SECONDS = 10
APT_TRIES = 3
APT_SECONDS = 600
APT_PAUSE_SECONDS = 10


def say(text: str) -> None:
    """Print at once, so that the line stands before the output of what is started next."""
    print(f"services: {text}", flush=True)


# --- programs: find or install -------------------------------------------------------------------------------------


def find_postgres() -> Path | None:
    """Return the folder with `initdb` and `postgres`: Debian's versioned one first, newest first, then PATH."""
    versioned = Path("/usr/lib/postgresql").glob("*/bin")
    newest_first = sorted(versioned, key=lambda folder: float(folder.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    folders = [*newest_first, *([Path(on_path).resolve().parent] if on_path else [])]
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


def find_redis() -> Path | None:
    """Return the path of `redis-server`."""
    found = shutil.which("redis-server")
    return Path(found) if found else None


def find_chromium() -> Path | None:
    """Return the browser named by CHROMIUM, or the first that is on PATH."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    found = next(filter(None, (shutil.which(name) for name in names if name)), None)
    return Path(found) if found else None


def find_firefox() -> Path | None:
    """Return the second browser: the one named by FIREFOX, or Debian's."""
    found = next(
        filter(None, (shutil.which(name) for name in (os.environ.get("FIREFOX", ""), "firefox-esr") if name)),
        None,
    )
    return Path(found) if found else None


@dataclass(frozen=True)
class Program:
    """Something that must be on this machine, and the Debian packages that bring it."""

    name: str
    find: Callable[[], Path | None]
    packages: tuple[str, ...]

    def path(self) -> Path:
        """Return where it is, or end the run."""
        found = self.find()
        if found is None:
            sys.exit(f"services: {self.name} is missing; install the package {self.packages[0]}")
        return found


POSTGRES = Program("PostgreSQL server", find_postgres, ("postgresql",))
REDIS = Program("Redis server", find_redis, ("redis-server",))
# Without a font the browser draws empty boxes.
CHROMIUM = Program("Chromium", find_chromium, ("chromium", "fonts-dejavu-core"))
FIREFOX = Program("Firefox", find_firefox, ("firefox-esr",))
DATABASES = (POSTGRES, REDIS)
BROWSERS = (CHROMIUM, FIREFOX)


def ensure_programs(programs: Sequence[Program]) -> None:
    """Install what is missing, or end the run with the command that would."""
    missing = [program for program in programs if program.find() is None]
    if not missing:
        return
    names = ", ".join(program.name for program in missing)
    packages = [package for program in missing for package in program.packages]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"services: missing: {names}. As root: apt-get install {' '.join(packages)}")
    say(f"missing: {names}; installing {' '.join(packages)}")
    apt_install(packages)
    for program in missing:
        program.path()


def apt_install(packages: list[str]) -> None:
    """Update the lists, then install; again a few times, since mirrors stall and another apt may hold the lock."""
    install = ["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", *packages]
    for attempt in range(1, APT_TRIES + 1):
        if run_apt(["update"]) and run_apt(install):
            return
        say(f"apt-get failed, try {attempt} of {APT_TRIES}")
        if attempt < APT_TRIES:
            time.sleep(APT_PAUSE_SECONDS)
    sys.exit(f"services: apt-get could not install {' '.join(packages)}")


def run_apt(arguments: list[str]) -> bool:
    """Run one apt-get command; its output shows only when it fails."""
    say(f"apt-get {arguments[0]} ...")
    try:
        done = subprocess.run(
            ["apt-get", "-o", "Acquire::Retries=3", *arguments],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=APT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        say(f"apt-get {arguments[0]} took more than {APT_SECONDS} s")
        return False
    if done.returncode != 0:
        print(done.stdout[-3000:], flush=True)
    return done.returncode == 0


# --- processes: start, wait, stop ----------------------------------------------------------------------------------


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def running(
    name: str,
    command: list[str],
    *,
    log: Path,
    is_ready: Callable[[], bool],
    stop_signal: signal.Signals,
    user: str | None = None,
) -> Iterator[None]:
    """Run a server until the block ends; enter the block when it answers."""
    with log.open("w") as output:
        # A session of its own: Ctrl-C must reach the tests first, and the server only when they are done.
        process = subprocess.Popen(
            command, cwd=log.parent, stdout=output, stderr=output, start_new_session=True, **as_user(user)
        )
    try:
        wait_until_ready(name, process, log, is_ready)
        yield
    finally:
        stop(process, stop_signal)


def as_user(user: str | None) -> dict[str, Any]:
    """Return the options with which `subprocess` drops root's rights."""
    return {"user": user, "group": user_group(user), "extra_groups": []} if user else {}


def wait_until_ready(
    name: str, process: subprocess.Popen[bytes], log: Path, is_ready: Callable[[], bool]
) -> None:
    """Return when the server answers; end the run with its log when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if is_ready():
            return
        time.sleep(0.1)
    sys.exit(f"services: {name} did not start:\n{log.read_text(errors='replace')[-3000:]}")


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> None:
    """Ask the process to end, then make it."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- the two servers -----------------------------------------------------------------------------------------------


def postgres_user() -> str | None:
    """PostgreSQL refuses to run as root: return whom to run it as, or None when this is not root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def user_group(user: str) -> int:
    """Return the id of the user's own group."""
    return pwd.getpwnam(user).pw_gid


@contextlib.contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """Make and run a cluster in `folder`; yield its URL."""
    programs, user, port = POSTGRES.path(), postgres_user(), free_port()
    home = folder / "postgres"
    home.mkdir()
    if user:
        os.chown(home, pwd.getpwnam(user).pw_uid, user_group(user))
    make_cluster(programs, home, user)
    # Nothing here must survive a power cut, so nothing waits for the disk.
    fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"]
    command = [str(programs / "postgres"), "-D", str(home / "data"), "-h", "127.0.0.1", "-p", str(port)]
    command += ["-k", str(home), *(part for option in fast for part in ("-c", option))]

    def is_ready() -> bool:
        probe = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "2"]
        return subprocess.run(probe, check=False).returncode == 0

    # SIGINT is PostgreSQL's "fast" shutdown: it does not wait for clients to leave.
    log = home / "server.log"
    with running("PostgreSQL", command, log=log, is_ready=is_ready, stop_signal=signal.SIGINT, user=user):
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"


def make_cluster(programs: Path, home: Path, user: str | None) -> None:
    """Run initdb."""
    command = [
        str(programs / "initdb"),
        "-D",
        str(home / "data"),
        "-U",
        "postgres",
        "--auth=trust",
        "--no-sync",
    ]
    command += ["--encoding=UTF8", "--locale=C.UTF-8"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, **as_user(user))
    if done.returncode != 0:
        sys.exit(f"services: initdb failed:\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Run a Redis that keeps nothing; yield its URL."""
    port = free_port()
    home = folder / "redis"
    home.mkdir()
    command = [str(REDIS.path()), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(home)]
    command += ["--save", "", "--appendonly", "no"]

    def is_ready() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    log = home / "server.log"
    with running("Redis", command, log=log, is_ready=is_ready, stop_signal=signal.SIGTERM):
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def running_databases() -> Iterator[dict[str, str]]:
    """Install PostgreSQL and Redis where they are missing, start both; yield their URLs; stop both."""
    ensure_programs(DATABASES)
    # The folder itself stays root's; others may only pass through it.
    with tempfile.TemporaryDirectory(prefix="henry-services-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        with running_postgres(folder) as postgres_url, running_redis(folder) as redis_url:
            try:
                yield {"POSTGRES_URL": postgres_url, "REDIS_URL": redis_url}
            finally:
                ignore_signals()


@contextlib.contextmanager
def running_services() -> Iterator[dict[str, str]]:
    """Start everything; yield the environment that tells others where it is; stop everything.

    From here on SIGINT and SIGTERM end the program by an exception, so that the `finally` blocks run.
    """
    end_on_signals()
    ensure_programs([*DATABASES, *BROWSERS])
    with running_databases() as databases:
        found = {**databases, "CHROMIUM": str(CHROMIUM.path()), "FIREFOX": str(FIREFOX.path())}
        for key, value in found.items():
            say(f"{key}={value}")
        yield found


# --- signals and commands ------------------------------------------------------------------------------------------


def end_on_signals(code: int | None = None) -> None:
    """Turn SIGINT and SIGTERM into SystemExit, also where a shell had SIGINT ignored for a background job.

    Args:
        code: what the program ends with; None means what a shell would report.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        ignore_signals()
        sys.exit(128 + number if code is None else code)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def ignore_signals() -> None:
    """From here on only clean up: a second Ctrl-C must not leave a server behind."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def run_command(command: list[str], env: dict[str, str]) -> int:
    """Run a command to its end, in `env` added to ours, and end it when we are told to end."""
    child = subprocess.Popen(command, env={**os.environ, **env})
    try:
        code = child.wait()
    except SystemExit as told:
        # Ctrl-C at a terminal has reached the child as well: then it only needs the time to finish.
        if told.code == 128 + signal.SIGINT:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(STOP_SECONDS)
        stop(child, signal.SIGTERM)
        raise
    return code if code >= 0 else 128 - code


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Throw-away services for the tests.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("ensure", help="install what is missing")
    run = actions.add_parser("run", help="run a command with the services up")
    run.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.action == "ensure":
        ensure_programs([*DATABASES, *BROWSERS])
        return 0
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("run: which command?")
    with running_services() as found:
        return run_command(command, found)


if __name__ == "__main__":
    sys.exit(main())
