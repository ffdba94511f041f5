"""Management commands: their output, their exit, and their effects."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.models import Delivery, Event, OrderBuyer, Purchase, PurchasePoll, WebhookMessage
from django_henry_checkout.testing.builders import build_paid_order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.receivers.models import Received

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("polls_at_once")]


def run_command(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def test_prune_prints_the_deleted_rows_of_each_kind(db: None) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    for number in range(3):
        WebhookMessage.objects.create(
            account="default", digest=str(number), status="done", signed_at=long_ago, received_at=long_ago
        )
    assert run_command("henry_prune", "--only", "deliveries") == "deliveries: 0\n"
    assert "webhooks: 3\n" in run_command("henry_prune")
    assert not WebhookMessage.objects.exists()


def test_reconcile_reports_and_fails_while_a_purchase_differs(sandbox: Sandbox) -> None:
    build_paid_order(sandbox)
    Purchase.objects.update(status="processing", ended_at=None)
    PurchasePoll.objects.all().delete()
    with pytest.raises(CommandError, match="need review"):
        run_command("henry_reconcile", "--since", "1d")
    assert "1 differed, 1 of them fixed" in run_command("henry_reconcile", "--since", "1d", "--fix")
    assert "1 agree, 0 differed" in run_command("henry_reconcile")


def test_reconcile_prints_where_to_continue_when_henry_fails(sandbox: Sandbox) -> None:
    sandbox.scenario(faults=[{"fault": "status", "status": 503, "times": 0}])
    with pytest.raises(CommandError, match=r"Continue with --until \d{4}-"):
        run_command("henry_reconcile")
    with pytest.raises(CommandError, match="not a time"):
        run_command("henry_reconcile", "--since", "yesterday")


def test_replay_lists_first_and_runs_only_with_yes(sandbox: Sandbox) -> None:
    order = build_paid_order(sandbox)
    event = Event.objects.get(type="purchase_completed")
    before = Received.objects.count()
    shown = run_command("henry_replay", "--event", event.ulid)
    assert "purchase_completed" in shown
    assert f"{event.ulid} order {order.number} #" in shown
    assert "\n\n" not in shown
    assert "would run again with --yes" in shown
    run_once()
    assert Received.objects.count() == before
    only = ["--receiver", next(name for name in receivers(event) if name.endswith("apps.record"))]
    assert "Deliveries that will run again: 1." in run_command(
        "henry_replay", "--event", event.ulid, *only, "--yes"
    )
    run_once()
    assert Received.objects.count() == before + 1
    assert Event.objects.get(type="event_replayed").source.startswith("staff:")
    assert "purchase_completed" in run_command("henry_replay", "--order", order.number)
    for wrong in ([], ["--event", "nonsense"], ["--type", "purchase_completed"]):
        with pytest.raises(CommandError):
            run_command("henry_replay", *wrong)


def receivers(event: Event) -> list[str]:
    return list(Delivery.objects.filter(event=event).values_list("receiver", flat=True))


def test_a_buyers_data_is_exported_and_erased(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = build_paid_order(sandbox)
    email = order.buyer.email
    target = tmp_path / "ada.json"
    run_command("henry_buyer", "export", email, "--output", str(target))
    assert target.stat().st_mode & 0o077 == 0
    assert json.loads(target.read_text())["orders"][0]["number"] == order.number
    assert json.loads(run_command("henry_buyer", "export", email))["email"] == email
    monkeypatch.setattr("builtins.input", lambda _question: "n")
    with pytest.raises(CommandError, match="Nothing was changed"):
        run_command("henry_buyer", "erase", email)
    assert OrderBuyer.objects.exists()
    output = run_command("henry_buyer", "erase", email, "--yes")
    assert "Erased from 1 orders" in output
    assert email not in output
    assert not OrderBuyer.objects.exists()


def test_reencrypt_covers_all_tables(sandbox: Sandbox, settings: Any) -> None:
    from cryptography.fernet import Fernet

    order = build_paid_order(sandbox)
    email = order.buyer.email
    keys = [Fernet.generate_key().decode()]
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "ENCRYPTION_KEYS": keys}
    assert "All personal data is encrypted" in run_command("henry_buyer", "reencrypt")
    assert OrderBuyer.objects.get().email == email
