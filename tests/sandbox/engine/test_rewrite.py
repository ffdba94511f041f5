"""The fault that changes a JSON response: members can be set, renamed and removed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import MUG, TEAPOT, Client


def fetch_rewritten(sandbox: Client, ref_id: str, **changes: Any) -> Any:
    sandbox.scenario(faults=[{"fault": "rewrite", "path": "/v1/cart/purchase/status", **changes}])
    return sandbox.status(ref_id)


@pytest.fixture
def ref_id(sandbox: Client) -> str:
    sandbox.scenario(timing={"pendingSeconds": 0, "processingSeconds": 0})
    return str(sandbox.purchase(sandbox.cart(MUG, TEAPOT)).json()["refId"])


def test_rewrite_sets_renames_and_removes(sandbox: Client, ref_id: str) -> None:
    original = sandbox.status(ref_id)
    rewritten = fetch_rewritten(
        sandbox,
        ref_id,
        set={"status": "processing", "products.*.status": "teleported", "new.deep": 1, "new": {"rate": 1.25}},
        rename={"result.costs.serviceFee": "fee", "products.0.link": "url", "nothing": "something"},
        remove=["details", "products.1.quantity", "result.items.*.costs.tax", "nothing.at.all"],
    )
    assert (rewritten["status"], rewritten["new"]) == ("processing", {"rate": 1.25})
    assert [row["status"] for row in rewritten["products"]] == ["teleported"] * 2
    assert rewritten["result"]["costs"]["fee"] == original["result"]["costs"]["serviceFee"]
    assert "serviceFee" not in rewritten["result"]["costs"]
    assert [("url" in row, "link" in row, "quantity" in row) for row in rewritten["products"]] == [
        (True, False, True),
        (False, True, False),
    ]
    assert "details" not in rewritten
    assert all("tax" not in row["costs"] for row in rewritten["result"]["items"])
    # Nothing else changes, and the fault applies once.
    assert (
        rewritten["result"]["items"][0]["costs"]["total"] == original["result"]["items"][0]["costs"]["total"]
    )
    assert sandbox.status(ref_id) == original


def test_rewrite_handles_wildcards_and_lists(sandbox: Client, ref_id: str) -> None:
    assert set(fetch_rewritten(sandbox, ref_id, set={"*": None}).values()) == {None}
    assert fetch_rewritten(sandbox, ref_id, set={"products.*": None})["products"] == [None, None]
    assert fetch_rewritten(sandbox, ref_id, remove=["products.*"])["products"] == []
    assert len(fetch_rewritten(sandbox, ref_id, remove=["products.0"])["products"]) == 1
    assert fetch_rewritten(sandbox, ref_id, remove=["*"]) == {}


def test_rewrite_keeps_exact_amounts(sandbox: Client, ref_id: str) -> None:
    original = sandbox.api("GET", "/cart/purchase/status", params={"refId": ref_id}).text
    sandbox.fault("rewrite", set={"refId": ref_id})
    again = sandbox.api("GET", "/cart/purchase/status", params={"refId": ref_id})
    assert again.text == original
    assert int(again.headers["Content-Length"]) == len(original)


def test_rewrite_ignores_other_content_and_keeps_the_status(sandbox: Client) -> None:
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
def test_an_invalid_rewrite_is_refused(sandbox: Client, entry: dict[str, Any], part: str) -> None:
    faults = [{"fault": "rewrite", **entry}]
    response = sandbox.raw("POST", "/__sandbox__/scenario", json={"faults": faults})
    assert response.status_code == 400
    assert part in response.json()["message"]
