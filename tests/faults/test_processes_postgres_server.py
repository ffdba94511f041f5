"""Rows 8, 9 and 51: the database itself goes away, comes back older, or changes. Collected on PostgreSQL only.

On a server of its own, which others do not miss: see `OwnPostgres`.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.processes import (
    FaultyWorker,
    Gunicorn,
    Mark,
    OwnPostgres,
    Shop,
    environment,
)
from tests.support.inline import buying_calls
from tests.support.shop import ROOT
from tests.support.workers import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("own_postgres")]

Start = Callable[..., FaultyWorker]
NAME = "shop"
PURCHASES = 6
STAGE = {"pendingSeconds": 1000, "processingSeconds": 1000, "jobSeconds": 0}
AT_ONCE = {"pendingSeconds": 0, "processingSeconds": 0, "jobSeconds": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    with tempfile.TemporaryDirectory(prefix="henry-faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL runs as somebody else
        server = OwnPostgres(folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="module")
def empty(server: OwnPostgres, _sandbox_process: Sandbox) -> str:
    """A database with tables and nothing in them, to be copied."""
    server.copy("template1", "empty")
    command = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
    env = environment(_sandbox_process, DATABASE_URL=server.url("empty"))
    subprocess.run(command, cwd=ROOT, env=env, check=True, timeout=120)
    return "empty"


@pytest.fixture
def own(server: OwnPostgres, empty: str) -> dict[str, str]:
    """The environment of processes on a fresh database of the server."""
    server.copy(empty, NAME)
    return {"DATABASE_URL": server.url(NAME)}


@pytest.fixture
def own_shop(sandbox: Sandbox, own: dict[str, str]) -> Shop:
    return Shop(sandbox, **own)


@pytest.fixture
def start_own(start: Start, own: dict[str, str]) -> Start:
    return partial(start, **own)


def count(server: OwnPostgres, table: str, condition: str) -> int:
    ((found,),) = server.ask(NAME, f"SELECT count(*) FROM {table} WHERE {condition}")
    return int(found)


def wait_for_purchases(server: OwnPostgres, status: str, *, least: int = PURCHASES) -> None:
    table = "henry_checkout_purchase"
    wait_until(lambda: count(server, table, f"status = '{status}'") >= least, seconds=30, what=status)


def wait_until_quiet(server: OwnPostgres) -> None:
    wait_until(
        lambda: (
            not count(server, "henry_checkout_purchasepoll", "true")
            and not count(server, "henry_checkout_delivery", "status <> 'done'")
        ),
        seconds=40,
        what="quiet",
    )


def restart(server: OwnPostgres, number: signal.Signals) -> None:
    server.stop(number)
    server.start()


# Row 8 ------------------------------------------------------------------------------------


def buy_all(
    sandbox: Sandbox,
    server: OwnPostgres,
    shop: Shop,
    workers: list[FaultyWorker],
    disturb: Callable[..., None],
) -> Any:
    """Follow purchases through all their states; what came of them."""
    sandbox.reset()
    sandbox.scenario(timing=STAGE)
    for page in shop.run(f"open {PURCHASES} 1"):
        sandbox.pay(page["at_henry"])
    wait_for_purchases(server, "pending")
    sandbox.advance(1001)
    wait_for_purchases(server, "processing", least=1)
    disturb(signal.SIGQUIT)
    wait_for_purchases(server, "processing")
    sandbox.advance(1001)
    wait_for_purchases(server, "complete", least=1)
    disturb(signal.SIGINT)
    wait_until_quiet(server)
    assert len(sandbox.orders()) == PURCHASES
    assert all(worker.lives for worker in workers)
    return shop.run("state")


def test_fault_08_after_restarts_of_the_database_all_is_as_if_there_had_been_none(
    sandbox: Sandbox, server: OwnPostgres, empty: str, own_shop: Shop, start_own: Start
) -> None:
    workers = [start_own(TEST_RECEIVER_SECONDS="0.02") for _number in range(2)]
    disturbed = buy_all(sandbox, server, own_shop, workers, partial(restart, server))
    assert any("Database error, trying again" in worker.output() for worker in workers), (
        "no worker reported it"
    )
    server.copy(empty, NAME)
    assert disturbed == buy_all(sandbox, server, own_shop, workers, lambda _number: None)
    assert len(disturbed) == PURCHASES
    assert {found["order"][0] for found in disturbed.values()} == {"completed"}


def test_fault_08_calls_to_the_shop_fail_clean_while_the_database_is_away(
    sandbox: Sandbox, server: OwnPostgres, own: dict[str, str], start_own: Start, tmp_path: Path
) -> None:
    sandbox.scenario(timing=AT_ONCE)
    web = Gunicorn(sandbox, tmp_path, lease=30, **own)
    try:
        cart = web.fill_cart()
        server.stop(signal.SIGQUIT)
        answers = [web.buy(cart), web.begin_checkout(cart)]
        assert all(answer.status_code in {500, 503} for answer in answers)
        assert buying_calls(sandbox) == sandbox.orders() == []
        server.start()
        bought = [web.buy(cart), web.buy(cart)]
        assert [answer.status_code for answer in bought] == [200, 200], bought[0].text
        assert bought[0].json()["refId"] == bought[1].json()["refId"]
    finally:
        web.end()
    start_own()
    wait_until_quiet(server)
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1


def test_fault_08_an_answer_that_found_no_database_is_found_and_nothing_is_bought_twice(
    sandbox: Sandbox, server: OwnPostgres, own_shop: Shop, start_own: Start, tmp_path: Path
) -> None:
    sandbox.scenario(timing=AT_ONCE)
    cart = own_shop.run("fill 1")
    asleep = Mark(tmp_path, "stop", "before", "checkout.confirm.apply_observation")
    buying = own_shop.start(f"buy {cart}", faults=[asleep])
    asleep.wait()
    restart(server, signal.SIGQUIT)
    buying.send_signal(signal.SIGCONT)
    buying.communicate(timeout=60)
    assert buying.returncode == 1
    assert count(server, "henry_checkout_purchase", "status = 'sent'") == 1

    own_shop.run("late")
    start_own()
    wait_until_quiet(server)
    (found,) = own_shop.run("state").values()
    assert found["order"][0] == "completed"
    assert len(buying_calls(sandbox)) == len(sandbox.orders()) == 1


# Row 9 ------------------------------------------------------------------------------------


def test_fault_09_a_database_that_forgets_buys_nothing_again_and_asks_for_what_it_knows_of(
    sandbox: Sandbox, server: OwnPostgres, own_shop: Shop, start_own: Start, tmp_path: Path
) -> None:
    sandbox.scenario(timing=AT_ONCE)
    (done, forgotten), form, sent = own_shop.run("open 2 1 + form 3 + fill 4")
    sandbox.pay(done["at_henry"])
    own_shop.die(
        f"buy {sent}", faults=[Mark(tmp_path, "kill", "before", "checkout.confirm.apply_observation")]
    )
    worker = start_own()
    wait_for_purchases(server, "complete", least=1)
    server.copy(NAME, "kept")

    # What the database is going to forget: a payment, a whole purchase, and what became of another.
    sandbox.pay(forgotten["at_henry"])
    own_shop.run(f"buy {form['cart']} + late")
    wait_until_quiet(server)
    remembered = own_shop.run("state")
    assert {found["order"][0] for found in remembered.values()} == {"completed"}
    calls = len(buying_calls(sandbox))
    server.copy("kept", NAME)
    assert count(server, "henry_checkout_purchase", "status = 'complete'") < len(remembered)

    # The shopper sees an unpaid form, and clicks again: Henry does not sell the same cart twice.
    own_shop.run(f"buy {form['cart']} + late")
    wait_until_quiet(server)
    assert own_shop.run("state") == remembered
    assert [row["status"] for row in buying_calls(sandbox)[calls:]] == [409]
    assert len(sandbox.orders()) == len(remembered) == 4
    assert worker.lives


# Row 51 -----------------------------------------------------------------------------------


def test_fault_51_columns_that_are_added_under_running_workers_disturb_nobody(
    sandbox: Sandbox, server: OwnPostgres, own_shop: Shop, start_own: Start
) -> None:
    """What the next version may add, while this one still runs."""
    sandbox.scenario(timing=STAGE)
    pages = own_shop.run(f"open {PURCHASES} 1")
    for page in pages:
        sandbox.pay(page["at_henry"])
    worker = start_own()
    wait_for_purchases(server, "pending")
    ours = "SELECT tablename::text FROM pg_tables WHERE tablename LIKE 'henry\\_checkout\\_%'"
    tables = [name for (name,) in server.ask(NAME, ours)]
    assert len(tables) > 10
    for table in tables:
        server.tell(NAME, f"ALTER TABLE {table} ADD COLUMN later text NOT NULL DEFAULT 'x'")
    (more,) = own_shop.run("open 1 99")
    sandbox.pay(more["at_henry"])
    for _stage in range(2):
        sandbox.advance(1001)
    wait_until_quiet(server)
    assert worker.lives
    state = own_shop.run("state")
    assert {found["order"][0] for found in state.values()} == {"completed"}
    assert {found["receipts"] for found in state.values()} == {1}
    assert len(sandbox.orders()) == len(state) == PURCHASES + 1
