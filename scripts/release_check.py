"""Build what would be released, compare it with the checkout, and try it in an empty environment.

Each step is printed with `ok` or `FAILED`; after a failure the rest is not run. Nothing is uploaded.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "django_henry_checkout"
#: What must be there for the app to work, and is easily left out: it is no Python.
NEEDED = ("py.typed", "api/openapi.json", "api/schema/examples.json", "sandbox/catalogue.json")
NEEDED_KINDS = (".html", ".js", ".css", ".svg")
MAX_BYTES = 1_000_000
SECONDS = 600
READY_SECONDS = 30
SETTINGS = """
INSTALLED_APPS += ["django_henry_checkout"]
HENRY_CHECKOUT = {"API_KEY": "sandbox-key", "BASE_URL": "%(url)s", "CHECKOUT_ORIGINS": ["%(url)s"]}
DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20}
"""
URLS = """
from django.urls import include, path

urlpatterns = [path("henry/", include("django_henry_checkout.urls"))]
"""
CALL = """
from django.test import Client

def call(path, body, **headers):
    answer = Client(SERVER_NAME="localhost").post(f"/henry/api/v1/{path}", body, "application/json", headers=headers)
    assert answer.status_code == 201, answer.content
    return answer.json()

cart = call("cart", {"items": [{"link": "https://kilnandtide.example/products/harbour-teapot"}]})
begun = call("cart/checkout", {"cartId": cart["cartId"]}, **{"X-Session-Token": cart["sessionToken"]})
assert begun["checkoutUrl"].startswith("%(url)s/"), begun
print("begun", begun["orderNumber"])
"""


class Failed(Exception):  # noqa: N818 - it ends a step, and is no error of the program
    """A step has found something; the message says what."""


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and return what it said."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("DJANGO_", "PYTHON", "HENRY_"))
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise Failed(f"`{' '.join(map(str, command))}`: {done.stdout[-3000:]}")
    return done.stdout


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def difference(wanted: set[str], found: set[str]) -> str:
    """Say what is missing and what is too much; "" if nothing is."""
    parts = [
        (name, sorted(names)[:20])
        for name, names in (("lacks", wanted - found), ("has", found - wanted))
        if names
    ]
    return "; ".join(f"{what} {', '.join(names)}" for what, names in parts)


def missing_parts(files: set[str]) -> list[str]:
    """Return what the app cannot do without and the files do not hold."""
    parts = [name for name in NEEDED if f"{PACKAGE}/{name}" not in files]
    kinds = [kind for kind in NEEDED_KINDS if not any(name.endswith(kind) for name in files)]
    # A translation counts only once it is compiled.
    texts = {name.removesuffix(".po") for name in files if name.endswith(".po")}
    return [*parts, *kinds, *(f"{name}.mo" for name in sorted(texts) if f"{name}.mo" not in files)]


class Release:
    """What is built, and the environment that it is tried in."""

    def __init__(self, folder: Path) -> None:
        """Take an empty folder."""
        self.folder = folder
        self.programs = folder / "environment" / "bin"
        self.project = folder / "project"
        self.version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    @property
    def wheel(self) -> Path:
        """The one wheel."""
        return self._only("*.whl")

    @property
    def sdist(self) -> Path:
        """The one source distribution."""
        return self._only("*.tar.gz")

    def _only(self, pattern: str) -> Path:
        found = list((self.folder / "dist").glob(pattern))
        if len(found) != 1:
            raise Failed(f"{len(found)} files are named {pattern}")
        return found[0]

    # The steps ----------------------------------------------------------------------------

    def build(self) -> None:
        """Build the source distribution, and the wheel from it."""
        run(sys.executable, "-m", "build", "--outdir", self.folder / "dist", ROOT)

    def wheel_holds_what_git_tracks(self) -> None:
        """Compare the wheel, file by file; nothing but the package and its metadata may be in it."""
        with zipfile.ZipFile(self.wheel) as archive:
            names = {name for name in archive.namelist() if not name.endswith("/")}
        metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
        self._compare(names - metadata)

    def sdist_holds_what_git_tracks(self) -> None:
        """Compare the source distribution; no test may be in it."""
        with tarfile.open(self.sdist) as archive:
            names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
        self._compare({name for name in names if name.startswith(f"{PACKAGE}/")})
        # Newer backends keep the original of a file that they have rewritten.
        others = {name.removesuffix(".orig") for name in names if not name.startswith(f"{PACKAGE}/")}
        wrong = difference({"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}, others)
        if wrong:
            raise Failed(f"beside the package it {wrong}")

    def _compare(self, names: set[str]) -> None:
        # A clone that belongs to another user is no danger here: nothing is run from it.
        tracked = run("git", "-c", "safe.directory=*", "ls-files", "-z", PACKAGE)
        wanted = {name for name in tracked.split("\0") if name}
        # Compiled translations are built, and not tracked.
        wrong = difference(wanted, {name for name in names if name in wanted or not name.endswith(".mo")})
        if wrong:
            raise Failed(f"it {wrong}")
        missing = missing_parts(names)
        if missing:
            raise Failed(f"it lacks {', '.join(missing)}")

    def sizes_are_bounded(self) -> None:
        """Keep what everybody downloads small."""
        for file in (self.wheel, self.sdist):
            if file.stat().st_size > MAX_BYTES:
                raise Failed(f"{file.name} has {file.stat().st_size:,} bytes, {MAX_BYTES:,} are allowed")

    def versions_agree(self) -> None:
        """The newest entry of the changelog is this version's."""
        found = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
        if not found or found[1] != self.version:
            raise Failed(f"pyproject.toml says {self.version}, CHANGELOG.md {found and found[1]}")
        if f"-{self.version}-" not in self.wheel.name:
            raise Failed(f"{self.wheel.name} is not {self.version}")

    def metadata_is_valid(self) -> None:
        """Fields are valid, and the readme renders."""
        run(sys.executable, "-m", "twine", "check", "--strict", self.wheel, self.sdist)

    def installs_into_an_empty_environment(self) -> None:
        """Install the wheel with what it asks for, and nothing else."""
        run(sys.executable, "-m", "venv", self.folder / "environment")
        run(
            self.programs / "python", "-m", "pip", "--disable-pip-version-check", "-qq", "install", self.wheel
        )
        run(self.programs / "python", "-m", "pip", "--disable-pip-version-check", "check")

    def works_in_an_empty_project(self) -> None:
        """Check, migrate, and begin a checkout over the API, against the sandbox of the wheel."""
        self.project.mkdir()
        run(self.programs / "django-admin", "startproject", "mysite", self.project)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        settings = self.project / "mysite" / "settings.py"
        settings.write_text(settings.read_text() + SETTINGS % {"url": url})
        (self.project / "mysite" / "urls.py").write_text(URLS)
        self._manage("check", "--fail-level", "WARNING")
        self._manage("makemigrations", "--check", "--dry-run")
        self._manage("migrate")
        with self._sandbox(port):
            said = self._manage("shell", "--verbosity", "0", "--command", CALL % {"url": url})
        if "begun " not in said:
            raise Failed(f"the call said {said}")

    def _manage(self, *arguments: str) -> str:
        return run(self.programs / "python", "manage.py", *arguments, cwd=self.project)

    @contextmanager
    def _sandbox(self, port: int) -> Iterator[None]:
        log = self.folder / "sandbox.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [self.programs / "python", "manage.py", "henry_sandbox", "--port", str(port)],
                cwd=self.project,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            deadline = time.monotonic() + READY_SECONDS
            while "Sandbox ready" not in log.read_text():
                if time.monotonic() > deadline or process.poll() is not None:
                    raise Failed(f"the sandbox did not start: {log.read_text()}")
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(READY_SECONDS)


STEPS = (
    Release.build,
    Release.wheel_holds_what_git_tracks,
    Release.sdist_holds_what_git_tracks,
    Release.sizes_are_bounded,
    Release.versions_agree,
    Release.metadata_is_valid,
    Release.installs_into_an_empty_environment,
    Release.works_in_an_empty_project,
)


def main() -> int:
    """Run the steps."""
    with tempfile.TemporaryDirectory() as folder:
        release = Release(Path(folder))
        for step in STEPS:
            name, started = step.__name__.replace("_", " "), time.monotonic()
            try:
                step(release)
            except Failed as why:
                print(f"FAILED {time.monotonic() - started:5.1f} s  {name}\n{why}", flush=True)
                return 1
            print(f"ok     {time.monotonic() - started:5.1f} s  {name}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
