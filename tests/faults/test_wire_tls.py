"""Whoever answers in Henry's place: his certificate is for another host, too old, or of no authority that is known."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from requests import adapters

from django_henry_checkout.exceptions import GatewayUnavailable
from django_henry_checkout.flows.checkout.confirm import Payment, buy_cart
from django_henry_checkout.flows.checkout.inline import begin_inline
from django_henry_checkout.models import Cart, Order, Purchase
from django_henry_checkout.testing.sandbox import Sandbox
from tests.faults.wire import Options, events, options, settle
from tests.gateway.test_transport import Henry, connected, running
from tests.support.inline import BUYER, TOTAL, bought, buying_calls, card_of, total_of, world

__all__ = ["options"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("options")]

#: Made for these tests alone. All three are for one key and by one authority: `good` for 127.0.0.1 until 2126,
#: `elsewhere` for elsewhere.example, `expired` for 127.0.0.1 until 2020.
AUTHORITY = """
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIURO1Iox+5iRyRH9Ui6UyGYl7PxPswCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPQ0Egb2YgdGhlIHRlc3RzMCAXDTI2MTEyMjA3MTgzMloYDzIx
MjYxMDI5MDcxODMyWjAaMRgwFgYDVQQDDA9DQSBvZiB0aGUgdGVzdHMwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAASyYo3nSI8wCIsTgB38JDtZfTVizZvzovoHjb+r
zDWWwxYVRx2I5zMzV8cu0PeX4H3pD/SATJNF2Ztr5mV9n5aqo2MwYTAdBgNVHQ4E
FgQUzUr0ZHsVZMT8hQILRep8Dt7lM8EwHwYDVR0jBBgwFoAUzUr0ZHsVZMT8hQIL
Rep8Dt7lM8EwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZI
zj0EAwIDSAAwRQIhAP8R2vEcVQqv8JgNgE63ij+tNvloT6JR+mre6bnIndVgAiBU
4za+3ostpNKEey+FM+ShSbfwuFbPHSRucoI+FZFdFw==
-----END CERTIFICATE-----
"""
KEY = """
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgH89ot6yR9j0ZSHa3
czNELbnIjgjtxZ5eIrYjJTWL67yhRANCAASehW6BXBQMFuMEiiHJeYAljLeDvnVw
RGRUw1zO+1n3LPYjAuuUvpOt0hOyy9RDQfokp55SXIKuqwqq7ANba1C1
-----END PRIVATE KEY-----
"""
CERTIFICATES = {
    "good": """
-----BEGIN CERTIFICATE-----
MIIBpzCCAU2gAwIBAgICEAAwCgYIKoZIzj0EAwIwGjEYMBYGA1UEAwwPQ0Egb2Yg
dGhlIHRlc3RzMCAXDTI2MDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjAdMRsw
GQYDVQQDDBJoZW5yeSBvZiB0aGUgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAASehW6BXBQMFuMEiiHJeYAljLeDvnVwRGRUw1zO+1n3LPYjAuuUvpOt0hOy
y9RDQfokp55SXIKuqwqq7ANba1C1o34wfDAaBgNVHREEEzARhwR/AAABgglsb2Nh
bGhvc3QwCQYDVR0TBAIwADATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNVHQ4EFgQU
F92ugTtoIYXTi++ieYGVCcHvSaswHwYDVR0jBBgwFoAUzUr0ZHsVZMT8hQILRep8
Dt7lM8EwCgYIKoZIzj0EAwIDSAAwRQIgaONARuu8yZOG5Zcp+6ypPh+dxqKl77CC
1ep4NX1fXbwCIQCgGkalK1Y84iHUTwI3F1+JBZAT4ZBT0h6fUBa8Pkgq5A==
-----END CERTIFICATE-----
""",
    "elsewhere": """
-----BEGIN CERTIFICATE-----
MIIBqTCCAVCgAwIBAgICEAEwCgYIKoZIzj0EAwIwGjEYMBYGA1UEAwwPQ0Egb2Yg
dGhlIHRlc3RzMCAXDTI2MDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjAdMRsw
GQYDVQQDDBJoZW5yeSBvZiB0aGUgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAASehW6BXBQMFuMEiiHJeYAljLeDvnVwRGRUw1zO+1n3LPYjAuuUvpOt0hOy
y9RDQfokp55SXIKuqwqq7ANba1C1o4GAMH4wHAYDVR0RBBUwE4IRZWxzZXdoZXJl
LmV4YW1wbGUwCQYDVR0TBAIwADATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNVHQ4E
FgQUF92ugTtoIYXTi++ieYGVCcHvSaswHwYDVR0jBBgwFoAUzUr0ZHsVZMT8hQIL
Rep8Dt7lM8EwCgYIKoZIzj0EAwIDRwAwRAIgJUvLf2AtcojBChZmVEw30LUSYt6p
ojct9cxBEmzDAxMCIH9lcRNmAXeOkdiCm7juXXB0I9TpIGBwFn+8s8rJvQVN
-----END CERTIFICATE-----
""",
    "expired": """
-----BEGIN CERTIFICATE-----
MIIBpjCCAUugAwIBAgICEAIwCgYIKoZIzj0EAwIwGjEYMBYGA1UEAwwPQ0Egb2Yg
dGhlIHRlc3RzMB4XDTIwMDEwMTAwMDAwMFoXDTIwMDIwMTAwMDAwMFowHTEbMBkG
A1UEAwwSaGVucnkgb2YgdGhlIHRlc3RzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD
QgAEnoVugVwUDBbjBIohyXmAJYy3g751cERkVMNczvtZ9yz2IwLrlL6TrdITssvU
Q0H6JKeeUlyCrqsKquwDW2tQtaN+MHwwGgYDVR0RBBMwEYcEfwAAAYIJbG9jYWxo
b3N0MAkGA1UdEwQCMAAwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFBfd
roE7aCGF04vvonmBlQnB70mrMB8GA1UdIwQYMBaAFM1K9GR7FWTE/IUCC0XqfA7e
5TPBMAoGCCqGSM49BAMCA0kAMEYCIQCwl6nEPssaG5m26Et5e/pO7isJA406pFSe
pyGcE9JebQIhAMp5tJEtn+A9ne8Mun4PLODdJWgb60/KeNHUV/Zw4GS5
-----END CERTIFICATE-----
""",
}


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one authority that this machine believes."""
    file = tmp_path / "authority.pem"
    file.write_text(AUTHORITY)
    monkeypatch.setattr(adapters, "DEFAULT_CA_BUNDLE_PATH", str(file))
    return file


@pytest.fixture
def stands_in(authority: Path, tmp_path: Path) -> Iterator[Callable[[str], Henry]]:
    """Answer in Henry's place, with one of the certificates."""
    with ExitStack() as stack:

        def start(certificate: str) -> Henry:
            pair = tmp_path / f"{certificate}.pem"
            pair.write_text(KEY + CERTIFICATES[certificate])
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(pair)
            return stack.enter_context(running(tls))

        yield start


def test_a_good_certificate_is_believed(stands_in: Callable[[str], Henry]) -> None:
    """So the tests below can fail."""
    server = stands_in("good")
    with connected(server.url) as transport:
        assert transport.read("GET", "/v1/x") == {}
    assert len(server.asked) == 1


@pytest.mark.parametrize("certificate", ["elsewhere", "expired"])
def test_fault_37_a_wrong_certificate_ends_the_purchase_before_it_is_sent(
    sandbox: Sandbox, options: Options, cart: Cart, stands_in: Callable[[str], Henry], certificate: str
) -> None:
    world(sandbox)
    begin_inline(cart)  # so that the call that buys is the next one
    server = stands_in(certificate)
    options(BASE_URL=server.url)
    with pytest.raises(GatewayUnavailable) as caught:
        buy_cart(cart, BUYER, Payment(card=card_of("v1")))
    assert not caught.value.maybe_sent
    assert (server.accepted, list(server.asked)) == (1, [])
    assert (Purchase.objects.get().status, events("purchase_in_doubt")) == ("abandoned", 0)
    assert sandbox.orders() == []

    options(BASE_URL=sandbox.url)
    buy_cart(cart, BUYER, Payment(card=card_of("v1")))  # nothing has left: it may be sent again
    settle(sandbox, seconds=60)
    assert (Order.objects.get().status, total_of(bought(sandbox))) == ("completed", TOTAL)
    assert len(buying_calls(sandbox)) == 1
