"""The fault that changes the usual answer: statuses that go back, unknown words, other names, nothing at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import MUG, TEAPOT, Client


def shown(sandbox: Client, ref_id: str, **changes: Any) -> Any:
    sandbox.scenario(faults=[{"fault": "rewrite", "path": "/v1/cart/purchase/status", **changes}])
    return sandbox.status(ref_id)


@pytest.fixture
def ref_id(sandbox: Client) -> str:
    sandbox.scenario(timing={"pendingSeconds": 0, "processingSeconds": 0})
    return str(sandbox.purchase(sandbox.cart(MUG, TEAPOT)).json()["refId"])


def test_rewrite_sets_renames_and_removes(sandbox: Client, ref_id: str) -> None:
    usual = sandbox.status(ref_id)
    got = shown(
        sandbox,
        ref_id,
        set={"status": "processing", "products.*.status": "teleported", "new.deep": 1, "new": {"rate": 1.25}},
        rename={"result.costs.serviceFee": "fee", "products.0.link": "url", "nothing": "something"},
        remove=["details", "products.1.quantity", "result.items.*.costs.tax", "nothing.at.all"],
    )
    assert (got["status"], got["new"]) == ("processing", {"rate": 1.25})
    assert [row["status"] for row in got["products"]] == ["teleported"] * 2
    assert got["result"]["costs"]["fee"] == usual["result"]["costs"]["serviceFee"]
    assert "serviceFee" not in got["result"]["costs"]
    assert [("url" in row, "link" in row, "quantity" in row) for row in got["products"]] == [
        (True, False, True),
        (False, True, False),
    ]
    assert "details" not in got
    assert all("tax" not in row["costs"] for row in got["result"]["items"])
    # Nothing else is touched, and it struck once.
    assert got["result"]["items"][0]["costs"]["total"] == usual["result"]["items"][0]["costs"]["total"]
    assert sandbox.status(ref_id) == usual


def test_rewrite_with_null_everywhere_and_shorter_lists(sandbox: Client, ref_id: str) -> None:
    assert set(shown(sandbox, ref_id, set={"*": None}).values()) == {None}
    assert shown(sandbox, ref_id, set={"products.*": None})["products"] == [None, None]
    assert shown(sandbox, ref_id, remove=["products.*"])["products"] == []
    assert len(shown(sandbox, ref_id, remove=["products.0"])["products"]) == 1
    assert shown(sandbox, ref_id, remove=["*"]) == {}


def test_rewrite_keeps_amounts_to_the_last_digit(sandbox: Client, ref_id: str) -> None:
    usual = sandbox.api("GET", "/cart/purchase/status", params={"refId": ref_id}).text
    sandbox.fault("rewrite", set={"refId": ref_id})
    again = sandbox.api("GET", "/cart/purchase/status", params={"refId": ref_id})
    assert again.text == usual
    assert int(again.headers["Content-Length"]) == len(usual)


def test_rewrite_leaves_what_is_no_json_and_keeps_the_status(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG)
    sandbox.fault("rewrite", path="*", times=2, set={"message": "changed"})
    assert "<html" in sandbox.raw("GET", f"/cart/{cart_id}").text
    refused = sandbox.api("GET", "/cart/purchase/status")
    assert (refused.status_code, refused.json()["message"]) == (400, "changed")


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ({}, "rewrite"),
        ({"set": []}, "faults[0].set"),
        ({"set": {"": 1}}, "paths"),
        ({"set": {"a..b": 1}}, "paths"),
        ({"remove": ["a*"]}, "paths"),
        ({"remove": "a"}, "faults[0].remove"),
        ({"rename": {"a": 7}}, "faults[0].rename"),
        ({"rename": {"a": "b.c"}}, "faults[0].rename"),
        ({"put": {}}, "put"),
    ],
)
def test_a_wrong_rewrite_is_refused(sandbox: Client, entry: dict[str, Any], part: str) -> None:
    faults = [{"fault": "rewrite", **entry}]
    answer = sandbox.raw("POST", "/__sandbox__/scenario", json={"faults": faults})
    assert answer.status_code == 400
    assert part in answer.json()["message"]
