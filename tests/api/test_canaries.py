"""Secrets, cards and personal data go through every call, and appear only where they belong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import django
import pytest
import requests
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.cache import cache
from django.http import HttpResponse
from django.utils import timezone
from django.utils.log import AdminEmailHandler
from django.views.debug import SafeExceptionReporterFilter

from django_henry_checkout.api.urls import urlpatterns
from django_henry_checkout.flows.operations.run import run_once
from django_henry_checkout.gateway import wire_v0
from django_henry_checkout.models import IdempotencyRecord, Order, Purchase
from django_henry_checkout.testing.sandbox import Sandbox, running_sandbox
from tests.api.journey import BUYER_INFO, DETAILS, PERSON, PERSONAL, RAW, begin, everything, with_token
from tests.support.api import BOOTS
from tests.support.canaries import (
    CARD_NUMBER,
    CVV,
    EMAIL,
    HENRY_KEY,
    PHONE,
    STREET,
    Watch,
    all_logs,
    plain_client,
)
from tests.support.shop import shop_settings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(60)]

ECHO = {"message": f"{EMAIL} {PHONE} {STREET} {CARD_NUMBER} {CVV} {HENRY_KEY}", "success": False}
BUYING = ("/v1/cart/*/purchase", "/v0/checkout/session/confirm")
FAULTS: dict[str, dict[str, Any]] = {
    "500": {"fault": "status", "status": 500, "body": ECHO},
    "refusal": {"fault": "status", "status": 422, "body": ECHO},
    "refusal in 200": {"fault": "body", "status": 200, "json": ECHO},
    "wrong key": {"fault": "status", "status": 401, "body": ECHO},
    "garbage": {"fault": "garbage", "kind": "html"},
    "timeout": {"fault": "delay", "seconds": 0.5},
    "cut": {"fault": "reset"},
}
#: The faults of all calls to Henry, those of the one that buys only, and the status that follows.
FAILURES = {
    "everywhere": {"500": 503, "refusal in 200": 422, "wrong key": 503, "garbage": 502, "timeout": 504},
    "buying": {"500": 202, "refusal": 402, "garbage": 202, "timeout": 202, "cut": 202},
}
CALLS = {pattern.name for pattern in urlpatterns} - {"api-schema"}
BUGS = {
    "on the way in": [
        "django_henry_checkout.api.common.sessions.find_inline_session",
        "django_henry_checkout.api.henry.purchases.find_purchase",
        "django_henry_checkout.models.carts.CartQuerySet.owned_by",
        "django_henry_checkout.models.orders.OrderQuerySet.owned_by",
        "django_henry_checkout.models.TemplateLink.is_open",
        "django_henry_checkout.flows.cart.carts.create_filled_cart",
        "django_henry_checkout.flows.access.customer_tokens.clean_buyer",
    ],
    "in the gateway": ["django_henry_checkout.gateway.transport.Transport._exchange"],
    "in reading an answer": ["django_henry_checkout.gateway.wire.read_observation"],
    "in keeping a buyer": ["django_henry_checkout.flows.buyer.details.buyer_columns"],
    "in keeping a quote": ["django_henry_checkout.flows.checkout.quotes._store_quote"],
    "in committing a purchase": ["django_henry_checkout.flows.checkout.confirm._commit_intent"],
}


@pytest.fixture(scope="module")
def _raw_sandbox() -> Iterator[Sandbox]:
    with running_sandbox("--allow-raw-card", "--api-key", HENRY_KEY) as sandbox:
        yield sandbox


@pytest.fixture
def watch(_raw_sandbox: Sandbox, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    _raw_sandbox.reset()
    _raw_sandbox.scenario(timing={"jobSeconds": 0})
    cache.clear()
    settings.DEBUG = False
    settings.ADMINS = (
        ["staff@shop.example"] if django.VERSION >= (6, 0) else [("Staff", "staff@shop.example")]
    )
    settings.HENRY_CHECKOUT = shop_settings(
        _raw_sandbox,
        API_KEY=HENRY_KEY,
        ALLOW_RAW_CARD=True,
        READ_RETRIES=0,
        TOTAL_TIMEOUT=5,
        POLL_SCHEDULE=((0, 0),),
        POLL_JITTER=0,
        API_THROTTLES={"checkout": "1000/min"},
    )
    mails = AdminEmailHandler(include_html=True)
    mails.setLevel(logging.ERROR)
    reports = logging.getLogger("django.request")
    reports.addHandler(mails)
    try:
        with all_logs() as logs:
            found = Watch(_raw_sandbox, logs)
            read_quote = wire_v0.read_quote

            def record_token(*answer: Any) -> Any:
                quote = read_quote(*answer)
                found.add("Henry's session token", quote.token)
                return quote

            monkeypatch.setattr(wire_v0, "read_quote", record_token)
            found.add("Henry's key", HENRY_KEY)
            found.add("card number", CARD_NUMBER)
            found.add("CVV", CVV)
            found.add("e-mail", EMAIL)
            found.add("phone", PHONE, "2125550187")
            found.add("street", STREET)
            yield found
    finally:
        reports.removeHandler(mails)


def bug(*_args: Any, **_kwargs: Any) -> Any:
    raise RuntimeError("a bug")


def use(settings: Any, **more: Any) -> None:
    settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, **more}


class TestTheSearch:
    """The search finds a value that is planted in each of the places."""

    def planted(self, watch: Watch, place: str, name: str = "e-mail") -> None:
        found = watch.leaks()
        assert {name} in found.values(), found
        assert any(where.startswith(place) for where in found), found

    def test_nothing_planted_is_nothing_found(self, watch: Watch) -> None:
        assert watch.leaks() == {}

    @pytest.mark.parametrize(
        "logger", ["", "urllib3.connectionpool", "django.server", "django_henry_checkout.api"]
    )
    def test_logs(self, watch: Watch, logger: str) -> None:
        logging.getLogger(logger).debug("to %s", EMAIL)
        self.planted(watch, "log")

    def test_tracebacks_in_logs(self, watch: Watch) -> None:
        try:
            int(EMAIL)
        except ValueError:
            logging.getLogger("shop").exception("It broke.")
        self.planted(watch, "log")

    def test_answers(self, watch: Watch) -> None:
        watch.keep("GET x", HttpResponse(f"<p>{EMAIL}</p>"))
        self.planted(watch, "answer GET x")

    def test_headers_of_answers(self, watch: Watch) -> None:
        watch.keep("GET x", HttpResponse(headers={"Location": f"/?card={CARD_NUMBER[:8]} {CARD_NUMBER[8:]}"}))
        self.planted(watch, "answer GET x", "card number")

    def test_an_answer_may_show_what_it_documents_and_nothing_else(self, watch: Watch) -> None:
        watch.keep("GET x", HttpResponse(f"{EMAIL} {PHONE}"), shows="e-mail")
        assert watch.leaks() == {"answer GET x: 200": {"phone"}}

    def test_rows(self, watch: Watch) -> None:
        now = timezone.now()
        body = {"to": [EMAIL]}
        IdempotencyRecord.objects.create(
            scope="s", key="k", fingerprint="f", body=body, claimed_at=now, expires_at=now
        )
        self.planted(watch, "henry_checkout_idempotencyrecord.body")

    def test_sessions(self, watch: Watch) -> None:
        store = SessionStore()
        store["token"] = EMAIL
        store.create()
        self.planted(watch, "session store")

    def test_caches(self, watch: Watch) -> None:
        cache.set(f"seen:{EMAIL}", 1)
        self.planted(watch, "cache")

    def test_mails(self, watch: Watch) -> None:
        mail.mail_admins("Error", "It broke.", html_message=f"<td>{CVV}</td>")
        self.planted(watch, "mail", "CVV")

    @pytest.mark.parametrize("how", ["path", "query", "referer"])
    def test_addresses_that_henry_was_asked(self, watch: Watch, how: str) -> None:
        url = f"{watch.sandbox.url}/v1/{EMAIL if how == 'path' else 'orders'}"
        headers = {"Referer": f"https://shop.example/?to={EMAIL}"} if how == "referer" else {}
        requests.get(url, params={"to": EMAIL} if how == "query" else {}, headers=headers, timeout=10)
        self.planted(watch, "sandbox")

    def test_short_and_spaced_values(self, watch: Watch) -> None:
        assert watch.found_in("4242 4242-4242 4242, (212) 555-0187, cvv=8642;") == {
            "card number",
            "phone",
            "CVV",
        }
        assert watch.found_in("18642 86420 0.8642 01M8642 4242") == set()


@pytest.mark.parametrize("version", ["v1", "v1-rpc", "v0"])
def test_nothing_leaks_while_all_goes_well(watch: Watch, settings: Any, version: str) -> None:
    use(settings, API_VERSION=version)
    everything(begin(watch, version))
    watch.sandbox.advance(60)
    for _round in range(4):
        run_once()
    assert watch.leaks() == {}
    assert set(watch.called) == CALLS
    assert Order.objects.filter(status="completed").count() == (2 if version == "v0" else 3)
    assert set(watch.statuses) <= ({200, 201, 204, 404, 409, 422} if version == "v0" else {200, 201, 204})


@pytest.mark.parametrize(
    ("path", "fault"), [(path, fault) for path, faults in FAILURES.items() for fault in faults]
)
def test_nothing_leaks_when_henry_fails(watch: Watch, settings: Any, fault: str, path: str) -> None:
    journey = begin(watch, "v1")
    use(settings, TOTAL_TIMEOUT=0.2, PURCHASE_TIMEOUT=0.2, QUOTE_TIMEOUT=0.2)
    where = [{"path": each} for each in BUYING] if path == "buying" else [{}]
    faults = [{**FAULTS[fault], **each, "times": 0} for each in where]
    watch.sandbox.scenario(timing={"jobSeconds": 0}, faults=faults)
    everything(journey)
    run_once()
    assert watch.leaks() == {}
    struck = "api-session-confirm" if path == "buying" else "api-cart-checkout"
    assert FAILURES[path][fault] in watch.called[struck]
    assert any(row["fault"] for row in watch.sandbox.requests())
    assert not watch.sandbox.orders() or fault == "timeout"


@pytest.mark.parametrize("where", BUGS)
def test_a_bug_is_reported_without_what_was_sent(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    journey = begin(watch, "v1")
    if where == "on the way in":  # with a template, so that its link is read
        template = journey.go(journey.server, "POST", "cart", {"items": [BOOTS]})["cartId"]
        journey.go(journey.server, "PUT", f"cart/{template}/link", {})

    for name in BUGS[where]:
        monkeypatch.setattr(name, bug)
    everything(journey)
    if where == "on the way in":
        for picture in ("qr", "qr.png", "qr.svg"):
            journey.go(journey.server, "GET", f"checkout/{template}/{picture}")
        journey.go(journey.holder, "GET", f"checkout/{journey.order_id}/token")
        assert {name for name, statuses in watch.called.items() if 500 in statuses} == CALLS
    assert 500 in watch.statuses
    assert watch.leaks() == {}
    whole = [message for message in mail.outbox if getattr(message, "alternatives", None)]
    reports = [message for message in whole if "RuntimeError at" in message.body]
    assert len(reports) == watch.statuses.count(500)
    assert all("a bug" in message.alternatives[0][0] for message in reports)


def test_without_our_filter_an_error_mail_would_show_them(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that the test above can fail: Django itself does not hide cards and buyers."""
    journey = begin(watch, "v1")
    monkeypatch.setattr("django_henry_checkout.flows.buyer.details.buyer_columns", bug)
    ours, djangos = "get_traceback_frame_variables", SafeExceptionReporterFilter.get_traceback_frame_variables
    monkeypatch.setattr(f"django_henry_checkout.api.common.base.HideLocals.{ours}", djangos)
    everything(journey)
    found = {name for place, names in watch.leaks().items() if place.startswith("mail") for name in names}
    assert {"e-mail", "phone", "street", "card number", "CVV"} <= found


def test_a_bug_is_reported_once(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    journey = begin(watch, "v1")
    monkeypatch.setattr("django_henry_checkout.api.common.base.get_order", bug)
    answer = watch.call(journey.holder, "GET", f"orders/{journey.order_id}")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert len([message for message in mail.outbox if getattr(message, "alternatives", None)]) == 1


BAD_CARDS: dict[str, Any] = {
    "short cvv": {**RAW, "cvv": "1"},
    "long cvv": {**RAW, "cvv": f"{CVV} {CVV}"},
    "cvv as a list": {**RAW, "cvv": [CVV]},
    "letters": {**RAW, "cardNumber": f"{CARD_NUMBER}x"},
    "an object": {**RAW, "cardNumber": {"value": CARD_NUMBER}},
    "no expiry": {"cardNumber": CARD_NUMBER, "cvv": CVV},
    "a wrong name": {**RAW, "pan": CARD_NUMBER},
    "text for details": CARD_NUMBER,
    "a list for details": [CARD_NUMBER, CVV],
    "a number with spaces as token": {"cardToken": f"{CARD_NUMBER} {CVV}"},
}


@pytest.mark.parametrize("case", BAD_CARDS)
def test_a_card_with_a_wrong_part_is_refused_without_repeating_it(watch: Watch, case: str) -> None:
    journey = begin(watch, "v1")
    body = {"cartId": journey.bought_id, "buyer": {**PERSON, "card": {"details": BAD_CARDS[case]}}}
    answer = watch.call(journey.buyer, "POST", "cart/purchase", body, **{"Idempotency-Key": "buy-1"})
    assert answer.status_code == 422
    assert watch.leaks() == {}
    assert not Purchase.objects.filter(sent_at__isnull=False).exists()


def test_fault_53_a_raw_card_is_refused_by_default_and_leaves_nothing(watch: Watch, settings: Any) -> None:
    use(settings, ALLOW_RAW_CARD=False)
    journey = begin(watch, "v1")
    body = {"cartId": journey.bought_id, "buyer": {**PERSON, "card": {"details": RAW}}}
    answer = watch.call(journey.buyer, "POST", "cart/purchase", body, **{"Idempotency-Key": "buy-1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "raw_card_refused")
    assert watch.leaks() == {}
    assert not watch.sandbox.orders()


@pytest.mark.parametrize("where", ["cart", "item", "confirm", "purchase", "umbraco"])
def test_fault_53_a_card_number_among_metadata_is_kept_nowhere(watch: Watch, where: str) -> None:
    journey = begin(watch, "v1")
    card, key = {"cardNumber": CARD_NUMBER}, {"Idempotency-Key": "open-1"}
    token = {"cardToken": "card_test_pays"}
    if where == "cart":
        watch.call(journey.server, "POST", "cart", {"items": [], "metadata": card})
    elif where == "item":
        watch.call(journey.server, "POST", "cart", {"items": [{**BOOTS, "metadata": card}]})
    elif where == "confirm":
        body = {**token, "shippingDetails": DETAILS, "metadata": card}
        watch.call(journey.session, "POST", "checkout/session/confirm", body, shows=PERSONAL, **key)
    elif where == "purchase":
        buyer = {**PERSON, "card": {"details": token}}
        body = {"cartId": journey.bought_id, "buyer": buyer, "metadata": card}
        watch.call(journey.buyer, "POST", "cart/purchase", body, shows=PERSONAL, **key)
    else:
        meta = {"amount": 1, "transactionId": "1", "paymentStatus": "Captured", "metaData": {**token, **card}}
        watch.call(journey.holder, "POST", f"checkout/{journey.order_id}/confirm", meta, **key)
    assert watch.leaks() == {}


def test_a_buyer_with_a_wrong_part_is_refused_without_repeating_it(watch: Watch) -> None:
    journey = begin(watch, "v1")
    details = {**DETAILS, "email": f"{EMAIL} {EMAIL}", "phoneNumber": f"{PHONE}x{PHONE}", "countryCode": "XX"}
    info = {**BUYER_INFO, "email": f"{EMAIL} {EMAIL}", "phone": f"{PHONE}{PHONE}", "postalCode": STREET}
    rows = [
        (journey.session, "checkout/session/quote", {"shippingDetails": details}, 422),
        (journey.session, "checkout/session/quote", {"shippingDetails": {**DETAILS, "city": [STREET]}}, 422),
        (journey.session, "checkout/shipping", {"buyerInfo": info}, 422),
        (journey.server, "checkout/cst", info, 400),
        (
            journey.holder,
            "cart/checkout",
            {"cartId": journey.cart_id, "buyer": {**PERSON, "email": [EMAIL]}},
            422,
        ),
        (journey.holder, "cart/checkout", {"cartId": journey.cart_id, "buyer": PERSON}, 409),
        (with_token(f"{EMAIL}.x.y"), "cart", {}, 401),
    ]
    for who, path, body, status in rows:
        answer = watch.call(who, "POST", path, body)
        assert answer.status_code == status, (path, answer.content)
    assert watch.leaks() == {}


PAGES = ["", "/canceled", "/errored", "/completed"]


def open_payment_pages(watch: Watch) -> dict[str, set[str]]:
    """Open each page with a live and an expired token; return the leaks outside the pages."""
    journey = begin(watch, "v1")
    expired, live = watch.canaries["pay token"]
    for token in (expired, live):
        for page in PAGES:
            path = f"/henry/api/v1/checkout/{journey.order_id}/pay/{token}{page}"
            watch.keep(f"GET pay{page}", plain_client().get(path), shows="pay token")
    assert {200, 410} <= set(watch.statuses)
    return watch.leaks()


def test_the_templates_of_payment_pages_log_no_token(watch: Watch) -> None:
    """A variable that a template lacks is logged by Django together with the whole context."""
    leaks = open_payment_pages(watch)
    assert {place: names for place, names in leaks.items() if "django.template" in place} == {}


def test_an_expired_payment_page_does_not_log_its_token(watch: Watch) -> None:
    """The token still opens a new session, and shows the order."""
    leaks = open_payment_pages(watch)
    assert {place: names for place, names in leaks.items() if "django.template" not in place} == {}


def test_a_bug_in_a_payment_page_shows_nothing_to_the_shopper(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    journey = begin(watch, "v1")

    monkeypatch.setattr("django_henry_checkout.views.hosted.find_hosted_session", bug)
    path = f"/henry/api/v1/checkout/{journey.order_id}/pay/{watch.canaries['pay token'][-1]}"
    watch.keep("GET pay", plain_client().get(path))
    assert watch.statuses[-1] == 500
    assert {place for place in watch.leaks() if not place.startswith(("log", "mail"))} == set()
