"""Take one lock, fence or compare-and-set out of the app after the other, and show that a test notices each.

    python scripts/services.py run -- python scripts/mutations.py [NAME ...]

Works on a copy; the exit code is not zero if a mutation was not noticed, or a test fails without any.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOWS = "django_henry_checkout/flows"
RACES = "tests/races/test_races.py"
#: A race may be won by chance: so often is a test run before a mutation counts as not noticed.
MAX_RUNS = 4
SECONDS = 300


@dataclass(frozen=True)
class Mutation:
    """`old` in `file` becomes `new`; `test` should fail then."""

    name: str
    file: str
    old: str
    new: str
    test: str


MUTATIONS = (
    Mutation("polls are claimed without row locks", f"{FLOWS}/polling/claims.py",
             "ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED", "ORDER BY due_at LIMIT %s",
             f"{RACES}::test_each_due_purchase_is_claimed_by_one_worker"),
    Mutation("a lost lease may set the next poll", f"{FLOWS}/polling/claims.py",
             'f" WHERE {table}.purchase_id = new.pk AND {table}.fence = new.fence"',
             'f" WHERE {table}.purchase_id = new.pk"',
             "tests/flows/polling/test_poller.py::test_a_late_error_of_a_lost_lease_moves_no_due_time"),
    Mutation("a lost lease may apply what it brought", f"{FLOWS}/purchase/apply.py",
             "if fence is not None and (poll is None or poll.fence != fence):", "if False:",
             "tests/flows/polling/test_poller.py::test_a_worker_that_lost_its_lease_writes_nothing"),
    Mutation("observations are applied without the order's lock", f"{FLOWS}/order/transitions.py",
             "order = Order.objects.lock().get(pk=order_pk)", "order = Order.objects.get(pk=order_pk)",
             f"{RACES}::test_the_same_ending_many_times_at_once_is_told_once"),
    Mutation("checkouts begin without the cart's lock", f"{FLOWS}/checkout/sessions.py",
             "locked = Cart.objects.lock().filter(pk=cart.pk).first()", "locked = Cart.objects.filter(pk=cart.pk).first()",
             f"{RACES}::test_clicks_at_once_are_one_order"),
    Mutation("carts are edited without their lock", f"{FLOWS}/cart/carts.py",
             "    locked = Cart.objects.lock().filter(pk=cart.pk).first()", "    locked = Cart.objects.filter(pk=cart.pk).first()",
             f"{RACES}::test_additions_at_once_all_count"),
    Mutation("carts are merged without their locks", f"{FLOWS}/cart/carts.py",
             "in Cart.objects.lock().filter(pk__in", "in Cart.objects.filter(pk__in",
             f"{RACES}::test_what_is_added_while_somebody_signs_in_is_moved_or_refused"),
    Mutation("deliveries are claimed without row locks", f"{FLOWS}/queue/leases.py",
             'due = due.select_for_update(skip_locked=True, of=("self",))', "pass",
             f"{RACES}::test_each_delivery_is_claimed_by_one_worker"),
    Mutation("a delivery is not marked before its receiver runs", f"{FLOWS}/events/outbox.py",
             "if not mine.update(status=DeliveryStatus.DONE, done_at=timezone.now()):",
             "mine.update(status=DeliveryStatus.DONE, done_at=timezone.now())\n            if False:",
             "tests/flows/events/test_outbox.py::test_a_lease_lost_at_the_last_moment_runs_no_receiver"),
    Mutation("webhooks are claimed without row locks", f"{FLOWS}/queue/leases.py",
             'due = due.select_for_update(skip_locked=True, of=("self",))', "pass",
             f"{RACES}::test_each_webhook_is_claimed_by_one_worker"),
    Mutation("a lost lease may apply a webhook", f"{FLOWS}/webhooks/inbox.py",
             "mine = WebhookMessage.objects.filter(pk=claim.pk, fence=claim.fence)",
             "mine = WebhookMessage.objects.filter(pk=claim.pk)",
             "tests/flows/webhooks/test_inbox.py::test_a_worker_that_lost_its_lease_applies_nothing"),
    Mutation("tokens are taken without the account's lock", f"{FLOWS}/polling/rate_limit.py",
             "AccountRateLimit.objects.select_for_update().get(pk=account)", "AccountRateLimit.objects.get(pk=account)",
             f"{RACES}::test_workers_at_once_take_each_their_own_tokens"),
    Mutation("a purchase that is under way does not stop another call", f"{FLOWS}/checkout/confirm.py",
             "if order.status != OrderStatus.OPEN or (live is not None and live.status in UNRESOLVED_PURCHASE):",
             "if order.status != OrderStatus.OPEN:",
             "tests/races/test_confirm_races.py"),
    Mutation("another order of the cart does not stop a purchase", f"{FLOWS}/checkout/confirm.py",
             "        ensure_no_competing_order(order)\n", "",
             "tests/races/test_confirm_races.py"),
    Mutation("an intent is committed without the order's lock", f"{FLOWS}/checkout/confirm.py",
             "_cart, order = lock_order(session.order_id, with_cart=True)",
             "order = Order.objects.get(pk=session.order_id)",
             "tests/races/test_confirm_races.py"),
)  # fmt: skip


def passes(folder: Path, test: str) -> bool:
    """Run a test in the copy, on PostgreSQL."""
    env = {**os.environ, "DATABASE_URL": os.environ["POSTGRES_URL"], "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=SECONDS, check=False)
    return done.returncode == 0


def is_noticed(folder: Path, mutation: Mutation) -> bool:
    """Apply the mutation, run its test until it fails, and take it back."""
    path = folder / mutation.file
    source = path.read_text()
    if source.count(mutation.old) != 1:
        sys.exit(f"{mutation.name}: {mutation.file} does not hold its line once; correct the list")
    path.write_text(source.replace(mutation.old, mutation.new))
    try:
        return any(not passes(folder, mutation.test) for _try in range(MAX_RUNS))
    finally:
        path.write_text(source)


def main() -> int:
    """Try each; print what became of it."""
    wanted = sys.argv[1:]
    missed = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "copy"
        shutil.copytree(
            ROOT,
            folder,
            ignore=shutil.ignore_patterns(".git", ".venv", ".tox", "*.sqlite3", "__pycache__", ".demo"),
        )
        chosen = [each for each in MUTATIONS if not wanted or any(part in each.name for part in wanted)]
        for test in sorted({each.test for each in chosen}):
            if not passes(folder, test):
                sys.exit(f"{test} fails without any mutation")
        for mutation in chosen:
            noticed = is_noticed(folder, mutation)
            print(f"{'noticed' if noticed else 'NOT NOTICED'}: {mutation.name} ({mutation.test})", flush=True)
            if not noticed:
                missed.append(mutation)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} mutations were noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
