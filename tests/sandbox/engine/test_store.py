from __future__ import annotations

import signal
from pathlib import Path

from tests.sandbox.client import MUG, TEAPOT, Client, SandboxProcess


def test_the_state_survives_a_restart_after_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    first = SandboxProcess("--state", str(state))
    client = Client(first.url)
    cart_id = client.cart({"link": MUG, "metadata": {"rate": 1.5}}, TEAPOT, tags={"a": "b"})
    other = client.cart(MUG)
    client.scenario(items={TEAPOT: "failed"}, timing={"pendingSeconds": 50})
    client.advance(100)
    before = client.purchase(cart_id).json()
    client.session.close()
    first.stop(signal.SIGKILL)

    second = SandboxProcess("--state", str(state))
    client = Client(second.url)
    assert client.status(before["refId"]) == before
    assert client.purchase(cart_id).status_code == 409
    assert client.control("clock")["offsetSeconds"] == 100
    client.advance(60)
    assert client.status(before["refId"])["status"] == "partially_complete"
    assert client.purchase(other).status_code == 200
    client.session.close()
    code, _ = second.stop()
    assert code == 0
    assert list(tmp_path.iterdir()) == [state]
