"""Elements come, grow, go, and stand beside each other: rows 18 to 20, and the host's end of the protocol."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Frame, Route

from tests.browser.bridge.conftest import Visit
from tests.browser.bridge.hostile import (
    COMPLETED,
    Asked,
    add_frame,
    reasons,
    say,
    serve,
    stay,
    wait_until,
)
from tests.browser.conftest import pay

pytestmark = pytest.mark.browser

#: Stands where the wrapper should be. It says what a test lets it say.
FAKE = """<!doctype html><title>Fake</title><script>
window.heard = [];
addEventListener("message", ({ data, ports }) => {
  heard.push(data);
  if (ports.length) [window.port] = ports;
});
function ready(session, more = {}) { parent.postMessage({ henry: 1, type: "ready", versions: [1], session, ...more }, "*"); }
function note(seq, method, params) { port.postMessage({ jsonrpc: "2.0", seq, method, params }); }
</script>"""
HEIGHT = "document.querySelector('iframe.henry-payment').clientHeight"


def fake(visit: Visit) -> Frame:
    """Open a checkout whose wrapper is a made-up page, before any handshake."""
    serve(visit.page, f"{visit.shop.url}/henry/frame", FAKE)
    visit.open()
    visit.debug()
    visit.press()
    wrapper = visit.wrapper()
    wrapper.wait_for_function("Boolean(window.note)")
    return wrapper


def greeted(visit: Visit) -> Frame:
    """The same, after the handshake."""
    wrapper = fake(visit)
    wrapper.evaluate("ready", visit.events("open")[0]["sessionId"])
    wrapper.wait_for_function("Boolean(window.port)")
    wrapper.evaluate("port.postMessage({ method: 'welcome', params: { nonce: heard[0].nonce } })")
    wrapper.evaluate("note(1, 'opened', {})")
    visit.wait_state("interactive")
    return wrapper


def settled(visit: Visit) -> float:
    """The height of the frame two frames from now."""
    height: float = visit.page.evaluate(
        f"new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done({HEIGHT}), 30))))"
    )
    return height


# The host's end ------------------------------------------------------------------------------


def test_row_9_the_page_greets_only_the_wrapper_of_its_session(visit: Visit) -> None:
    wrapper = fake(visit)
    session = visit.events("open")[0]["sessionId"]
    wrapper.evaluate("ready('another')")
    wrapper.evaluate("session => ready(session, { henry: 2 })", session)
    wrapper.evaluate("session => ready(session, { versions: 1 })", session)
    wrapper.evaluate("session => ready(session, { type: 'hello' })", session)
    for odd in (None, 7, "ready", [], {"__proto__": {"henry": 1}}):
        say(wrapper, odd)
    wait_until(visit, lambda: len(reasons(visit, "page")) == 9)
    assert reasons(visit, "page") == ["session"] + ["shape"] * 8
    wrapper.evaluate("session => ready(session, { versions: [2, 3] })", session)  # of another version
    serve(visit.page, f"{visit.shop.sandbox.url}/sibling")
    sibling = add_frame(visit, f"{visit.shop.sandbox.url}/sibling")
    say(sibling, {"henry": 1, "type": "ready", "versions": [1], "session": session})
    visit.page.wait_for_timeout(200)
    assert reasons(visit, "page")[-1] == "source"
    assert wrapper.evaluate("heard") == []
    wrapper.evaluate("ready", session)
    wrapper.wait_for_function("Boolean(window.port)")
    wrapper.evaluate("ready", session)  # repeated
    visit.page.wait_for_timeout(200)
    (hello,) = wrapper.evaluate("heard")
    assert len(hello.pop("nonce")) == 32
    assert hello == {"henry": 1, "type": "hello", "version": 1, "follows": True}
    assert visit.errors == []


def test_row_9_a_welcome_with_the_wrong_nonce_opens_nothing(visit: Visit) -> None:
    """The port counts from the right `welcome` on; earlier notes, and those after a wrong one, are ignored."""
    wrapper = fake(visit)
    wrapper.evaluate("ready", visit.events("open")[0]["sessionId"])
    wrapper.wait_for_function("Boolean(window.port)")
    wrapper.evaluate("note(1, 'opened', {})")
    wrapper.evaluate("port.postMessage({ method: 'welcome', params: { nonce: '0'.repeat(32) } })")
    wrapper.evaluate("note(2, 'opened', {})")
    visit.page.wait_for_timeout(300)
    assert visit.states() == ["opening", "loading"]
    assert visit.errors == []


def test_row_7_notes_with_an_old_number_are_ignored(visit: Visit) -> None:
    wrapper = greeted(visit)
    heights = []
    for seq, height in [(5, 500), (4, 700), (5, 800), (-1, 900), (6, 600)]:
        wrapper.evaluate("([seq, height]) => note(seq, 'resized', { height })", [seq, height])
        heights.append(settled(visit))
    assert heights == [500, 500, 500, 500, 600]


def test_row_8_odd_notes_of_the_wrapper_do_no_harm(visit: Visit) -> None:
    wrapper = greeted(visit)
    visit.page.evaluate("window.before = window.events.length")
    for seq, (method, params) in enumerate(
        [("somethingNew", {}), ("constructor", {}), ("__proto__", {}), ("toString", None), ("resized", None)],
        start=10,
    ):
        wrapper.evaluate("([seq, method, params]) => note(seq, method, params)", [seq, method, params])
    for odd in (None, 7, "text", [], {"id": 99, "result": {"outcome": "completed"}}):
        wrapper.evaluate("odd => port.postMessage(odd)", odd)
    wrapper.evaluate("note(50, 'resized', { height: 555 })")
    visit.page.wait_for_function(f"{HEIGHT} === 555")
    assert visit.page.evaluate("window.events.length - window.before") == 0
    assert visit.errors == []


# Row 18 --------------------------------------------------------------------------------------


def test_row_18_a_height_is_kept_within_bounds(visit: Visit) -> None:
    wrapper = greeted(visit)
    heights = []
    for seq, height in enumerate(
        ["500", "1e9", "-7", "Infinity", "NaN", "'abc'", "undefined", "{}", "600"], start=2
    ):
        wrapper.evaluate(f"note({seq}, 'resized', {{ height: {height} }})")
        heights.append(settled(visit))
    assert heights == [500, 4000, 320, 4000, 4000, 4000, 4000, 4000, 600]
    assert visit.errors == []


#: Counts how often the page really changes the height.
WATCH = """() => {
  window.changes = 0;
  const frame = document.querySelector("iframe.henry-payment");
  new MutationObserver((seen) => { window.changes += seen.length; }).observe(frame, { attributeFilter: ["style"] });
}"""


@pytest.mark.parametrize("step", [1, 10])
def test_row_18_a_page_that_grows_with_each_message_is_not_followed_for_ever(visit: Visit, step: int) -> None:
    """Each time that it is made as high as it asked for, it asks for more: a loop between two pages."""
    wrapper = greeted(visit)
    wrapper.evaluate("note(2, 'resized', { height: 400 })")
    visit.page.wait_for_function(f"{HEIGHT} === 400")
    visit.page.evaluate(WATCH)
    wrapper.evaluate(
        """(step) => {
             let seq = 2;
             const ask = () => note(++seq, "resized", { height: innerHeight + step });
             new ResizeObserver(ask).observe(document.documentElement);
             addEventListener("resize", ask);
             setInterval(ask, 5);
           }""",
        step,
    )
    visit.page.wait_for_timeout(2500)
    first, height = visit.page.evaluate("window.changes"), settled(visit)
    visit.page.wait_for_timeout(500)
    assert (visit.page.evaluate("window.changes"), settled(visit)) == (first, height)
    assert first <= 60
    assert height <= 400 + 60 * step


def test_row_18_one_pixel_per_message_stops(visit: Visit) -> None:
    wrapper = greeted(visit)
    visit.page.evaluate(WATCH)
    wrapper.evaluate(
        "for (let height = 400, seq = 2; height < 5000; height++, seq++) note(seq, 'resized', { height })"
    )
    visit.page.wait_for_timeout(500)
    height = settled(visit)
    assert 0 < visit.page.evaluate("window.changes") <= 60
    assert height < 1000
    wrapper.evaluate("note(9000, 'resized', { height: 3000 })")
    assert settled(visit) == height


# Row 19 --------------------------------------------------------------------------------------

#: Keeps what listens to the window and the document for as long as it does.
LISTENERS = """
window.listening = [];
for (const target of [window, document]) {
  const add = target.addEventListener;
  target.addEventListener = function (name, listener, options) {
    window.listening.push({ name, signal: options?.signal });
    return add.call(target, name, listener, options);
  };
}
window.live = () => window.listening.filter((each) => !each.signal?.aborted).map((each) => each.name).sort();
"""


def test_row_19_an_element_that_is_swapped_away_while_checking_leaves_nothing_behind(visit: Visit) -> None:
    visit.page.add_init_script(LISTENERS)
    visit.open()
    before = visit.page.evaluate("live()")
    visit.debug()
    visit.page.evaluate("window.element = document.querySelector('henry-checkout')")
    visit.press()
    visit.wait_state("interactive")
    assert len(visit.page.evaluate("live()")) > len(before)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visit.page.route("**/state", hold)
    henry = visit.henry()
    with visit.page.expect_request("**/state"):
        pay(henry)
    visit.wait_state("verifying")
    asked = Asked(visit.page)
    visit.page.evaluate(
        """() => {
             window.late = [];
             for (const name of ["state", "complete", "cancel", "error", "rejected"])
               element.addEventListener(`henry:${name}`, () => late.push(name));
             document.querySelector("#place").innerHTML = "<p>Swapped</p>";
           }"""
    )
    for route in held:
        route.continue_()  # an answer to a question of an element that is gone
    assert visit.page.evaluate("live()") == before
    assert visit.page.evaluate("document.querySelectorAll('dialog, iframe').length") == 0
    visit.page.evaluate(
        "window.dispatchEvent(new Event('focus')); window.postMessage({ action: 'orderCompleted' }, '*')"
    )
    visit.page.wait_for_timeout(4500)  # longer than between two looks
    assert len(asked) == 0
    assert visit.page.evaluate("late") == []
    assert visit.errors == []
    number = visit.events("open")[0]["orderNumber"]
    wait_until(visit, lambda: dict(visit.shop.orders())[number] == "completed", seconds=30)
    assert len(visit.shop.sandbox.orders()) == 1


# Row 20 --------------------------------------------------------------------------------------

#: Which of the two elements told what.
WHO = """() => {
  window.each = [[], []];
  document.querySelectorAll("henry-checkout").forEach((element, index) => {
    element.setAttribute("debug", "");
    for (const name of ["state", "complete", "cancel", "error", "fallback"])
      element.addEventListener(`henry:${name}`, ({ detail }) => each[index].push(detail.state ?? name));
  });
}"""


def two(visit: Visit) -> list[Frame]:
    """Open two checkouts on one page; return Henry's page of each."""
    visit.open(twice="1")
    visit.page.evaluate(WHO)
    stay(visit)
    found: list[Frame] = []
    for index in (0, 1):
        visit.page.evaluate("index => document.querySelectorAll('henry-checkout')[index].open()", index)
        visit.page.wait_for_function("index => each[index].includes('interactive')", arg=index)
        frame = (
            visit.page.locator("henry-checkout").nth(index).locator("iframe").element_handle().content_frame()
        )
        assert frame is not None
        found.append(frame.child_frames[0])
    return found


def each_told(visit: Visit) -> list[list[Any]]:
    told: list[list[Any]] = visit.page.evaluate("each")
    return told


def test_row_20_what_is_said_in_one_does_not_move_the_other(visit: Visit) -> None:
    first, second = two(visit)
    ids, names = visit.page.evaluate(
        """[[...document.querySelectorAll("[id]")].map((each) => each.id),
            [...document.querySelectorAll("iframe")].map((each) => each.name)]"""
    )
    assert len(ids) == len(set(ids))
    assert len(names) == len(set(names)) == 2
    labels = visit.page.evaluate(
        "[...document.querySelectorAll('dialog')].map((each) => document.getElementById(each.getAttribute('aria-labelledby')).closest('dialog') === each)"
    )
    assert labels == [True, True]
    quiet = ["opening", "loading", "interactive"]
    assert each_told(visit) == [quiet, quiet]
    say(second, COMPLETED)
    visit.page.wait_for_function("each[1].includes('verifying')")
    visit.page.wait_for_timeout(700)
    assert each_told(visit) == [quiet, [*quiet, "verifying"]]
    # A page inside one of them is a stranger to the wrapper of the other.
    say(first, COMPLETED, to="top.frames[1]")
    say(first, COMPLETED, to="top")
    visit.page.wait_for_timeout(700)
    assert each_told(visit) == [quiet, [*quiet, "verifying"]]
    visit.page.evaluate("document.querySelectorAll('henry-checkout')[1].remove()")
    say(first, COMPLETED)
    visit.page.wait_for_function("each[0].includes('verifying')")
    assert visit.errors == []


def test_row_20_one_payment_is_one_order(visit: Visit) -> None:
    """Both pay the same cart, so both come to its end; but it is bought once."""
    _below, on_top = two(visit)
    pay(on_top)
    visit.page.wait_for_function("each.every((told) => told.includes('complete'))")
    assert [told.count("complete") for told in each_told(visit)] == [1, 1]
    assert len(visit.shop.sandbox.orders()) == 1
    assert visit.errors == []
