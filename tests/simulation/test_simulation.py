"""A shop, a Henry and everybody in between, simulated: whatever happens in whichever order, the promises hold.

The normal run is always the same. `HENRY_SIMULATION=long` runs for longer, from another seed each time;
HENRY_SIMULATION_SEED and HENRY_SIMULATION_EXAMPLES set both. What fails is made as short as it can be by
HENRY_SIMULATION_SHRINK=1, which takes minutes.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from django_henry_checkout.testing.sandbox import Sandbox
from tests.simulation.crashes import deaths
from tests.simulation.machine import ShopMachine

IS_LONG = os.environ.get("HENRY_SIMULATION") == "long"
pytestmark = [pytest.mark.once, pytest.mark.timeout(6 * 3600 if IS_LONG else 600)]

EXAMPLES, STEPS = (400, 60) if IS_LONG else (5, 40)
GIVEN = os.environ.get("HENRY_SIMULATION_SEED")
#: In halves that two workers can share.
SEEDS = ["given"] if GIVEN else ["new"] if IS_LONG else ["1", "2"]
PHASES = (Phase.generate, Phase.shrink) if os.environ.get("HENRY_SIMULATION_SHRINK") else (Phase.generate,)
#: A run in which these do not occur shows nothing.
MUST_OCCUR = {
    "Event purchase_sent",
    "Event purchase_submitted",
    "Event order_status_changed",
    "WebhookMessage done",
}
MUST_OCCUR_IN_LONG_RUNS = {
    "Order completed",
    "Order failed",
    "Event purchase_in_doubt",
    "Event checkout_expired",
}


def say(text: str) -> None:
    """Pytest shows it if the test fails, or with -rP."""
    sys.stdout.write(text + "\n")


def _number(name: str) -> int:
    return {"given": int(GIVEN or 0), "new": secrets.randbelow(2**32)}.get(name) or int(name)


@pytest.mark.parametrize("name", SEEDS)
def test_the_promises_hold_whatever_happens(henry: Sandbox, name: str) -> None:
    number = _number(name)
    examples = int(os.environ.get("HENRY_SIMULATION_EXAMPLES", EXAMPLES))
    again = f"HENRY_SIMULATION_SEED={number} HENRY_SIMULATION_EXAMPLES={examples}"
    say(f"To repeat this: {again}" + (" HENRY_SIMULATION=long" if IS_LONG else ""))

    @seed(number)
    class Shop(ShopMachine):
        pass

    Shop.sandbox, Shop.seen = henry, Counter()
    deaths.clear()
    run_state_machine_as_test(
        Shop,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
    say(f"{deaths.total()} deaths: {dict(deaths.most_common())}\nseen: {dict(sorted(Shop.seen.items()))}")
    assert deaths.total() > examples
    assert set(Shop.seen) >= MUST_OCCUR | (MUST_OCCUR_IN_LONG_RUNS if IS_LONG else set())
