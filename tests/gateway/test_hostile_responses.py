"""Regression tests for the findings of a security review of the gateway."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from django_henry_checkout.exceptions import (
    BadResponse,
    ConfigurationError,
    GatewayError,
    GatewayTimeout,
    GatewayUnavailable,
    RateLimited,
    Rejected,
)
from django_henry_checkout.gateway.transport import Transport
from django_henry_checkout.gateway.v1 import GatewayV1
from django_henry_checkout.types import Buyer, Card, PurchaseRequest
from tests.gateway.test_transport import (
    account,
    answer,
    connected,
    hang_up,
    henry,
    impatient,
    options,
    sends,
    transport,
)
from tests.support.shop import ROOT

__all__ = ["henry", "impatient", "options", "transport"]  # fixtures


def test_a_lost_response_is_maybe_sent_even_while_the_caller_handles_an_error(
    henry: Any, transport: Transport
) -> None:
    henry.will(hang_up)
    try:
        socket.create_connection(("127.0.0.1", 1), timeout=1)  # the caller's own error
    except ConnectionRefusedError:
        with pytest.raises(GatewayUnavailable) as caught:
            transport.send_once("POST", "/v1/cart/x/purchase", body={})
    assert len(henry.asked) == 1
    assert caught.value.maybe_sent


@pytest.mark.parametrize("number", ["1e1000000000000000000", "1e-9999999999999999999"])
@pytest.mark.parametrize(("status", "kind"), [(200, BadResponse), (400, Rejected)])
def test_numbers_out_of_range_are_a_gateway_error(
    henry: Any, transport: Transport, number: str, status: int, kind: type[GatewayError]
) -> None:
    henry.will(answer(b'{"value": %s}' % number.encode(), status))
    with pytest.raises(kind):
        transport.send_once("GET", "/v1/x")


@pytest.mark.parametrize(
    "pause",
    ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"],
)
def test_an_invalid_pause_is_ignored(henry: Any, transport: Transport, pause: str) -> None:
    henry.will(answer(b"", 429, Retry_After=pause))
    with pytest.raises(RateLimited) as caught:
        transport.send_once("GET", "/v1/x")
    assert caught.value.retry_after is None


def test_a_503_may_request_a_pause_too(henry: Any, transport: Transport) -> None:
    henry.will(answer(b"", 503, Retry_After="60"))
    with pytest.raises(GatewayUnavailable) as caught:
        transport.read("GET", "/v1/x")
    assert (len(henry.asked), caught.value.retry_after) == (1, 60)


@pytest.mark.parametrize(
    "reply",
    [
        sends(b"HTTP/1.1 204 No Content\r\n\r\n", then=lambda *_any: None),
        answer(b""),
        answer(b"OK", kind="text/plain"),
    ],
)
def test_deleting_a_cart_succeeds_by_its_status(henry: Any, transport: Transport, reply: Any) -> None:
    henry.will(reply)
    GatewayV1(transport).delete_cart("crt_1")


def test_a_purchase_may_take_longer_than_a_read(henry: Any, transport: Transport, options: Any) -> None:
    options(READ_TIMEOUT=0.2, TOTAL_TIMEOUT=0.3, PURCHASE_TIMEOUT=5)

    def slow(connection: Any, request: Any) -> None:
        time.sleep(0.6)
        answer(b'{"refId": "ckp-ref_1", "status": "pending"}')(connection, request)

    henry.will(slow)
    request = PurchaseRequest(buyer=Buyer(first_name="A"), card=Card(token="card_x"))
    assert GatewayV1(transport).purchase("crt_1", request).status == "pending"


def test_connecting_counts_towards_the_total_timeout(options: Any) -> None:
    options(CONNECT_TIMEOUT=5.0, TOTAL_TIMEOUT=0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with connected(url) as connection, pytest.raises(GatewayTimeout):
            connection.send_once("POST", "/v1/x", body={})
        assert time.monotonic() - started < 3


def test_ids_are_in_no_debug_log(henry: Any, transport: Transport, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    transport.send_once("GET", "/v1/cart/purchase/status", query={"refId": "ckp-ref_canary"})
    assert "/v1/cart/purchase/status" in caplog.text
    assert "canary" not in caplog.text


def test_a_lone_surrogate_is_sent_unchanged(henry: Any, transport: Transport) -> None:
    transport.send_once("POST", "/v1/cart", body={"note": "\ud83d"})
    assert len(henry.asked) == 1


def test_a_base_url_with_a_query_is_refused(henry: Any) -> None:
    for end in ("/#", "/?x="):
        with pytest.raises(ConfigurationError):
            Transport(account(henry.url + end))


@pytest.mark.parametrize("success", ["0", "null", '"false"', "[]", "false"])
def test_only_true_is_success(henry: Any, transport: Transport, success: str) -> None:
    henry.will(answer(b'{"success": %s, "message": "no", "data": {}}' % success.encode()))
    with pytest.raises(GatewayError):
        transport.send_once("POST", "/v1/x", body={})


@pytest.mark.parametrize("cart_id", ["", ".", ".."])
def test_an_id_that_changes_the_path_is_not_sent(henry: Any, transport: Transport, cart_id: str) -> None:
    with pytest.raises(Rejected) as caught:
        GatewayV1(transport).fetch_cart(cart_id)
    assert not caught.value.maybe_sent
    assert list(henry.asked) == []


def test_henrys_message_is_not_in_the_error_message(henry: Any, transport: Transport) -> None:
    henry.will(answer(b'{"message": "no buyer ada@example.com\\nINFO fake line"}', 400))
    with pytest.raises(Rejected) as caught:
        transport.send_once("POST", "/v1/x", body={})
    assert "ada@" not in str(caught.value)
    assert caught.value.detail == "no buyer ada@example.com INFO fake line"


def test_a_fork_while_a_gateway_is_made_does_not_hang_the_child() -> None:
    code = """
import os, signal, sys
from django.conf import settings
settings.configure(USE_TZ=True, HENRY_CHECKOUT={"API_KEY": "k", "BASE_URL": "http://127.0.0.1:1"})
from django_henry_checkout.conf import app_settings as henry
from django_henry_checkout import gateway
gateway._lock.acquire()  # as another thread would hold it
child = os.fork()
if not child:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(10)
    gateway.gateway_for(henry.account())
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
