"""Firefox as Debian ships it, driven over Marionette, the protocol that every Firefox speaks by itself.

A command is `[0, number, name, parameters]`, its answer `[1, number, error, result]`, each after its length and a
colon. Names and parameters are WebDriver's.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

ESCAPE = "\ue00c"
START_SECONDS = 60
WAIT_SECONDS = 15
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
#: Port 0 means any free port; Firefox writes it into its profile. The proxy does not exist, so that the browser reaches
#: no other machine.
PROFILE = """user_pref("marionette.port", 0);
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
user_pref("app.normandy.enabled", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.startup.homepage", "about:blank");
"""
SET = "for (const [name, value] of Object.entries(arguments[0])) Services.prefs[typeof value === 'boolean' ? 'setBoolPref' : 'setIntPref'](name, value);"
GET = "return Object.fromEntries(arguments[0].map(name => [name, Services.prefs[Services.prefs.getPrefType(name) === Services.prefs.PREF_BOOL ? 'getBoolPref' : 'getIntPref'](name)]));"
FORGET = "Services.cookies.removeAll();"

Answer = TypeVar("Answer")


class FirefoxError(Exception):
    """What Firefox answers to a command that it could not do."""


def until(look: Callable[[], Answer], *, seconds: float = WAIT_SECONDS) -> Answer:
    """Return the first answer that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not so within {seconds} s")


class Firefox:
    """One browser with its own profile. Commands go to the window and frame that was entered last."""

    def __init__(self, folder: Path) -> None:
        program = os.environ.get("FIREFOX") or shutil.which("firefox-esr")
        assert program, "Firefox is missing: install the package firefox-esr, or name it in FIREFOX."
        (folder / "user.js").write_text(PROFILE)
        # Only with system access may preferences be changed while it runs.
        options = ["--headless", "--no-remote", "--marionette", "--remote-allow-system-access"]
        self._process = subprocess.Popen(
            [program, *options, "--profile", str(folder)],
            env={**os.environ, "HOME": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._number = 0
        try:
            self._socket = socket.create_connection(("127.0.0.1", self._port(folder)), timeout=60)
            self._stream = self._socket.makefile("rb")
            self._read()  # it greets
            self.call("WebDriver:NewSession")
            self.call("WebDriver:SetTimeouts", implicit=WAIT_SECONDS * 1000, pageLoad=30_000, script=30_000)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def _port(self, folder: Path) -> int:
        place = folder / "MarionetteActivePort"

        def look() -> str:
            assert self._process.poll() is None, f"Firefox ended at once: {self._process.returncode}"
            return place.read_text().strip() if place.exists() else ""

        return int(until(look, seconds=START_SECONDS))

    def quit(self) -> None:
        try:
            self.call("Marionette:Quit", flags=["eForceQuit"])
            self._process.wait(20)
        finally:
            self._stream.close()
            self._socket.close()
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    def call(self, name: str, **parameters: Any) -> Any:
        self._number += 1
        said = json.dumps([0, self._number, name, parameters])
        self._socket.sendall(f"{len(said)}:{said}".encode())  # ASCII only: a character is a byte
        _kind, number, error, result = self._read()
        assert number == self._number
        if error:
            raise FirefoxError(f"{name}: {error['error']}: {error['message']}")
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def _read(self) -> Any:
        length = b""
        while (digit := self._stream.read(1)) != b":":
            assert digit, "Firefox has hung up."
            length += digit
        return json.loads(self._stream.read(int(length)))

    # Pages ----------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        self.call("WebDriver:Navigate", url=url)

    @property
    def url(self) -> str:
        return str(self.call("WebDriver:GetCurrentURL"))

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function as the page itself would, with no click to its credit."""
        return self.call("WebDriver:ExecuteScript", script=script, args=list(arguments), sandbox=None)

    def find(self, path: str) -> dict[str, str]:
        """Return the first element of an XPath, as soon as there is one."""
        element: dict[str, str] = self.call("WebDriver:FindElement", using="xpath", value=path)
        return element

    def click(self, path: str) -> None:
        self.call("WebDriver:ElementClick", id=self.find(path)[ELEMENT])

    def press(self, name: str) -> None:
        """Press the button, or follow the link, with just these words."""
        self.click(f'//*[self::button or self::a or self::summary][normalize-space()="{name}"]')

    def fill(self, name: str, value: str) -> None:
        element = self.find(f'//*[@name="{name}"]')[ELEMENT]
        self.call("WebDriver:ElementClear", id=element)
        self.call("WebDriver:ElementSendKeys", id=element, text=value)

    def type(self, keys: str) -> None:
        """Type into what has the focus."""
        element = self.call("WebDriver:GetActiveElement")[ELEMENT]
        self.call("WebDriver:ElementSendKeys", id=element, text=keys)

    def role_and_name(self, path: str) -> tuple[str, str]:
        """Return an element as a screen reader sees it."""
        element = self.find(path)[ELEMENT]
        role, name = (self.call(f"WebDriver:GetComputed{each}", id=element) for each in ("Role", "Label"))
        return str(role), str(name)

    def enter_frames(self, *paths: str) -> None:
        """Go into a frame of the window, then into one within it, and so on; no path: back to the page itself."""
        self.call("WebDriver:SwitchToFrame", id=None)
        for path in paths:
            self.call("WebDriver:SwitchToFrame", element=self.find(path)[ELEMENT])

    # Windows --------------------------------------------------------------------------------

    def windows(self) -> list[str]:
        return list(self.call("WebDriver:GetWindowHandles"))

    def window(self) -> str:
        return str(self.call("WebDriver:GetWindowHandle"))

    def enter_window(self, handle: str) -> None:
        self.call("WebDriver:SwitchToWindow", handle=handle)

    def forget(self) -> None:
        """Leave one empty window and no cookies."""
        first, *others = self.windows()
        for each in others:
            self.enter_window(each)
            self.call("WebDriver:CloseWindow")
        self.enter_window(first)
        self.open("about:blank")
        self._as_browser(FORGET)

    # Preferences ----------------------------------------------------------------------------

    @contextmanager
    def prefers(self, **preferences: bool | int) -> Iterator[None]:
        """Set preferences, `__` for a dot, and put them back at the end."""
        wanted = {name.replace("__", "."): value for name, value in preferences.items()}
        before = self._as_browser(GET, list(wanted))
        self._as_browser(SET, wanted)
        try:
            yield
        finally:
            self._as_browser(SET, before)

    def _as_browser(self, script: str, *arguments: Any) -> Any:
        self.call("Marionette:SetContext", value="chrome")
        try:
            return self.call("WebDriver:ExecuteScript", script=script, args=list(arguments))
        finally:
            self.call("Marionette:SetContext", value="content")
