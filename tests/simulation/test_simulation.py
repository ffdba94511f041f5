"""A shop, a Henry and everybody in between, simulated: whatever happens in whichever order, the promises hold.

`HENRY_SIMULATION=long` runs for longer, from another seed each time; HENRY_SIMULATION_SEED repeats one. What fails is
made as short as it can be, which takes minutes, by HENRY_SIMULATION_SHRINK=1.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from django_henry_checkout.testing.sandbox_process import Sandbox
from tests.simulation.crashes import deaths
from tests.simulation.machine import ShopMachine

pytestmark = [pytest.mark.once, pytest.mark.timeout(0)]

IS_LONG = os.environ.get("HENRY_SIMULATION") == "long"
EXAMPLES, STEPS = (400, 60) if IS_LONG else (12, 40)
#: The normal run is always the same one, in two halves that two workers can share.
SEEDS = (1, 2)


def say(text: str) -> None:
    """Pytest shows it if the test fails, or with -rP."""
    sys.stdout.write(text + "\n")


def _seeds() -> list[int]:
    given = os.environ.get("HENRY_SIMULATION_SEED")
    if given:
        return [int(given)]
    return [secrets.randbelow(2**32)] if IS_LONG else list(SEEDS)


@pytest.mark.parametrize("number", _seeds())
def test_the_promises_hold_whatever_happens(henry: Sandbox, number: int) -> None:
    say(f"To repeat this: HENRY_SIMULATION_SEED={number}" + (" HENRY_SIMULATION=long" if IS_LONG else ""))

    @seed(number)
    class Shop(ShopMachine):
        pass

    Shop.sandbox, Shop.seen = henry, Counter()
    deaths.clear()
    run_state_machine_as_test(
        Shop,
        settings=settings(
            max_examples=int(os.environ.get("HENRY_SIMULATION_EXAMPLES", EXAMPLES)),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            verbosity=Verbosity.normal,
            phases=(Phase.generate, Phase.shrink)
            if os.environ.get("HENRY_SIMULATION_SHRINK")
            else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    say(f"{deaths.total()} deaths: {dict(deaths.most_common())}\nseen: {dict(sorted(Shop.seen.items()))}")
