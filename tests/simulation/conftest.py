from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.backends.signals import connection_created
from hypothesis.internal.conjecture.providers import HypothesisProvider

from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox
from tests.simulation import moves
from tests.simulation.canaries import API_KEY
from tests.simulation.world import make_sqlite_fast


@pytest.fixture(scope="session")
def _simulated_henry() -> Iterator[Sandbox]:
    with running_sandbox("--allow-raw-card", api_key=API_KEY) as found:
        yield found


@pytest.fixture
def henry(_simulated_henry: Sandbox, transactional_db: None) -> Iterator[Sandbox]:
    """A sandbox that takes card numbers, and a database that need not survive a power cut."""
    connection.close()
    connection_created.connect(make_sqlite_fast)
    moves.install()
    yield _simulated_henry
    moves.remove()
    connection_created.disconnect(make_sqlite_fast)
    connection.close()


@pytest.fixture(autouse=True)
def _the_same_from_the_same_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis mixes in numbers that it finds in the modules loaded so far: other tests would change this one."""
    monkeypatch.setattr(HypothesisProvider, "_maybe_draw_constant", lambda *_, **__: None, raising=False)
