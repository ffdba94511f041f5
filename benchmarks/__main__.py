"""The benchmarks. Only ratios within one run count: the machine may be shared and noisy.

    python -m benchmarks [--only P1,P5] [--quick] [--write]     (below `scripts/services.py run --`)

`--quick` takes smaller tables; `--write` puts the rows into docs/internals/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks import results
from benchmarks.results import Result


def prepare() -> None:
    """Make a database of our own and the app's tables in it."""
    server = os.environ["POSTGRES_URL"]
    name = f"bench_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def sections(*, quick: bool) -> dict[str, Callable[[], list[Result]]]:
    """Return each benchmark by its number."""
    from benchmarks import admin, celery_floor, claims, lag, oscar, polls, storefront, webhooks

    small = ((10_000, 1_000), (100_000, 10_000))
    whole = ((10_000, 1_000), (1_000_000, 50_000), (10_000_000, 100_000))
    rounds = 3 if quick else 9
    return {
        "P1": polls.single_polls,
        "P2": polls.polls_behind_latency,
        "P3": polls.bulk_poll,
        "P4": celery_floor.against_naive,
        "P5": lambda: claims.table_sizes(sizes=small if quick else whole),
        "P6": claims.throughput,
        "P7": lambda: lag.due_lag(purchases=10_000 if quick else 100_000),
        "P8": lag.end_to_end,
        "P9": lambda: storefront.read_cart(rounds=rounds),
        "P10": lambda: storefront.add_item(rounds=rounds),
        "P11": lambda: storefront.button(rounds=rounds),
        "P12": lambda: admin.sizes(big=100_000 if quick else 1_000_000),
        "P13": lambda: polls.memory(polls=36_000 if quick else 360_000),
        "P14": lambda: oscar.against_oscar(rounds=rounds),
        "P15": lambda: webhooks.against_dj_stripe(rounds=rounds),
    }


def main() -> int:
    """Run what was asked for; 0 if every goal was met."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    prepare()
    wanted = [number for number in options.only.upper().split(",") if number]
    found: list[Result] = []
    for number, run in sections(quick=options.quick).items():
        if wanted and number not in wanted:
            continue
        began = time.monotonic()
        for result in run():
            found.append(result)
            print(result.row, flush=True)
        print(f"    ({number} took {time.monotonic() - began:.0f} s)", flush=True)
    print(f"\n{results.table([result.row for result in found], load=load)}")
    if options.write:
        results.write(found, load=load)
    return 0 if all(result.is_met for result in found) else 1


if __name__ == "__main__":
    sys.exit(main())
