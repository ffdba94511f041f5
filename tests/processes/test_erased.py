"""An erasure leaves no trace of the buyer in a dump of the database, in logs or at the broker."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from django_henry_checkout.flows.access.customer_tokens import create_customer_token
from django_henry_checkout.flows.checkout.inline import begin_inline, set_buyer
from django_henry_checkout.flows.checkout.quotes import quote_session
from django_henry_checkout.flows.operations.privacy import erase_buyer
from django_henry_checkout.models import Order, OrderBuyer
from django_henry_checkout.testing.builders import build_cart
from django_henry_checkout.testing.sandbox import Sandbox
from example_project.shop.models import Receipt
from tests.processes.conftest import Starter, wait_until_quiet
from tests.support.inline import BUYER, confirm, fresh, world
from tests.support.workers import Beat, CeleryWorker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

#: Texts that only the buyer's data contains.
CANARIES = (BUYER.email, BUYER.last_name, BUYER.phone, "350 Fifth Avenue")


def dump(folder: Path) -> str:
    """Return a dump of the whole database."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        return "\n".join(connection.connection.iterdump())
    found = shutil.which("pg_dump") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))))
    known: dict[str, Any] = connection.settings_dict
    target = folder / "dump.sql"
    command = [str(found), "--host", known["HOST"], "--port", str(known["PORT"]), "--username", known["USER"]]
    environment = {**os.environ, "PGPASSWORD": known["PASSWORD"] or ""}
    subprocess.run([*command, "--file", str(target), known["NAME"]], check=True, env=environment)
    return target.read_text()


def at_the_broker(url: str) -> str:
    """Return every key and value of the broker."""
    server = redis.Redis.from_url(url)
    texts = []
    for key in server.scan_iter("*", count=1000):
        texts.append(repr(key))
        read = {b"list": lambda k: server.lrange(k, 0, -1), b"hash": server.hgetall, b"set": server.smembers}
        kind = server.type(key)
        texts.append(repr(read[kind](key) if kind in read else server.dump(key)))
    return "\n".join(texts)


def found_in(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


def test_fault_59_no_data_of_an_erased_buyer_is_left(
    sandbox: Sandbox,
    redis_url: str,
    open_shop: Starter,
    start: Starter,
    wakeups: None,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    django_user_model: Any,
) -> None:
    caplog.set_level(logging.DEBUG)
    world(sandbox)
    shop = open_shop(redis_url)
    workers = [start(CeleryWorker, shop), start(Beat, shop)]
    begun = begin_inline(build_cart())
    set_buyer(fresh(begun.session), lambda _known: BUYER, strict=True)
    create_customer_token(BUYER)
    quote_session(fresh(begun.session))
    confirm(begun, "v1")
    sandbox.advance(600)
    wait_until_quiet()
    order = Order.objects.get()
    assert order.status == "completed"
    assert set(found_in(dump(tmp_path))) == set(CANARIES)  # else the dump proves nothing
    staff = Client()
    staff.force_login(django_user_model.objects.create_superuser("grace"))
    page = reverse("admin:henry_checkout_order_change", args=[order.pk])
    assert found_in(staff.get(page).content.decode())

    erased = erase_buyer(BUYER.email.upper(), by="staff:grace")
    assert (erased.orders, erased.customer_sessions) == (1, 1)
    Receipt.objects.update(sent_to="")  # the shop cleans its own rows
    assert not OrderBuyer.objects.exists()
    assert found_in(dump(tmp_path)) == []
    assert found_in(at_the_broker(redis_url)) == []
    assert found_in(caplog.text) == []
    for worker in workers:
        worker.end()
        assert found_in(worker.output()) == []
    assert found_in(staff.get(page).content.decode()) == []
    assert [message for message in mail.outbox if found_in(message.body)] == []
