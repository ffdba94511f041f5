"""Who speaks to a checkout, and whom it believes: rows 1 to 8."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, Route

from tests.browser.bridge.conftest import Shop, Visit
from tests.browser.bridge.hostile import (
    COMPLETED,
    Asked,
    add_frame,
    begin,
    interactive,
    reach_loopback,
    reasons,
    say,
    serve,
    storefront,
    wait_until,
    walk,
    window,
)
from tests.browser.conftest import pay

pytestmark = pytest.mark.browser

BRIDGE = "/static/henry_checkout/henry-bridge.js"
EACH_FRAME_BESIDE = (
    "for (let i = 0; i < parent.length; i++) if (parent[i] !== window) parent[i].postMessage(message, '*');"
)
#: Calls `parseMessage` with forged events; `right` is the expected window.
READ = f"""async (forged) => {{
  const {{ parseMessage }} = await import("{BRIDGE}");
  const stranger = document.body.appendChild(document.createElement("iframe")).contentWindow;
  const windows = {{ right: window, stranger, none: null }};
  return forged.map(([from, expected, origin, data]) => parseMessage(
    {{ source: windows[from], origin, data }}, {{ source: windows[expected], origins: ["https://checkout.henrylabs.ai"] }},
  ));
}}"""
HENRY = "https://checkout.henrylabs.ai"
NEAR_MISSES = [
    "https://evilhenrylabs.ai",
    "https://checkout.henrylabs.ai.evil.test",
    "http://checkout.henrylabs.ai",
    "https://checkout.henrylabs.ai:8443",
    "https://pay.checkout.henrylabs.ai",
    "https://henrylabs.ai",
    "https://checkout-henrylabs.ai",
    "https://CHECKOUT.henrylabs.ai",
    "https://checkout.henrylabs.a",
    "null",
    "",
]


def read(page: Page, *forged: tuple[Any, ...]) -> list[dict[str, str]]:
    answers: list[dict[str, str]] = page.evaluate(READ, [list(each) for each in forged])
    return answers


def rejected(page: Page, scripts: dict[str, str]) -> dict[str, str]:
    """Parse the value of each script as a message of Henry's page; return why it is rejected."""
    made = ", ".join(f"[{json.dumps(script)}, {script}]" for script in scripts)
    found: dict[str, str] = page.evaluate(
        f"""async () => {{
          const {{ parseMessage }} = await import("{BRIDGE}");
          const parse = (data) => parseMessage({{ source: window, origin: "{HENRY}", data }}, {{ source: window, origins: ["{HENRY}"] }});
          return Object.fromEntries([{made}].map(([script, data]) => [script, parse(data).rejected ?? "none"]));
        }}"""
    )
    return found


def purchase_of(visit: Visit) -> tuple[Any, ...]:
    """The purchase of the checkout that the page shows: its refId and status."""
    (order,) = {each["orderNumber"] for each in visit.events("open")}
    (row,) = visit.shop.rows(
        "SELECT p.ref_id, p.status, o.status FROM henry_checkout_purchase p "
        f"JOIN henry_checkout_order o ON o.id = p.order_id WHERE o.number = '{order}'"
    )
    return row


def events_of(visit: Visit) -> list[tuple[Any, ...]]:
    (order,) = {each["orderNumber"] for each in visit.events("open")}
    return visit.shop.rows(
        "SELECT e.sequence, e.type FROM henry_checkout_event e JOIN henry_checkout_order o ON o.id = e.order_id "
        f"WHERE o.number = '{order}' ORDER BY e.sequence"
    )


# Row 1 ---------------------------------------------------------------------------------------


def test_row_1_what_a_frame_beside_it_says_counts_for_nothing(visit: Visit) -> None:
    interactive(visit)
    session = visit.events("open")[0]["sessionId"]
    asked = Asked(visit.page)
    lies: list[Any] = [
        COMPLETED,
        json.dumps(COMPLETED),
        {"action": "checkoutClosed"},
        {"henry": "returned"},
        {"henry": 1, "type": "ready", "versions": [1], "session": session},
        {"henry": 1, "type": "hello", "version": 1, "nonce": "0" * 32, "follows": False},
    ]
    for origin in (visit.shop.sandbox.url, visit.shop.url):  # both would be right, were it the right window
        serve(visit.page, f"{origin}/sibling")
        sibling = add_frame(visit, f"{origin}/sibling")
        visit.page.wait_for_timeout(1100)  # the wrapper tells why once a second
        before = len(reasons(visit, "page"))
        for lie in lies:
            say(sibling, lie)
            sibling.evaluate(f"(message) => {{ {EACH_FRAME_BESIDE} }}", lie)
        wait_until(visit, lambda before=before: len(reasons(visit, "page")) == before + len(lies))
        wait_until(visit, lambda: "source" in reasons(visit, "frame"))
        assert sibling.evaluate("heard") == []
    assert set(reasons(visit)) == {"source"}
    assert reasons(visit, "frame") == ["source", "source"]
    assert visit.states() == ["opening", "loading", "interactive"]
    assert asked.posts == []
    assert visit.errors == []


# Row 2 ---------------------------------------------------------------------------------------


def test_row_2_an_origin_counts_as_a_whole(visit: Visit) -> None:
    visit.open()
    answers = read(visit.page, *[("right", "right", origin, COMPLETED) for origin in [*NEAR_MISSES, HENRY]])
    found = dict(zip([*NEAR_MISSES, HENRY], answers, strict=True))
    assert found.pop(HENRY) == {"hint": "completed", "orderId": "made-up"}
    assert found == {origin: {"rejected": "origin"} for origin in NEAR_MISSES}


def test_row_2_the_window_is_looked_at_before_the_origin(visit: Visit) -> None:
    visit.open()
    forged = [
        ("stranger", "right", HENRY),
        ("stranger", "right", "null"),
        ("none", "right", HENRY),
        ("none", "none", HENRY),
    ]
    assert read(visit.page, *[(*each, COMPLETED) for each in forged]) == [{"rejected": "source"}] * len(
        forged
    )


def test_row_2_a_window_that_went_to_another_origin_is_not_believed(visit: Visit) -> None:
    popup = window(visit)
    port = visit.shop.sandbox.url.rpartition(":")[2]
    asked = Asked(visit.page)
    elsewhere = [
        "https://evilhenrylabs.ai",
        "https://checkout.henrylabs.ai.evil.test",
        f"http://127.0.0.1.evil.test:{port}",
        f"https://127.0.0.1:{port}",
        "http://127.0.0.1:9",
        f"http://localhost:{port}",
        f"http://pay.localhost:{port}",
    ]
    for origin in elsewhere:
        serve(popup, f"{origin}/lie")
        walk(popup, f"{origin}/lie")
        say(popup, COMPLETED, to="opener")
        say(popup, {"henry": "returned"}, to="opener")
    nameless = f"{visit.shop.sandbox.url}/nameless"
    serve(popup, nameless, **{"Content-Security-Policy": "sandbox allow-scripts"})
    walk(popup, nameless)
    say(popup, COMPLETED, to="opener")
    say(popup, {"henry": "returned"}, to="opener")
    wait_until(visit, lambda: len(reasons(visit)) == 2 * len(elsewhere) + 2)
    assert [each["origin"] for each in visit.events("rejected")][::2] == [*elsewhere, "null"]
    assert set(reasons(visit)) == {"origin"}
    assert visit.states() == ["opening", "interactive"]
    assert asked.posts == []
    assert popup.evaluate("heard") == []


def test_row_2_the_wrapper_lets_its_frame_go_nowhere_else(visit: Visit) -> None:
    henry = interactive(visit)
    evil = serve(visit.page, "https://evilhenrylabs.ai")
    failed: list[str] = []
    visit.page.on("requestfailed", lambda request: failed.append(f"{request.url} {request.failure}"))
    reach_loopback(visit)
    henry.evaluate("location.href = 'https://evilhenrylabs.ai/lie'")
    wait_until(visit, lambda: henry.url.startswith("chrome-error:"))
    assert evil == []  # refused before it was even asked for
    assert all("evilhenrylabs" not in each or "ERR_BLOCKED_BY_CSP" in each for each in failed)
    assert "verifying" not in visit.states()


# Row 3 ---------------------------------------------------------------------------------------


def test_row_3_a_bank_in_the_payment_window_is_not_henry_and_henry_counts_again_later(visit: Visit) -> None:
    popup = window(visit)
    asked = Asked(visit.page)
    serve(popup, "https://bank.example/challenge")
    back = f"{visit.shop.sandbox.url}/back"
    serve(popup, back)
    walk(popup, "https://bank.example/challenge")
    say(popup, COMPLETED, to="opener")
    wait_until(visit, lambda: reasons(visit) == ["origin"])
    assert visit.states() == ["opening", "interactive"]
    assert asked.posts == []
    walk(popup, back)
    say(popup, COMPLETED, to="opener")
    visit.wait_state("verifying")
    wait_until(visit, lambda: bool(asked.posts))
    assert asked.posts[0] == {"action": "refresh", "claimedOrderId": "made-up"}
    assert reasons(visit) == ["origin"]


# Rows 4 and 5 --------------------------------------------------------------------------------


def bought_by_another(shop: Shop) -> str:
    """Another shopper's order, paid; return its name at Henry."""
    started = begin(shop)
    ((cart,),) = shop.rows(
        f"SELECT henry_cart_id FROM henry_checkout_order WHERE number = '{started['orderNumber']}'"
    )
    shop.sandbox.pay(cart)
    state = requests.post(f"{started['payUrl']}/state", json={}, timeout=20).json()
    assert state["outcome"] == "completed"
    ((ref_id,),) = shop.rows(
        "SELECT p.ref_id FROM henry_checkout_purchase p JOIN henry_checkout_order o ON o.id = p.order_id "
        f"WHERE o.number = '{started['orderNumber']}'"
    )
    assert ref_id
    return str(ref_id)


def test_row_4_the_order_of_another_shopper_is_not_attached(visit: Visit) -> None:
    theirs = bought_by_another(visit.shop)
    henry = interactive(visit)
    asked = Asked(visit.page)
    say(henry, {"action": "orderCompleted", "orderId": theirs, "status": "complete"})
    visit.wait_state("verifying")
    wait_until(visit, lambda: len(asked.posts) >= 2)
    assert asked.posts[0] == {"action": "refresh", "claimedOrderId": theirs}
    assert purchase_of(visit) == ("", "planned", "open")
    assert visit.states()[-1] == "verifying"
    assert visit.events("complete") == []
    pay(henry)
    assert visit.wait_for("complete")["outcome"] == "completed"
    ref_id, _status, _order = purchase_of(visit)
    assert ref_id not in {"", theirs}
    assert visit.shop.rows(f"SELECT count(*) FROM henry_checkout_purchase WHERE ref_id = '{theirs}'") == [
        (1,)
    ]
    assert len(visit.shop.sandbox.orders()) == 2


def test_row_4_the_server_asks_henry_whose_a_claimed_order_is(shop: Shop) -> None:
    theirs = bought_by_another(shop)
    started = begin(shop)
    for claim in (theirs, "made-up", "../../" + theirs, "x" * 300):
        answer = requests.post(f"{started['payUrl']}/state", json={"claimedOrderId": claim}, timeout=20)
        assert answer.status_code == 200
        assert (answer.json()["outcome"], answer.json()["receipt"], answer.json()["next"]) == ("", "", "")
    number = started["orderNumber"]
    assert (number, "open") in shop.orders()
    assert shop.rows(
        "SELECT p.ref_id, p.status FROM henry_checkout_purchase p JOIN henry_checkout_order o ON o.id = p.order_id "
        f"WHERE o.number = '{number}'"
    ) == [("", "planned")]


def test_row_5_completed_before_any_payment_places_nothing_and_payment_is_still_possible(
    visit: Visit,
) -> None:
    henry = interactive(visit)
    asked = Asked(visit.page)
    before = events_of(visit)
    say(henry, COMPLETED)
    visit.wait_state("verifying")
    wait_until(visit, lambda: len(asked.posts) >= 3)
    assert visit.shop.sandbox.orders() == []
    assert events_of(visit) == before
    assert purchase_of(visit) == ("", "planned", "open")
    assert visit.events("complete") == []
    pay(henry)
    assert visit.wait_for("complete")["outcome"] == "completed"
    assert len(visit.shop.sandbox.orders()) == 1


# Row 6 ---------------------------------------------------------------------------------------


def test_row_6_without_any_message_the_purchase_completes(visit: Visit) -> None:
    visit.shop.sandbox.scenario(
        timing={"pendingSeconds": 0, "processingSeconds": 0, "jobSeconds": 0}, messages="none"
    )
    visit.page.route("**/framed.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    henry = interactive(visit)
    asked = Asked(visit.page)
    pay(henry)
    assert visit.wait_for("complete")["outcome"] == "completed"
    assert asked.posts == []  # no hint, so no POST
    assert visit.states() == ["opening", "loading", "interactive", "completed"]
    assert len(visit.shop.sandbox.orders()) == 1


# Row 7 ---------------------------------------------------------------------------------------


def test_row_7_a_repeated_message_has_one_effect(visit: Visit) -> None:
    visit.shop.sandbox.scenario(
        timing={"pendingSeconds": 0, "processingSeconds": 0, "jobSeconds": 0}, messages="twice"
    )
    henry = interactive(visit)
    pay(henry)
    visit.wait_for("complete")
    visit.page.wait_for_timeout(500)
    assert len(visit.events("complete")) == 1
    assert visit.states() == ["opening", "loading", "interactive", "verifying", "completed"]
    assert len(visit.shop.sandbox.orders()) == 1


def test_row_7_repetitions_and_words_after_the_end_change_nothing(visit: Visit) -> None:
    visit.page.add_init_script(
        "const open = window.open; window.open = (...all) => (window.opened = open.call(window, ...all));"
    )
    popup = window(visit)
    asked = Asked(visit.page)
    for action in ("orderCompleted", "checkoutClosed", "orderCompleted", "checkoutClosed"):
        say(popup, {"action": action}, to="opener")
    visit.wait_state("verifying")
    pay(popup)
    visit.wait_for("complete")
    told = visit.events()
    assert visit.states() == ["opening", "interactive", "verifying", "completed"]
    asked_until_then = len(asked)
    visit.page.evaluate(
        """(origin) => {
             for (const action of ["orderCompleted", "checkoutClosed"])
               for (const each of [origin, location.origin])
                 window.dispatchEvent(new MessageEvent("message", {
                   data: each === origin ? { action } : { henry: "returned" }, origin: each, source: window.opened,
                 }));
           }""",
        visit.shop.sandbox.url,
    )
    visit.page.wait_for_timeout(700)
    assert visit.events() == told
    assert len(asked) == asked_until_then
    assert visit.errors == []


def test_row_7_closed_said_before_completed_does_not_hide_the_claim(visit: Visit) -> None:
    """The other way round than usual: what may be paid is checked, not shown as given up after one look."""
    henry = interactive(visit)
    for action in ("checkoutClosed", "orderCompleted"):
        say(henry, {"action": action})
    visit.wait_state("verifying")
    visit.page.wait_for_timeout(1500)
    assert visit.events("cancel") == []
    assert visit.states()[-1] == "verifying"


def test_row_7_an_older_answer_that_comes_late_is_passed_over(visit: Visit) -> None:
    """The first look is held back until a later question was answered; what it then says has been overtaken."""
    held: list[Route] = []
    newest = {
        "version": 40,
        "outcome": "",
        "expiresAt": "2099-01-01T00:00:00Z",
        "sessionId": "s",
        "orderId": "o",
    }

    def answer(route: Route) -> None:
        if route.request.method == "GET" and not held:
            held.append(route)
        else:
            route.fulfill(json=newest)

    henry = interactive(visit)
    visit.page.route("**/state", answer)
    wait_until(visit, lambda: bool(held))
    with visit.page.expect_response("**/state"):
        say(henry, COMPLETED)
    held[0].fulfill(json={**newest, "version": 39, "outcome": "cancelled"})
    visit.page.wait_for_timeout(300)
    assert visit.states()[-1] == "verifying"
    assert visit.events("cancel") == []
    newest["outcome"], newest["version"] = "cancelled", 41
    visit.wait_for("cancel")
    assert visit.states()[-1] == "cancelled"


# Row 8 ---------------------------------------------------------------------------------------


def presses_a_button(visit: Visit) -> float:
    """Seconds until the page answers a click."""
    visit.page.evaluate(
        "document.body.append(Object.assign(document.createElement('button'),"
        "{ id: 'alive', onclick: (event) => { event.target.dataset.pressed = 'yes'; } }))"
    )
    began = time.monotonic()
    visit.page.evaluate("document.querySelector('#alive').click()")
    visit.page.wait_for_selector("#alive[data-pressed]", state="attached", timeout=5_000)
    return time.monotonic() - began


def test_row_8_a_flood_of_messages_costs_next_to_nothing(visit: Visit) -> None:
    clock = visit.page.clock
    clock.install()
    henry = interactive(visit)
    asked = Asked(visit.page)
    serve(visit.page, f"{visit.shop.sandbox.url}/sibling")
    sibling = add_frame(visit, f"{visit.shop.sandbox.url}/sibling")
    clock.pause_at(datetime.now(UTC) + timedelta(seconds=2))  # however busy the machine, the pause goes on
    say(henry, {"action": "somethingNew"}, times=10_000)
    say(sibling, COMPLETED, times=10_000)
    sibling.evaluate(f"(message) => {{ for (let n = 0; n < 10000; n++) {EACH_FRAME_BESIDE} }}", COMPLETED)
    assert presses_a_button(visit) < 3
    wait_until(visit, lambda: len(reasons(visit, "page")) == 1000)  # it stops telling, too
    wait_until(visit, lambda: bool(reasons(visit, "frame")))
    clock.run_for(1_100)
    say(henry, COMPLETED, times=100)  # still within the pause after a flood
    wait_until(visit, lambda: "rate" in reasons(visit, "frame"))
    assert asked.posts == []
    assert visit.states() == ["opening", "loading", "interactive"]
    assert visit.errors == []


def test_row_8_a_flood_from_the_payment_window_is_let_through_by_the_twenty(visit: Visit) -> None:
    popup = window(visit)
    asked = Asked(visit.page)
    say(popup, {"action": "somethingNew"}, to="opener", times=10_000)
    assert presses_a_button(visit) < 3
    wait_until(visit, lambda: len(reasons(visit)) == 1000)
    assert reasons(visit) == ["unknown_action"] * 20 + ["rate"] * 980
    say(popup, COMPLETED, to="opener", times=10)
    visit.page.wait_for_timeout(300)
    assert visit.states() == ["opening", "interactive"]
    assert asked.posts == []


def test_row_8_a_flood_of_good_messages_is_one_question(visit: Visit) -> None:
    henry = interactive(visit)
    asked = Asked(visit.page)
    say(henry, COMPLETED, times=10_000)
    visit.wait_state("verifying")
    visit.page.wait_for_timeout(1000)
    assert 1 <= len(asked.posts) <= 2  # at once, then after half a second


def test_row_8_a_flood_of_good_messages_is_one_question_where_the_wrapper_asks(visit: Visit) -> None:
    """On a storefront elsewhere it is the wrapper that asks the server."""
    storefront(visit, begin(visit.shop, frame_origin=visit.shop.elsewhere))
    visit.wait_state("interactive")
    asked = Asked(visit.page)
    say(visit.henry(), COMPLETED, times=10_000)
    visit.wait_state("verifying")
    visit.page.wait_for_timeout(1000)
    assert 1 <= len(asked.posts) <= 3  # the shop's page and the wrapper each ask


HEAVY = "'x'.repeat(5_000_000)"
DROPPED = {
    f"""JSON.stringify({{ action: "orderCompleted", orderId: "", more: {HEAVY} }})""": "size",
    HEAVY: "size",
    f"""({{ action: "orderCompleted", orderId: {HEAVY} }})""": "shape",
    "'['.repeat(16_000)": "shape",
    "'['.repeat(8_000) + ']'.repeat(8_000)": "shape",
    """'[{"action": "orderCompleted"}]'""": "shape",
    """[{ action: "orderCompleted" }]""": "shape",
    "''": "shape",
    "'null'": "shape",
    "null": "shape",
    "undefined": "shape",
    "7": "shape",
    "true": "shape",
    """'"orderCompleted"'""": "shape",
    """'{"action": "orderCompleted", "orderId": {"toString": "x"}}'""": "shape",
    """'{"action": "orderCompleted", "orderId": ["a"]}'""": "shape",
    """'{"action": "orderCompleted", "orderId": 7}'""": "shape",
    """({ action: "orderCompleted", orderId: "with space" })""": "shape",
    """({ action: "orderCompleted", orderId: "\\u202egnp" })""": "shape",
    """({ action: "orderCompleted", orderId: "x".repeat(256) })""": "shape",
    """'{"__proto__": {"action": "orderCompleted"}}'""": "unknown_action",
    """'{"constructor": {"prototype": {"action": "orderCompleted"}}}'""": "unknown_action",
    """'{"action": "constructor"}'""": "unknown_action",
    """'{"action": "__proto__"}'""": "unknown_action",
    """({ action: ["orderCompleted"] })""": "unknown_action",
    """({ detail: { action: "orderCompleted" } })""": "unknown_action",
    """({ __proto__: { action: "orderCompleted" } })""": "unknown_action",
    """'{"status": "complete"}'""": "unknown_action",
    """'{"action": "orderCompleted", "orderId": "made-up"}'""": "none",
}


def test_row_8_heavy_nested_and_poisoned_messages_are_dropped(visit: Visit) -> None:
    visit.open()
    assert rejected(visit.page, DROPPED) == DROPPED
    assert visit.page.evaluate("[({}).action, Object.prototype.action, ({}).orderId]") == [None, None, None]


def test_row_8_what_is_inherited_is_not_said(visit: Visit) -> None:
    """A page whose prototypes another script has spoilt must not read an action into every object."""
    visit.open()
    visit.page.evaluate("Object.prototype.action = 'orderCompleted'")
    assert read(visit.page, ("right", "right", HENRY, {"x": 1})) == [{"rejected": "unknown_action"}]


def test_row_8_heavy_and_nested_messages_leave_the_page_alive(visit: Visit) -> None:
    popup = window(visit)
    asked = Asked(visit.page)
    popup.evaluate(
        """() => {
             const heavy = "x".repeat(5_000_000);
             let nested = { action: "orderCompleted" };
             for (let depth = 0; depth < 500; depth++) nested = { nested };
             const poisoned = JSON.parse('{"__proto__": {"action": "orderCompleted"}, "constructor": {"prototype": {}}}');
             for (const each of [heavy, { action: "orderCompleted", orderId: heavy }, nested, poisoned]) opener.postMessage(each, "*");
           }"""
    )
    assert presses_a_button(visit) < 3
    wait_until(visit, lambda: len(reasons(visit)) == 4)
    assert reasons(visit) == ["size", "shape", "unknown_action", "unknown_action"]
    assert visit.states() == ["opening", "interactive"]
    assert asked.posts == []
    assert visit.errors == []


def test_row_8_the_server_reads_short_and_plain_bodies_only(shop: Shop) -> None:
    started = begin(shop)
    url = f"{started['payUrl']}/state"
    before = shop.rows("SELECT count(*) FROM henry_checkout_event")
    bad = [
        "x" * 5_000,
        "[" * 4_000,
        "[]",
        "null",
        '{"action": "pay"}',
        '{"action": []}',
        '{"claimedOrderId": {}}',
    ]
    for body in bad:
        answer = requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=20)
        assert (body[:20], answer.status_code) == (body[:20], 400)
    good = requests.post(url, json={"__proto__": {"action": "cancel"}, "constructor": 1}, timeout=20)
    assert (good.status_code, good.json()["outcome"]) == (200, "")
    assert shop.rows("SELECT count(*) FROM henry_checkout_event") == before
