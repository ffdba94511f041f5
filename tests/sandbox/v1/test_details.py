from __future__ import annotations

import re

from tests.sandbox.client import ADDRESS, JACKET, MUG, TEAPOT, Client

REF = r"{}-ref_[0-9a-f]{{8}}-[0-9a-f]{{4}}-4[0-9a-f]{{3}}-[0-9a-f]{{4}}"


def test_details_have_one_job_per_merchant(sandbox: Client) -> None:
    cart_id = sandbox.cart(MUG, JACKET, TEAPOT)
    body = {"buyer": {"shippingAddress": ADDRESS}, "coupons": ["SAVE10", "NOPE"]}
    jobs = sandbox.api("POST", f"/cart/{cart_id}/details", body).json()["data"]["jobs"]
    assert len(jobs) == 2
    assert jobs[0]["status"] == "pending"
    assert re.fullmatch(REF.format("ckd"), jobs[0]["refId"])
    sandbox.advance(1)
    ended = sandbox.api("GET", f"/cart/checkout/status?refId={jobs[0]['refId']}").json()
    assert ended["status"] == "complete"
    assert len(ended["result"]["items"]) == 2
    whole = ended["result"]["data"]
    assert whole["costs"]["subtotal"]["value"] == 104.00
    assert whole["costs"]["discount"]["value"] == 10.40
    assert [option["id"] for option in whole["shippingOptions"]] == ["standard", "express"]
    assert {coupon["code"]: coupon["available"] for coupon in whole["coupons"]} == {
        "SAVE10": True,
        "NOPE": False,
    }
    assert sandbox.api("GET", "/cart/checkout/status?refId=ckd-ref_x").status_code == 404
    assert sandbox.api("POST", f"/cart/{cart_id}/details", {}).status_code == 400
