"""What a hostile reading of the element has found once, and must not come back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.bridge.conftest import Held, Visit, change_wrapper
from tests.browser.bridge.hostile import COMPLETED, begin, interactive, say, storefront, wait_until, write

pytestmark = pytest.mark.browser
#: Keeps in each page what it says over private ports.
POSTED = """window.posted = [];
const post = MessagePort.prototype.postMessage;
MessagePort.prototype.postMessage = function (note, ...more) { posted.push(note?.method); return post.call(this, note, ...more); };
"""
IS_OPEN = "Boolean(document.querySelector('henry-checkout dialog')?.open)"


def at_its_end(visit: Visit) -> None:
    """Let the session nearly expire, and wait for the warning."""
    visit.wait_state("interactive")
    sql = "UPDATE henry_checkout_checkoutsession SET expires_at = datetime('now', ?)"
    write(visit.shop, sql, "+60 seconds")
    visit.page.get_by_role("button", name="I need more time").wait_for()


def test_more_time_for_what_was_just_paid_starts_nothing(visit: Visit) -> None:
    interactive(visit)
    at_its_end(visit)
    visit.page.route(
        "**/state", lambda route: route.abort() if route.request.method == "GET" else route.continue_()
    )
    (cart_id,) = visit.shop.rows("SELECT henry_cart_id FROM henry_checkout_order ORDER BY id DESC LIMIT 1")[0]
    visit.shop.sandbox.pay(cart_id)
    wait_until(visit, lambda: visit.shop.orders()[-1][1] != "open", seconds=30)
    visit.page.get_by_role("button", name="I need more time").click()
    visit.wait_for("complete")
    visit.page.wait_for_timeout(300)
    assert visit.states()[-1] == "completed"
    assert len(visit.events("open")) == 1


def test_more_time_while_the_network_is_away_keeps_the_frame(visit: Visit) -> None:
    interactive(visit)
    at_its_end(visit)
    visit.page.route("**/state", lambda route: route.abort())
    visit.page.get_by_role("button", name="I need more time").click()
    visit.page.wait_for_timeout(500)
    assert visit.page.locator("henry-checkout iframe").count() == 1
    assert visit.events("error") == []


def test_who_leaves_after_a_payment_was_claimed_is_not_said_to_have_canceled(visit: Visit) -> None:
    henry = interactive(visit)
    say(henry, COMPLETED)
    visit.wait_state("verifying")
    close = visit.page.locator("henry-checkout .henry-close")
    close.click()
    assert visit.page.evaluate(IS_OPEN)  # the first time it only says why one might wait
    close.click()
    visit.page.wait_for_function(f"!{IS_OPEN}")
    assert visit.events("cancel") == []
    visit.press()  # and it can be gone on with
    visit.page.wait_for_function(IS_OPEN)


def test_a_dialog_that_the_browser_closes_by_itself_can_be_opened_again(visit: Visit) -> None:
    henry = interactive(visit)
    say(henry, COMPLETED)
    visit.wait_state("verifying")
    visit.page.evaluate("document.querySelector('henry-checkout dialog').close()")
    visit.page.wait_for_timeout(100)
    visit.press()
    visit.page.wait_for_function(IS_OPEN)
    assert visit.errors == []


@pytest.mark.parametrize("answer", ["null", "{}", "'<html>'"])
def test_an_unexpected_answer_is_an_error(visit: Visit, answer: str) -> None:
    visit.open()
    visit.page.evaluate(f"document.querySelector('henry-checkout').begin = async () => ({answer})")
    visit.press()
    assert visit.wait_for("error")["code"] == "unexpected_answer"
    visit.page.locator("henry-checkout .henry-close").click()
    visit.page.wait_for_function(f"!{IS_OPEN}")
    assert visit.page.url.startswith(visit.shop.url)
    assert visit.errors == []


@pytest.mark.parametrize("note", ["failed", "opened"])
def test_late_notes_of_a_hidden_frame_leave_the_window_open(visit: Visit, note: str) -> None:
    """On a storefront elsewhere the frame stays, hidden: only the wrapper can ask the server."""
    held = Held()
    visit.page.route(f"{visit.shop.sandbox.url}/cart/**", held)  # in the frame; a window is a page of its own
    visit.page.add_init_script(POSTED)
    visit.page.clock.install()
    change_wrapper(visit, "frame-timeout", "60")
    storefront(visit, begin(visit.shop, frame_origin=visit.shop.elsewhere))
    visit.wait_state("loading")
    wait_until(visit, lambda: bool(held.routes))
    visit.page.get_by_text("Other ways to pay").click()
    with visit.page.expect_popup() as popup:
        visit.page.get_by_role("button", name="Open in a new window").click()
    popup.value.wait_for_url(f"{visit.shop.sandbox.url}/cart/**")
    wrapper = visit.wrapper()
    assert not {"failed", "opened"} & set(wrapper.evaluate("posted"))
    if note == "failed":
        visit.page.clock.run_for(61_000)  # past the timeout
    else:
        held.let_go()
    wait_until(visit, lambda: note in wrapper.evaluate("posted"))
    popup.value.close()
    visit.wait_state("verifying")
    expect(visit.page.get_by_role("dialog")).to_contain_text(
        re.compile("checking your payment|not seen a payment")
    )
    assert [(each["to"], each["reason"]) for each in visit.events("fallback")] == [("popup", "chosen")]
    assert visit.errors == []
