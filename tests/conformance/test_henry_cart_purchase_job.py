"""Seed 001, Henry's page Cart Purchase. Heading: Response: the job, its status by refId, and its end."""

from __future__ import annotations

import re
from typing import Any

import pytest

from django_henry_checkout.testing.sandbox import Sandbox
from tests.conformance.henry_bodies import (
    ADDRESS,
    BOOTS,
    MUG,
    NAME,
    REF_ID,
    SAMPLE,
    key,
    ok,
    server,
    session_of,
    start,
    time_passes,
)
from tests.conformance.test_henry_cart_purchase import PURCHASE, STATUS, sample, status, without
from tests.support.api import Api, assert_problem, guest
from tests.support.headless import purchase_as_henry_shows_it
from tests.support.inline import buying_calls, buys, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("polls_at_once")]
#: Workers have connections of their own.
with_workers = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["v1", "v1-rpc"])
def version(request: Any, settings: Any, sandbox: Sandbox, polls_at_once: None) -> str:
    return start(settings, sandbox, request.param)


def bought(**changes: Any) -> tuple[Api, dict[str, Any]]:
    holder, cart = guest(BOOTS, MUG)
    return holder, ok(holder("POST", PURCHASE, sample(cart, **changes), **key()))


def usd(value: float) -> dict[str, Any]:
    return {"value": value, "currency": "USD"}


def test_the_queued_job(version: str) -> None:
    holder, job = bought()
    assert set(job) == {"refId", "status", "products", "details", "orderId"}
    assert REF_ID.fullmatch(job["refId"])
    assert job["status"] == "pending"
    boots, mug = job["products"]
    assert boots == {
        "status": "pending",
        "link": BOOTS["link"],
        "quantity": 2,
        "merchant": boots["merchant"],
        "host": "alpine.example",
        "variant": "10, Black",
        "selectedOptions": ["10", "Black"],
        "metadata": {"color": "Black"},
    }
    assert boots["merchant"] in {"Alpine", "alpine.example"}
    assert (mug["status"], mug["link"], mug["quantity"], mug["variant"]) == ("pending", MUG["link"], 1, "")
    assert ok(holder("GET", f"orders/{job['orderId']}"))["status"] == "placed"


def test_details(version: str) -> None:
    details = bought()[1]["details"]
    assert details["hasAccount"] is False
    assert (details["name"], details["email"]) == (NAME, SAMPLE["buyer"]["email"])
    assert details["shippingAddress"] == ADDRESS
    assert details["phone"] == {
        "countryCode": details["phone"]["countryCode"],
        "nationalNumber": "234567890",
        "e164": "+1234567890",
        "country": "US",
    }
    assert details["phone"]["countryCode"].lstrip("+") == "1"
    assert details["settings"] == {"collectEmail": True, "collectAddress": True, "collectPhone": True}


def test_details_of_the_card(version: str) -> None:
    billing = {**ADDRESS, "line1": "9 Bank St"}
    holder, cart = guest(BOOTS)
    body = sample(cart)
    body["buyer"]["card"]["billingAddress"] = billing
    job = ok(holder("POST", PURCHASE, body, **key()))
    assert job["details"]["card"]["details"] == {}
    assert job["details"]["card"]["billingAddress"] == billing
    assert job["details"]["card"]["nameOnCard"] == NAME
    assert "card_test_pays" not in str(job)


def test_an_account_of_the_shop(version: str, client: Any, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user("ada"))
    page = Api(client)
    cart = ok(page("POST", "cart", {"items": [BOOTS]}), 201)
    assert ok(page("POST", PURCHASE, sample(cart), **key()))["details"]["hasAccount"] is True


@with_workers
def test_status_moves_by_ref_id(sandbox: Sandbox, version: str) -> None:
    sandbox.scenario(timing={"pendingSeconds": 100, "processingSeconds": 1000})
    holder, job = bought()
    assert status(holder, job) == job
    time_passes(sandbox, 200)
    running = status(holder, job)
    assert running["status"] == "processing"
    assert [product["status"] for product in running["products"]] == ["processing", "processing"]
    assert "result" not in running
    time_passes(sandbox, 2000)
    done = status(holder, job)
    assert (done["status"], done["refId"]) == ("complete", job["refId"])
    assert [product["status"] for product in done["products"]] == ["complete", "complete"]
    assert "error" not in done
    assert ok(holder("GET", f"orders/{job['orderId']}"))["status"] == "completed"


def test_status_of_strangers_and_of_nothing(version: str) -> None:
    holder, job = bought()
    query = f"{STATUS}?refId={job['refId']}"
    assert_problem(session_of("forged")("GET", query), 401, "token_invalid")
    for stranger in (Api(), guest(BOOTS)[0]):
        assert_problem(stranger("GET", query), 404, "purchase_not_found")
    assert ok(server()("GET", query))["refId"] == job["refId"]
    for unknown in ("", "?refId=", "?refId=nonsense", "?refId=ckp-ref_3fa85f64-5717-4562-b3fc"):
        assert_problem(holder("GET", f"{STATUS}{unknown}"), 404, "purchase_not_found")


@with_workers
def test_result(sandbox: Sandbox, version: str) -> None:
    holder, cart = guest(BOOTS, MUG)
    body = without(without(sample(cart), "selectedShippingOption"), "coupons")
    job = ok(holder("POST", PURCHASE, body, **key()))
    time_passes(sandbox, 60)
    result = status(holder, job)["result"]
    assert result["costs"] == {
        "subtotal": usd(220),
        "commissionFee": result["costs"]["commissionFee"],
        "total": usd(249.6),
    }
    assert result["costs"]["commissionFee"] in (usd(0), None)
    boots, mug = result["items"]
    assert [item["productLink"] for item in (boots, mug)] == [BOOTS["link"], MUG["link"]]
    assert boots["costs"] == {
        "total": usd(222),
        "subtotal": usd(200),
        "tax": usd(16),
        "shipping": usd(6),
        "discount": usd(0),
    }
    assert all(item["confirmationNumber"] for item in (boots, mug))
    option = boots["shippingOption"]
    assert (option["id"], option["name"], option["cost"]) == ("standard", "Standard", usd(6))
    assert option["timeEstimate"]
    assert re.match(r"\d{4}-\d\d-\d\d", option["minDate"])
    assert option["minDate"] < option["maxDate"]
    assert "appliedCoupon" not in boots
    assert (boots["metadata"], mug["metadata"]) == ({"color": "Black"}, {})


@with_workers
def test_selected_shipping_option(sandbox: Sandbox, version: str) -> None:
    holder, job = bought(coupons=[])
    time_passes(sandbox, 60)
    items = status(holder, job)["result"]["items"]
    assert [item["shippingOption"]["id"] for item in items] == ["express", "express"]
    assert [item["costs"]["shipping"] for item in items] == [usd(14), usd(14)]


@with_workers
@pytest.mark.parametrize(("code", "saved", "name"), [("SAVE10", 20, "discount"), ("FREESHIP", 0, "shipping")])
def test_applied_coupon(sandbox: Sandbox, version: str, code: str, saved: int, name: str) -> None:
    holder, job = bought(coupons=["SUMMER21", code])
    time_passes(sandbox, 60)
    boots = status(holder, job)["result"]["items"][0]
    assert boots["appliedCoupon"] == {"code": code, "savedAmount": usd(saved)}
    assert boots["costs"][name] == usd(saved)


@with_workers
def test_metadata_of_the_request_reaches_henry(sandbox: Sandbox, version: str) -> None:
    metadata = {"campaign_id": "autumn", "innerId": {"aB": 1}}
    holder, job = bought(metadata=metadata)
    time_passes(sandbox, 60)
    at_henry = purchase_as_henry_shows_it(sandbox, version, job["refId"])
    assert at_henry["result"]["items"][1]["metadata"] == metadata
    assert status(holder, job)["result"]["items"][0]["metadata"]["color"] == "Black"


@with_workers
@pytest.mark.parametrize("token", ["card_test_declined", "card_test_cancelled"])
def test_error(sandbox: Sandbox, version: str, token: str) -> None:
    holder, cart = guest(BOOTS, MUG)
    job = ok(holder("POST", PURCHASE, sample(cart, token=token), **key()))
    time_passes(sandbox, 60)
    ended = status(holder, job)
    # Early v1 has no status for failure; current v1 has `failed` (henry-api.md 6.1).
    is_declined = token == "card_test_declined"
    assert ended["status"] == ("failed" if is_declined and version == "v1" else "cancelled")
    assert ended["error"] == {"code": "card_declined" if is_declined else "order_cancelled"}
    assert "result" not in ended
    assert {product["status"] for product in ended["products"]} <= {"failed", "cancelled"}


def in_doubt(sandbox: Sandbox, version: str, fault: str) -> tuple[Api, dict[str, Any], dict[str, Any]]:
    world(sandbox, faults=[buys(version, fault)])
    holder, cart = guest(BOOTS, MUG)
    body = sample(cart)
    return holder, body, ok(holder("POST", PURCHASE, body, **key()), 202)


def test_in_doubt_there_is_a_ref_of_ours_and_nothing_is_sent_again(sandbox: Sandbox, version: str) -> None:
    holder, body, job = in_doubt(sandbox, version, "reset")
    assert (bool(REF_ID.fullmatch(job["refId"])), job["status"]) == (True, "pending")
    again = holder("POST", PURCHASE, body, **key())
    assert (ok(again, 202)["refId"], again["Idempotent-Replayed"]) == (job["refId"], "true")
    problem = assert_problem(holder("POST", PURCHASE, body, **key("other")), 409, "purchase_under_way")
    assert problem["orderId"] == job["orderId"]
    assert (len(buying_calls(sandbox)), sandbox.orders()) == (1, [])


@pytest.mark.parametrize("fault", ["lost_reply", "reset"])
def test_in_doubt_status_is_read_by_our_ref(sandbox: Sandbox, version: str, fault: str) -> None:
    holder, _body, job = in_doubt(sandbox, version, fault)
    assert status(holder, job) == job
    stranger = guest(BOOTS)[0]
    assert_problem(stranger("GET", f"{STATUS}?refId={job['refId']}"), 404, "purchase_not_found")


@with_workers
def test_in_doubt_then_found_under_both_refs(sandbox: Sandbox, version: str) -> None:
    holder, body, job = in_doubt(sandbox, version, "lost_reply")
    time_passes(sandbox, 60)
    [order] = sandbox.orders()
    assert order["refId"] != job["refId"]
    for ref_id in (order["refId"], job["refId"]):
        found = status(holder, {"refId": ref_id})
        assert (found["refId"], found["status"]) == (order["refId"], "complete")
        assert found["orderId"] == job["orderId"]
    assert ok(holder("POST", PURCHASE, body, **key()))["refId"] == order["refId"]
    assert len(buying_calls(sandbox)) == 1
