"""Quotes of all three generations against the sandbox: a purchase costs what was quoted."""

from __future__ import annotations

import time
from typing import Any

import pytest
from moneyed import Money

from django_henry_checkout import gateway as gateway_module
from django_henry_checkout.exceptions import (
    BadResponse,
    GatewayTimeout,
    GatewayUnavailable,
    NotFound,
    Rejected,
)
from django_henry_checkout.gateway import Gateway
from django_henry_checkout.testing.sandbox import Sandbox
from django_henry_checkout.types import HenryQuote, LineItem, MerchantQuote
from tests.support.headless import (
    BEANIE,
    BOOTS,
    BUYER,
    HOMELESS,
    ITEMS,
    MUG,
    V1,
    VERSIONS,
    calls_since,
    charged,
    pays,
    store_card,
    usd,
)
from tests.support.rejections import refused

QUOTE_V0 = "/v0/checkout/session/quote"
DETAILS = {"v1": "*/details", "v1-rpc": "/v1/cart/details"}
JOB_STATUS = {"v1": "/v1/cart/checkout/status", "v1-rpc": "/v1/cart/details/status"}


def quoted(henry: Gateway, cart_id: str, **more: Any) -> HenryQuote:
    return henry.quote(cart_id, **{"items": ITEMS, "buyer": BUYER, **more})


def bought(sandbox: Sandbox, henry: Gateway, cart_id: str, quote: HenryQuote, **more: Any) -> Money:
    """Buy what was quoted and return its cost."""
    if not henry.accepts_card_token:
        store_card(sandbox, cart_id)
    henry.purchase(cart_id, pays(quote_token=quote.token, **more))
    return charged(sandbox)


def total_of(quote: HenryQuote) -> Money:
    assert quote.costs.total is not None
    return quote.costs.total


# Costs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_purchase_costs_what_was_quoted(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    quote = quoted(henry, cart_id)
    assert (quote.costs.tax, quote.costs.shipping) == (usd("6.31"), usd("15.50"))
    assert total_of(quote) == usd("106.81")
    assert [(each.host, each.shipping) for each in quote.merchants] == [
        ("fernhill.example", usd("7.50")),
        ("kilnandtide.example", usd("8.00")),
    ]
    assert sandbox.orders() == []
    assert bought(sandbox, henry, cart_id, quote) == total_of(quote)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_quote_uses_a_changed_price(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    before = quoted(henry, cart_id)
    sandbox.scenario(prices={MUG: "38.00"})
    after = quoted(henry, cart_id)
    assert total_of(after) - total_of(before) == usd("21.40")  # 20.00 and the tax of 7 %
    assert bought(sandbox, henry, cart_id, after) == total_of(after)


@pytest.mark.parametrize("version", V1)
def test_each_merchant_offers_its_own_shipping(henry: Gateway, sandbox: Sandbox) -> None:
    items = [LineItem(link=BEANIE), LineItem(link=MUG), LineItem(link=BOOTS)]
    cart_id = henry.create_cart(items).cart_id
    fernhill, kiln = quoted(henry, cart_id, items=items).merchants
    assert (fernhill.host, fernhill.links) == ("fernhill.example", (BEANIE, BOOTS))
    assert (kiln.host, kiln.links) == ("kilnandtide.example", (MUG,))
    assert fernhill.shipping == usd(0)  # over its threshold
    assert kiln.shipping == usd("8.00")

    def offered(merchant: MerchantQuote) -> list[tuple[str, str, Money | None]]:
        return [(option.option_id, option.name, option.cost) for option in merchant.options]

    assert offered(fernhill) == [("standard", "Standard", usd(0)), ("express", "Express", usd("16.00"))]
    assert offered(kiln) == [("standard", "Standard", usd("8.00")), ("express", "Express", usd("18.00"))]
    assert all(option.time_estimate and option.min_date for option in (*fernhill.options, *kiln.options))


@pytest.mark.parametrize("version", V1)
def test_a_choice_of_shipping_changes_the_quote_and_the_purchase(
    henry: Gateway, cart_id: str, sandbox: Sandbox
) -> None:
    before = quoted(henry, cart_id)
    express = LineItem(link=MUG, quantity=2, selected_shipping={"id": "express"})
    henry.update_item(cart_id, express)
    after = quoted(henry, cart_id)
    assert [each.shipping for each in after.merchants] == [usd("7.50"), usd("18.00")]
    assert total_of(after) - total_of(before) == usd("10.00")
    assert after.merchants[1].options[0].cost == usd("8.00")  # the other option is still on offer
    assert bought(sandbox, henry, cart_id, after) == total_of(after)


@pytest.mark.parametrize("version", V1)
def test_coupons_are_accepted_or_refused_one_by_one(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    codes = ("SAVE10", "NONSENSE")
    plain, quote = quoted(henry, cart_id), quoted(henry, cart_id, coupons=codes)
    assert (plain.coupons, plain.costs.discount) == ((), usd(0))
    assert quote.coupons == (("SAVE10", True), ("NONSENSE", False))
    assert quote.costs.discount == usd("8.50")
    assert total_of(quote) < total_of(plain)
    assert bought(sandbox, henry, cart_id, quote, coupons=codes) == total_of(quote)


@pytest.mark.parametrize("version", V1)
def test_a_quote_without_coupons_sends_none(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    quoted(henry, cart_id)
    (request,) = [row for row in sandbox.requests() if row["path"].endswith("/details")]
    expected = {"buyer", "buyer.shippingAddress"} | {
        f"buyer.shippingAddress.{name}" for name in ("line1", "city", "province", "postalCode", "countryCode")
    }
    assert set(request["bodyKeys"]) - {"cartId"} == expected


# Jobs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", V1)
def test_a_quote_waits_until_its_jobs_have_ended(
    henry: Gateway, cart_id: str, sandbox: Sandbox, version: str
) -> None:
    sandbox.scenario(timing={"jobSeconds": 0.9})
    before = len(sandbox.requests())
    assert total_of(quoted(henry, cart_id)) == usd("106.81")
    paths = [row["path"] for row in sandbox.requests()[before:]]
    assert paths[0].endswith("/details")
    assert set(paths[1:]) == {JOB_STATUS[version]}
    assert len(paths) >= 1 + 2 * 2  # two jobs, each polled more than once


@pytest.mark.parametrize("version", V1)
def test_ended_jobs_are_not_polled(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    sandbox.scenario(timing={"jobSeconds": 0})
    before = len(sandbox.requests())
    quoted(henry, cart_id)
    assert len(calls_since(sandbox, before)) == 1


@pytest.mark.parametrize("version", V1)
def test_a_slow_quote_times_out_and_buys_nothing(
    henry: Gateway, cart_id: str, sandbox: Sandbox, settings: Any
) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "QUOTE_TIMEOUT": 0.6}
    sandbox.scenario(timing={"jobSeconds": 60})
    started = time.monotonic()
    with pytest.raises(GatewayTimeout) as caught:
        quoted(henry, cart_id)
    assert time.monotonic() - started < 5
    assert not caught.value.maybe_sent
    assert sandbox.orders() == []


@pytest.mark.parametrize("version", V1)
def test_a_failed_job_is_a_refusal_with_its_code_and_without_its_message(
    henry: Gateway, cart_id: str, sandbox: Sandbox, version: str
) -> None:
    failed = {
        "refId": "ckd-ref_1",
        "status": "failed",
        "error": {"code": "not_shippable", "message": "canary 1 Main St"},
    }
    sandbox.scenario(
        timing={"jobSeconds": 0.3},
        faults=[{"fault": "body", "path": JOB_STATUS[version], "json": failed, "after": 1}],
    )
    with pytest.raises(Rejected, match="not_shippable") as caught:
        quoted(henry, cart_id)
    assert "canary" not in f"{caught.value} {caught.value.detail}"


@pytest.mark.parametrize("version", V1)
def test_an_unknown_job_ends_the_quote(henry: Gateway, cart_id: str, sandbox: Sandbox, version: str) -> None:
    gone = {"success": False, "status": "error", "message": "Job not found."}
    sandbox.scenario(
        timing={"jobSeconds": 60},
        faults=[{"fault": "body", "status": 404, "path": JOB_STATUS[version], "json": gone}],
    )
    with refused(NotFound, "Job not found"):
        quoted(henry, cart_id)


@pytest.mark.parametrize("version", V1)
@pytest.mark.parametrize("jobs", [[], None, "soon", [{"refId": "r", "status": "complete"}]])
def test_an_answer_without_costs_is_a_bad_response(
    henry: Gateway, cart_id: str, sandbox: Sandbox, version: str, jobs: Any
) -> None:
    answer = {"success": True, "status": "success", "message": "ok", "data": {"jobs": jobs}}
    sandbox.scenario(faults=[{"fault": "body", "path": DETAILS[version], "json": answer}])
    with pytest.raises(BadResponse):
        quoted(henry, cart_id)


# Refusals and errors -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_quote_without_an_address_is_not_requested(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    before = len(sandbox.requests())
    with pytest.raises(Rejected, match="address") as caught:
        quoted(henry, cart_id, buyer=HOMELESS)
    assert not caught.value.maybe_sent
    assert calls_since(sandbox, before) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_an_empty_cart_has_no_quote(henry: Gateway, cart_id: str, version: str) -> None:
    if version == "v0":
        henry.delete_cart(cart_id)
    else:
        cart_id = henry.create_cart([]).cart_id
    with refused(Rejected, "empty") as caught:
        quoted(henry, cart_id)
    assert caught.value.status == 400


@pytest.mark.parametrize(("version", "no_cart"), [("v1", "crt_000000000000"), ("v0", "hc-unknown")])
def test_an_unknown_cart_has_no_quote(henry: Gateway, no_cart: str) -> None:
    with pytest.raises(Rejected) as caught:
        quoted(henry, no_cart)
    assert caught.value.status in {400, 404}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "fault", [{"fault": "status", "status": 503, "times": 0}, {"fault": "reset", "times": 0}]
)
def test_the_call_that_begins_a_quote_is_sent_once(
    henry: Gateway, cart_id: str, sandbox: Sandbox, fault: dict[str, Any]
) -> None:
    before = len(sandbox.requests())
    sandbox.scenario(faults=[fault])
    with pytest.raises(GatewayUnavailable) as caught:
        quoted(henry, cart_id)
    assert caught.value.maybe_sent
    assert len(calls_since(sandbox, before)) == 1


@pytest.mark.parametrize("version", V1)
def test_reading_a_job_is_retried_after_an_error(
    henry: Gateway, cart_id: str, sandbox: Sandbox, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module.transport, "RETRY_BASE_SECONDS", 0.001)
    sandbox.scenario(faults=[{"fault": "reset", "path": JOB_STATUS[version], "times": 2}])
    assert total_of(quoted(henry, cart_id)) == usd("106.81")


# v0 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v0"])
def test_a_second_quote_keeps_the_session_and_uses_the_current_cart(
    henry: Gateway, cart_id: str, sandbox: Sandbox
) -> None:
    first = quoted(henry, cart_id)
    boots = LineItem(link=BOOTS, title="Boots", unit_price=usd("164.00"))
    henry.add_item(cart_id, boots)
    second = quoted(henry, cart_id, items=[*ITEMS, boots])
    assert first.token == second.token != ""
    assert total_of(second) > total_of(first)
    assert bought(sandbox, henry, cart_id, first) == total_of(second)


@pytest.mark.parametrize("version", ["v0"])
@pytest.mark.parametrize(
    "prices",
    [(usd("29.00"), Money("28.00", "EUR")), (None, None)],
    ids=["two currencies", "no prices"],
)
def test_plain_numbers_need_a_single_currency(
    henry: Gateway, cart_id: str, prices: tuple[Money | None, ...]
) -> None:
    items = [
        LineItem(link=item.link, title=item.title, unit_price=price)
        for item, price in zip(ITEMS, prices, strict=True)
    ]
    with pytest.raises(Rejected, match="currency"):
        quoted(henry, cart_id, items=items)


@pytest.mark.parametrize("version", ["v0"])
def test_a_cart_of_two_currencies_is_refused_before_anything_is_sent(
    henry: Gateway, cart_id: str, sandbox: Sandbox
) -> None:
    before = len(sandbox.requests())
    items = [*ITEMS, LineItem(link=BOOTS, title="Boots", unit_price=Money("164.00", "EUR"))]
    with pytest.raises(Rejected) as caught:
        quoted(henry, cart_id, items=items)
    assert not caught.value.maybe_sent
    assert calls_since(sandbox, before) == []


@pytest.mark.parametrize("version", ["v0"])
def test_the_currency_is_that_of_the_cart(henry: Gateway, cart_id: str) -> None:
    items = [LineItem(link=BEANIE, unit_price=Money("29.00", "EUR"))]
    assert quoted(henry, cart_id, items=items).costs.total == Money("106.81", "EUR")


def session(**more: Any) -> dict[str, Any]:
    data = {"session_token": "tok", "order_metadata": {"total_price": 5}, **more}
    return {"success": True, "status": "success", "message": "ok", "data": data}


@pytest.mark.parametrize("version", ["v0"])
@pytest.mark.parametrize(
    "answer",
    [
        *(session(session_token=token) for token in ("", "x" * 4001, 7, None, ["t"], "a\nb", "a\x00b")),
        *(session(order_metadata={"total_price": total}) for total in (None, "much", True, [5], 1e300)),
        session(order_metadata=None),
        session(order_metadata={}),
        session(order_metadata={"total_price": 5, "tax": "some"}),
        session(order_metadata={"total_price": 5, "shipping": {"a.example": {}}}),
        {**session(), "data": None},
        {**session(), "data": []},
    ],
)
def test_a_malformed_answer_is_a_bad_response(
    henry: Gateway, cart_id: str, sandbox: Sandbox, answer: dict[str, Any]
) -> None:
    sandbox.scenario(faults=[{"fault": "body", "path": QUOTE_V0, "json": answer}])
    with pytest.raises(BadResponse):
        quoted(henry, cart_id)


@pytest.mark.parametrize("version", ["v0"])
@pytest.mark.parametrize("token", ["\u65e5\u672c", "caf\u00e9", " leading", "trailing "])
def test_a_token_that_cannot_be_sent_in_a_header_is_a_bad_response(
    henry: Gateway, cart_id: str, sandbox: Sandbox, token: str
) -> None:
    sandbox.scenario(faults=[{"fault": "body", "path": QUOTE_V0, "json": session(session_token=token)}])
    with pytest.raises(BadResponse, match="token"):
        quoted(henry, cart_id)


@pytest.mark.parametrize("version", ["v0"])
def test_the_longest_token_is_kept_unchanged(henry: Gateway, cart_id: str, sandbox: Sandbox) -> None:
    sandbox.scenario(faults=[{"fault": "body", "path": QUOTE_V0, "json": session(session_token="x" * 4000)}])
    quote = quoted(henry, cart_id)
    assert quote.token == "x" * 4000
    assert quote.merchants == ()


@pytest.mark.parametrize("version", ["v0"])
@pytest.mark.parametrize("region", ["us", "US"])
def test_a_region_may_be_spelt_as_for_the_hosted_page(
    henry: Gateway, cart_id: str, sandbox: Sandbox, region: str
) -> None:
    assert "region=us" in _last(sandbox, henry.hosted_url(cart_id, region=region))["query"]
    assert "region" in _last(sandbox, quoted(henry, cart_id, region=region))["bodyKeys"]


def _last(sandbox: Sandbox, _answer: object) -> dict[str, Any]:
    return sandbox.requests()[-1]
