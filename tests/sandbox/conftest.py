"""Fixtures: a sandbox process, a client for it, and a webhook receiver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.client import Client, SandboxProcess
from tests.sandbox.receiver import SLOW_TIMING, Receiver, register, running_receiver


@pytest.fixture(scope="session")
def process() -> Iterator[SandboxProcess]:
    running = SandboxProcess()
    yield running
    running.stop()


@pytest.fixture
def sandbox(process: SandboxProcess) -> Iterator[Client]:
    client = Client(process.url)
    client.control("reset", {})
    yield client
    client.session.close()


@pytest.fixture
def receiver(sandbox: Client) -> Iterator[Receiver]:
    """Return a receiver that gets the events of all carts; orders progress with the clock of the sandbox only."""
    with running_receiver() as found:
        sandbox.scenario(timing=SLOW_TIMING)
        register(sandbox, found.endpoint(everyCart=True))
        yield found
