"""A project built by following a page: its files are written, its commands are run, its servers keep running."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from types import TracebackType
from typing import Self

from packaging.requirements import Requirement

from tests.browser.conftest import free_ports
from tests.docs.blocks import Block, blocks_of
from tests.support.shop import ROOT
from tests.support.workers import wait_until

PASSWORD = "correct-horse-battery"
SHELL = "# python manage.py shell"
BUTTON = "{% henry_checkout_button cart %}"
CART_PAGE = "shop/templates/shop/cart.html"
#: A page for each fragment of a template: the cart page with the fragment in place of the button.
FRAGMENT_PAGES = """

from django.shortcuts import render as _render
from django_henry_checkout import shop as _shop


@_shop.opens_popups
def _fragment(request, number):
    return _render(request, f"fragments/{number}.html", {"cart": _shop.get_cart(request)})


urlpatterns += [path("fragments/<int:number>/", _fragment)]
"""


@dataclass
class Server:
    """A command that does not end by itself, and its output so far."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        """Terminate the command's process group; kill it if it does not end."""
        for number, seconds in ((signal.SIGTERM, 20), (signal.SIGKILL, 10)):
            if self.process.poll() is None:
                os.killpg(self.process.pid, number)
                try:
                    self.process.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue


@dataclass
class Project:
    """A folder in which a page is followed.

    Args:
        programs: the `bin` folder of the environment that the commands run in.
        wheel: what `pip install django-henry-checkout` installs; without it this checkout's package is used, and
            everything that a page installs must be installed already.
    """

    folder: Path
    programs: Path = Path(sys.executable).parent
    wheel: Path | None = None
    written: dict[str, str] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    fragments: int = 0
    #: Additional environment variables of the reader's terminal.
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.web, self.sandbox = free_ports(2)
        self._opened = self.folder.with_suffix(".opened")
        self._logs = self.folder.with_suffix(".logs")
        self._logs.mkdir(exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        for name, server in reversed(self.servers.items()):
            server.stop()
            if kind is not None:
                sys.stdout.write(f"----- {name}\n{server.output()[-5000:]}\n")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox}"

    # Blocks of a page ---------------------------------------------------------------------

    def follow(self, page: str) -> None:
        for block in blocks_of(page):
            self.do(block)

    def do(self, block: Block) -> None:
        if block.file:
            self._write(block)
        elif block.language == "console":
            self._run_console(block)
        elif block.language == "python" and block.first_line == SHELL:
            self.run(f"python manage.py shell --verbosity 0 --command {quoted(block.text)}", block.where)
        elif block.language == "html":
            self._write_fragment(block)
        else:
            raise AssertionError(
                f"{block.where}: no test can run this {block.language or 'untagged'} block. Name its file "
                "in its first line, or write it as console."
            )

    def _write(self, block: Block) -> None:
        file = self.folder / block.file
        text = self._with_ports(block.text)
        if block.is_added:
            assert file.exists(), f"{block.where}: there is no {block.file} to extend"
            text = f"{file.read_text()}\n\n{text}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.written[block.file] = block.where

    def _write_fragment(self, block: Block) -> None:
        page = (self.folder / CART_PAGE).read_text()
        assert BUTTON in page, f"{block.where}: the cart page has no button to replace"
        self.fragments += 1
        file = self.folder / f"shop/templates/fragments/{self.fragments}.html"
        file.parent.mkdir(exist_ok=True)
        file.write_text(page.replace(BUTTON, self._with_ports(block.text)))
        self.written[str(file.relative_to(self.folder))] = block.where

    def _with_ports(self, text: str) -> str:
        """Replace the usual ports by those of this test."""
        return text.replace("127.0.0.1:8000", f"127.0.0.1:{self.web}").replace(
            "127.0.0.1:8001", f"127.0.0.1:{self.sandbox}"
        )

    # Commands -----------------------------------------------------------------------------

    def _run_console(self, block: Block) -> None:
        exports, command, expected = "", "", list[str]()
        for line in [*block.text.splitlines(), "$ "]:
            if not line.startswith("$ "):
                expected.append(line)
                continue
            if command:
                output = self.run(exports + command, block.where)
                for each in expected:
                    assert each in output, f"{block.where}: `{command}` did not print {each!r} but: {output}"
            assert command or not expected, f"{block.where}: write `$ ` before commands"
            if command.startswith("export "):
                exports += f"{command}; "
            command, expected = line.removeprefix("$ "), []

    def run(self, command: str, where: str = "") -> str:
        """Run a command to its end and return its output, or start it if it is a server."""
        if command.startswith("pip install "):
            return self._install(command, where)
        for name, more, is_ready in self._servers():
            if name in command and "--once" not in command:
                self._start(name, self._with_ports(command) + more, is_ready)
                return ""
        if "createsuperuser" in command:
            return self._run_with_password(command)
        done = subprocess.run(
            ["/bin/bash", "-c", self._with_ports(command)],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{where}: `{command}` failed: {done.stdout}"
        return done.stdout

    def _install(self, command: str, where: str) -> str:
        for wanted in command.removeprefix("pip install ").split():
            requirement = Requirement(wanted.strip("'"))
            if self.wheel is None:
                found = distribution(requirement.name).version
                assert requirement.specifier.contains(found), f"{where}: {wanted} is not installed"
            else:
                assert requirement.name == "django-henry-checkout", f"{where}: {wanted}"
                self.run(f"python -m pip install --quiet --disable-pip-version-check {_pins()} {self.wheel}")
        return ""

    def _servers(self) -> list[tuple[str, str, Callable[[], bool]]]:
        """Return the commands that run until stopped: a part of the command, arguments to add, when it is ready."""
        return [
            ("henry_sandbox", f" --port {self.sandbox}", lambda: _answers(self.sandbox)),
            ("runserver", f" --noreload 127.0.0.1:{self.web}", lambda: _answers(self.web)),
            ("henry_worker", "", lambda: "Worker ready" in self.servers["henry_worker"].output()),
            (" worker", "", lambda: "[queues]" in self.servers[" worker"].output()),
            (" beat", "", lambda: "celery beat" in self.servers[" beat"].output()),
        ]

    def _start(self, name: str, command: str, is_ready: Callable[[], bool]) -> None:
        log = self._logs / f"{name.strip()}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["/bin/bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = self.servers[name] = Server(process, log)

        def is_ready_or_gone() -> bool:
            assert process.poll() is None, f"`{command}` ended: {server.output()}"
            return is_ready()

        wait_until(is_ready_or_gone, seconds=60, what=f"`{command}` to be ready")

    def _run_with_password(self, command: str) -> str:
        """Run a command that prompts for a password at a terminal, twice."""
        reader, terminal = pty.openpty()
        process = subprocess.Popen(
            ["/bin/bash", "-c", command],
            cwd=self.folder,
            env=self._environment(),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        output = ""
        try:
            # One after the other: a prompt discards earlier input.
            for prompt in ("Password: ", "Password (again): "):
                while not output.endswith(prompt):
                    output += _read(reader)
                os.write(reader, f"{PASSWORD}\n".encode())
            assert process.wait(60) == 0, output + _read(reader)
        finally:
            process.kill()
            process.wait(10)
            os.close(reader)
        return output

    def _environment(self) -> dict[str, str]:
        """Return the environment of a reader's terminal, without the variables of this test run."""
        own = ("DJANGO_", "PYTEST_", "COV_", "HENRY_", "PYTHON", "DATABASE_URL", "CELERY_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
        paths = [str(ROOT / "tests/docs/watch")]
        if self.wheel is None:
            paths.append(str(ROOT))
        return {
            **kept,
            "PATH": f"{self.programs}{os.pathsep}{kept['PATH']}",
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DOCS_PROJECT": str(self.folder),
            "DOCS_OPENED": str(self._opened),
            **self.environment,
        }

    # The whole project --------------------------------------------------------------------

    def start(self) -> None:
        """Migrate, and start the servers that the page has not started."""
        if self.fragments:
            urls = self.folder / "mysite/urls.py"
            urls.write_text(urls.read_text() + FRAGMENT_PAGES)
        is_scaled = " worker" in self.servers
        # With Celery, a check warns about SQLite.
        self.run(f"python manage.py check --fail-level {'ERROR' if is_scaled else 'WARNING'}")
        self.run("python manage.py migrate --verbosity 0")
        for name in ("henry_sandbox", "runserver", *([] if is_scaled else ["henry_worker"])):
            if name not in self.servers:
                self.run(f"python manage.py {name}")

    def unused(self) -> list[str]:
        """Return the blocks whose file no process has opened."""
        opened = set(self._opened.read_text().splitlines()) if self._opened.exists() else set()
        return [where for file, where in self.written.items() if str(self.folder / file) not in opened]

    def copy(self, folder: Path) -> Project:
        """Return a copy of the project in another folder, with its own ports and no servers."""
        shutil.copytree(self.folder, folder)
        found = Project(folder, self.programs, self.wheel)
        for file in folder.rglob("*.py"):
            text = file.read_text()
            changed = text.replace(f":{self.web}", f":{found.web}").replace(
                f":{self.sandbox}", f":{found.sandbox}"
            )
            if changed != text:
                file.write_text(changed)
        return found


def _read(terminal: int) -> str:
    """Read the next output, within a minute."""
    ready, _writable, _failed = select.select([terminal], [], [], 60)
    assert ready, "The command does not prompt for a password."
    return os.read(terminal, 4096).decode()


def _pins() -> str:
    file = ROOT / f"constraints/py{sys.version_info.major}{sys.version_info.minor}.txt"
    return f"--constraint {file}" if file.exists() else ""


def quoted(text: str) -> str:
    """Return a text as one word of a shell command."""
    return "'" + re.sub("'", r"'\''", text) + "'"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
