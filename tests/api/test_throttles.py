"""Calls that reach Henry are counted in the database, per caller and per network; cheap ones in the cache."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.models import CallCount, Order
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.api import BOOTS, DETAILS, Api, assert_problem, guest, make, ok
from tests.support.inline import buying_calls
from tests.support.shop import ROOT, shop_settings
from tests.support.threads import at_once
from tests.support.workers import _database_environment

pytestmark = pytest.mark.django_db(transaction=True)

DECLINED = "4000000000000002"
HOME, SAME_STREET, ELSEWHERE = "8.8.8.8", "8.8.8.200", "9.9.9.9"


def use(settings: Any, sandbox: Sandbox, **more: Any) -> None:
    sandbox.scenario(timing={"jobSeconds": 0})
    settings.HENRY_CHECKOUT = shop_settings(sandbox, **more)


def limit(settings: Any, sandbox: Sandbox, *, proxies: int = 0, **rates: str) -> None:
    use(settings, sandbox, API_THROTTLES=rates, NUM_PROXIES=proxies)


class From(Client):
    """A client at an address."""

    def __init__(self, address: str, **more: Any) -> None:
        super().__init__(REMOTE_ADDR=address, **more)


def quote(caller: Api, **headers: str) -> Any:
    return caller("POST", "checkout/session/quote", {"shippingDetails": DETAILS}, **headers)


def counts() -> dict[str, int]:
    """Return the count of each kind of subject."""
    found = CallCount.objects.values_list("subject", "count")
    return {subject.split(":")[1] if "/" not in subject else subject: count for subject, count in found}


def at(address: str, token: str) -> Api:
    return Api(From(address), **{"X-Session-Token": token})


def test_fault_54_the_call_above_the_rate_is_refused_with_the_time_to_wait(
    sandbox: Sandbox, settings: Any
) -> None:
    limit(settings, sandbox, checkout="2/min")
    holder, _cart = guest(BOOTS)
    assert [quote(holder).status_code for _call in range(2)] == [200, 200]
    asked = len(sandbox.requests())
    refused = quote(holder)
    assert_problem(refused, 429, "throttled")
    assert 1 <= int(refused["Retry-After"]) <= 61
    assert len(sandbox.requests()) == asked
    another, _cart = guest(BOOTS)
    assert quote(another).status_code == 200


def test_the_window_ends(sandbox: Sandbox, settings: Any) -> None:
    limit(settings, sandbox, checkout="1/min")
    holder, _cart = guest(BOOTS)
    assert [quote(holder).status_code for _call in range(2)] == [200, 429]
    CallCount.objects.update(window_at=timezone.now() - timedelta(seconds=60))
    assert quote(holder).status_code == 200


def test_the_count_is_a_row_and_survives_the_cache(sandbox: Sandbox, settings: Any) -> None:
    limit(settings, sandbox, checkout="2/min")
    holder, cart = guest(BOOTS)
    for _call in range(3):
        cache.clear()
        last = quote(holder)
    assert last.status_code == 429
    assert counts() == {"cart": 3}
    assert cart["sessionToken"] not in CallCount.objects.get().subject


def test_another_process_counts_in_the_same_place(sandbox: Sandbox, settings: Any) -> None:
    limit(settings, sandbox, checkout="3/min")
    holder, _cart = guest(BOOTS)
    assert quote(holder).status_code == 200
    subject = CallCount.objects.get().subject
    script = (
        "import django; django.setup()\n"
        "from django_henry_checkout.flows.access.throttling import count_call\n"
        f"for _ in range(2): count_call([{subject!r}], rate='3/min')\n"
    )
    environment = {**os.environ, **_database_environment(), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True, timeout=60)
    assert_problem(quote(holder), 429, "throttled")
    assert CallCount.objects.get().count == 4


def test_calls_at_once_are_all_counted_and_no_more_than_the_rate_get_through(
    sandbox: Sandbox, settings: Any
) -> None:
    limit(settings, sandbox, checkout="3/min")
    _holder, cart = guest(BOOTS)
    token = {"X-Session-Token": cart["sessionToken"]}
    statuses = at_once(lambda _number: quote(Api(**token)).status_code)
    assert statuses.count(429) >= 5
    assert 1 <= len(statuses) - statuses.count(429) <= 3
    assert counts() == {"cart": 8}


COSTLY = [
    ("POST", "cart/checkout", {"cartId": "{cart}"}),
    ("POST", "cart/purchase", {}),
    ("POST", "checkout/begin/{cart}", {}),
    ("POST", "checkout/shipping", {}),
    ("POST", "checkout/shipping/method", {}),
    ("POST", "checkout/session/quote", {}),
    ("POST", "checkout/session/card", {}),
    ("POST", "checkout/session/confirm", {}),
    ("GET", "checkout/{order}/token", None),
    ("GET", "checkout/{order}/initialize", None),
    ("POST", "checkout/{order}/confirm", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), COSTLY, ids=[f"{row[0]} {row[1]}" for row in COSTLY])
def test_each_call_that_reaches_henry_is_counted(
    sandbox: Sandbox, settings: Any, method: str, path: str, body: Any
) -> None:
    limit(settings, sandbox, checkout="1/min")
    holder, cart = guest(BOOTS)
    assert quote(holder).status_code == 200
    ids = {"{cart}": cart["cartId"], "{order}": Order.objects.get().ulid}
    for name, text in ids.items():
        path = path.replace(name, text)
    answer = holder(method, path, body and {key: ids.get(value, value) for key, value in body.items()})
    assert_problem(answer, 429, "throttled")
    assert counts() == {"cart": 2}


def test_each_kind_of_caller_has_a_separate_count(sandbox: Sandbox, settings: Any) -> None:
    limit(settings, sandbox, checkout="1/min")
    holder, cart = guest(BOOTS)
    session = Api(**{"X-Session-Token": ok(quote(holder))["sessionToken"]})
    server = Api(Authorization=f"Api-Key {create_api_key('till')}")
    customer = Api(Authorization=f"Bearer {ok(server('POST', 'checkout/cst', {}))['cst']}")
    client = Client()
    client.force_login(get_user_model().objects.create_user("ada"))
    guests_page = Client()
    guests_page.session.save()
    callers = [session, server, customer, Api(client), Api(guests_page)]
    for caller in callers:
        statuses = [
            caller("POST", "cart/checkout", {"cartId": cart["cartId"]}).status_code for _call in range(2)
        ]
        assert statuses[0] != 429
        assert statuses[1] == 429
    assert counts() == {"cart": 1, "session": 2, "account": 2, "customer": 2, "user": 2, "cookie": 2}
    key = guests_page.session.session_key
    assert not CallCount.objects.filter(subject__contains=key).exists()


class TestNetworks:
    """A new token for each call does not help: its network is counted as well."""

    def test_callers_of_one_network_share_its_rate(self, sandbox: Sandbox, settings: Any) -> None:
        limit(settings, sandbox, network="2/min")
        tokens = [guest(BOOTS)[1]["sessionToken"] for _guest in range(4)]
        assert quote(at(HOME, tokens[0])).status_code == 200
        assert quote(at(SAME_STREET, tokens[1])).status_code == 200
        assert_problem(quote(at(HOME, tokens[2])), 429, "throttled")
        assert quote(at(ELSEWHERE, tokens[3])).status_code == 200
        assert CallCount.objects.get(subject="checkout:8.8.8.0/24").count == 3
        assert CallCount.objects.get(subject="checkout:9.9.9.0/24").count == 1

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("2606:4700:4700:1:2:3:4:5", "2606:4700:4700:1::/64"),
            ("::ffff:8.8.8.8", "8.8.8.0/24"),
            ("10.0.0.7", ""),
            ("192.168.1.7", ""),
            ("127.0.0.1", ""),
            ("::1", ""),
            ("fd00::7", ""),
            ("", ""),
            ("unix:", ""),
        ],
    )
    def test_an_address_counts_for_its_network_and_a_private_one_for_none(
        self, sandbox: Sandbox, settings: Any, address: str, network: str
    ) -> None:
        limit(settings, sandbox)
        token = guest(BOOTS)[1]["sessionToken"]
        assert quote(at(address, token)).status_code == 200
        subjects = {
            each for each in CallCount.objects.values_list("subject", flat=True) if "cart:" not in each
        }
        assert subjects == ({f"checkout:{network}"} if network else set())

    @pytest.mark.parametrize(
        ("proxies", "remote", "forwarded", "network"),
        [
            (0, HOME, "9.9.9.9", "8.8.8.0/24"),
            (0, "10.0.0.1", "9.9.9.9", ""),
            (1, "10.0.0.1", "9.9.9.9", "9.9.9.0/24"),
            (1, "10.0.0.1", "1.1.1.1, 9.9.9.9", "9.9.9.0/24"),
            (2, "10.0.0.1", "1.1.1.1, 9.9.9.9, 10.0.0.2", "9.9.9.0/24"),
            (2, "10.0.0.1", "9.9.9.9", ""),
            (1, HOME, "", ""),
            (1, HOME, "nonsense", ""),
            (1, "10.0.0.1", "9.9.9.9, 10.0.0.2", ""),
        ],
        ids=[
            "forged without a proxy",
            "forged behind an unknown proxy",
            "one proxy",
            "forged before one proxy",
            "forged before two proxies",
            "too few hops",
            "no header",
            "no address",
            "a private client",
        ],
    )
    def test_the_forwarded_address_counts_as_far_as_our_own_proxies_wrote_it(
        self, sandbox: Sandbox, settings: Any, proxies: int, remote: str, forwarded: str, network: str
    ) -> None:
        limit(settings, sandbox, proxies=proxies)
        token = guest(BOOTS)[1]["sessionToken"]
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        assert quote(at(remote, token), **headers).status_code == 200
        subjects = {
            each for each in CallCount.objects.values_list("subject", flat=True) if "cart:" not in each
        }
        assert subjects == ({f"checkout:{network}"} if network else set())

    def test_fault_55_a_forged_header_is_no_way_around_the_rate(
        self, sandbox: Sandbox, settings: Any
    ) -> None:
        limit(settings, sandbox, network="1/min")
        tokens = [guest(BOOTS)[1]["sessionToken"] for _guest in range(2)]
        first, second = (
            quote(at(HOME, token), **{"X-Forwarded-For": f"1.1.{number}.1"})
            for number, token in enumerate(tokens)
        )
        assert (first.status_code, second.status_code) == (200, 429)


class TestRefusedCards:
    """Stolen cards are tested by one refused payment after the other."""

    def declined(self, settings: Any, sandbox: Sandbox, *, address: str = HOME) -> Api:
        """A shopper on v0 whose stored card is declined."""
        holder, _cart = guest(BOOTS)
        session = at(address, ok(quote(holder))["sessionToken"])
        order = Order.objects.latest("pk")
        sandbox.call("POST", "card", {"userId": order.henry_cart_id, "card": DECLINED})
        return session

    def confirm(self, session: Api, number: int = 0) -> Any:
        return session("POST", "checkout/session/confirm", {}, **{"Idempotency-Key": f"try-{number}"})

    def use_v0(self, settings: Any, sandbox: Sandbox, **rates: str) -> None:
        use(settings, sandbox, API_VERSION="v0", API_THROTTLES=rates)

    def test_they_pause_the_caller_and_nothing_more_is_sent(self, sandbox: Sandbox, settings: Any) -> None:
        self.use_v0(settings, sandbox, refused="2/hour")
        session = self.declined(settings, sandbox)
        for number in range(2):
            assert_problem(self.confirm(session, number), 402, "payment_refused")
        paused = self.confirm(session, 3)
        assert_problem(paused, 429, "throttled")
        assert 3000 < int(paused["Retry-After"]) <= 3601
        assert len(buying_calls(sandbox)) == 2
        assert session("GET", "checkout/session/products").status_code == 200
        CallCount.objects.update(window_at=timezone.now() - timedelta(hours=1))
        assert_problem(self.confirm(session, 4), 402, "payment_refused")

    def test_they_pause_the_network_too(self, sandbox: Sandbox, settings: Any) -> None:
        self.use_v0(settings, sandbox, refused="2/hour")
        for _shopper in range(2):
            assert_problem(self.confirm(self.declined(settings, sandbox)), 402, "payment_refused")
        neighbour = self.declined(settings, sandbox, address=SAME_STREET)
        assert_problem(self.confirm(neighbour), 429, "throttled")
        stranger = self.declined(settings, sandbox, address=ELSEWHERE)
        assert_problem(self.confirm(stranger), 402, "payment_refused")

    def test_what_henry_did_not_refuse_is_not_counted(self, sandbox: Sandbox, settings: Any) -> None:
        self.use_v0(settings, sandbox, refused="1/hour")
        holder, _cart = guest(BOOTS)
        session = at(HOME, ok(quote(holder))["sessionToken"])
        problem = session("POST", "checkout/session/confirm", {"cardToken": "x"}, **{"Idempotency-Key": "a"})
        assert_problem(problem, 409, "not_supported")
        sandbox.call("POST", "card", {"userId": Order.objects.get().henry_cart_id})
        assert self.confirm(session).status_code == 200
        assert self.confirm(session).status_code == 200
        assert not CallCount.objects.filter(subject__startswith="refused:").exists()


class TestCost:
    """The queries that counting costs."""

    def queries(self, call: Any) -> list[str]:
        with CaptureQueriesContext(connection) as caught:
            call()
        return [query["sql"].split()[0] for query in caught if "callcount" in query["sql"]]

    def test_a_cheap_call_costs_no_query(self, sandbox: Sandbox, settings: Any) -> None:
        limit(settings, sandbox)
        _holder, cart = guest(BOOTS)
        caller = at(HOME, cart["sessionToken"])
        assert self.queries(lambda: caller("GET", f"cart/{cart['cartId']}")) == []
        assert self.queries(lambda: caller("POST", f"cart/{cart['cartId']}/item", {"item": BOOTS})) == []
        assert not CallCount.objects.exists()

    @pytest.mark.parametrize(("address", "subjects"), [("10.0.0.1", 1), (HOME, 2)])
    def test_a_costly_call_costs_one_query_for_each_subject(
        self, sandbox: Sandbox, settings: Any, address: str, subjects: int
    ) -> None:
        limit(settings, sandbox)
        caller = at(address, guest(BOOTS)[1]["sessionToken"])

        def call() -> None:
            assert quote(caller).status_code == 200

        assert self.queries(call) == ["INSERT"] * subjects
        assert self.queries(call) == ["INSERT"] * subjects

    def test_a_confirm_costs_one_more(self, sandbox: Sandbox, settings: Any) -> None:
        limit(settings, sandbox)
        holder, _cart = guest(BOOTS)
        session = at(HOME, ok(quote(holder))["sessionToken"])
        body, key = {"cardToken": "card_test_pays"}, {"Idempotency-Key": "a"}
        found = self.queries(lambda: session("POST", "checkout/session/confirm", body, **key))
        assert found == ["INSERT"] * 2 + ["SELECT"]


def test_cheap_calls_are_counted_by_the_cache_and_writes_apart_from_reads(
    sandbox: Sandbox, settings: Any
) -> None:
    limit(settings, sandbox, read="2/min", write="1/min")
    _holder, cart = guest(BOOTS)
    caller = Api(**{"X-Session-Token": cart["sessionToken"]})
    assert [caller("GET", f"cart/{cart['cartId']}").status_code for _call in range(3)] == [200, 200, 429]
    item = {"item": BOOTS}
    answers = [caller("POST", f"cart/{cart['cartId']}/item", item) for _call in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert_problem(answers[1], 429, "throttled")
    assert int(answers[1]["Retry-After"]) > 0
    cache.clear()
    assert caller("GET", f"cart/{cart['cartId']}").status_code == 200
    assert not CallCount.objects.exists()
    assert make(Api(), BOOTS)["cartId"]
