from __future__ import annotations

import re
from pathlib import Path

from tests.sandbox.client import Client, SandboxProcess, product
from tests.sandbox.v0.calls import add, confirm, items, link_of, quote

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


RAW_CARD = {
    "cardNumber": "4242424242424242",
    "cardExp": "12/39",
    "cardHolder": "Ada Lovelace",
    "email": "ada@shop.example",
    "phoneNumber": "+12125550123",
    "billingAddress": "350 Harbour Street",
    "zipCode": "10001",
    "cardCvv": "123",
}


def test_raw_cards_are_refused_unless_allowed(sandbox: Client) -> None:
    refused = sandbox.v0("POST", "/wallet/cards/collect", RAW_CARD)
    assert refused.status_code == 400
    assert "42424242" not in refused.text


def test_raw_cards_can_be_allowed(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    running = SandboxProcess("--allow-raw-card", "--state", str(state))
    client = Client(running.url)
    stored = client.v0("POST", "/wallet/cards/collect", RAW_CARD)
    assert stored.status_code == 200, stored.text
    body = stored.json()
    assert body["data"] == {"cardId": body["id"], "last4Digits": "4242"}
    assert re.fullmatch(UUID, body["requestId"])
    for change in (
        {"cardNumber": "4242424242424241"}, {"cardNumber": "1"}, {"cardExp": "2039-12"}, {"cardExp": "13/39"},
        {"cardCvv": "12"}, {"phoneNumber": "0123"}, {"email": "x"}, {"zipCode": ""}, {"cardHolder": None},
        {"isDefault": 1},
    ):  # fmt: skip
        assert client.v0("POST", "/wallet/cards/collect", {**RAW_CARD, **change}).status_code == 400, change
    add(client, product())
    token = quote(client)["session_token"]
    link = link_of(client)
    client.session.close()
    running.stop()
    assert "4242424242424242" not in state.read_text()

    # Carts, cards, sessions and links survive a restart.
    running = SandboxProcess("--state", str(state))
    client = Client(running.url)
    later = link.replace(link.partition("/?")[0], client.url)
    assert client.session.get(later, timeout=5).status_code == 200
    order = confirm(client, token).json()["data"]
    assert order["cardLast4"] == "4242"
    assert "has been paid for" in client.session.get(later, timeout=5).text
    client.session.close()
    running.stop()

    running = SandboxProcess("--state", str(state))
    client = Client(running.url)
    assert client.v0("GET", f"/orders/{order['id']}").json()["data"]["userId"] == "ada"
    assert items(client) == []
    client.session.close()
    running.stop()
