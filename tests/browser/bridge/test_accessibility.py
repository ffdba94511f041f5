"""Row 17: every state of every page for axe, a keyboard, a reader, 320 px, right to left, calm and forced colours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page, Route, expect

from tests.browser.bridge.conftest import Held, Shop, Visit
from tests.browser.conftest import WHO, pay
from tests.support.shop import ROOT

pytestmark = pytest.mark.browser

AT_ONCE = {"pendingSeconds": 0, "processingSeconds": 0, "jobSeconds": 0}
STAY = "document.addEventListener('henry:complete', event => event.preventDefault());"
NO_WINDOWS = "window.open = () => null;"
STATE = re.compile(r"/henry/api/v1/checkout/[^/]+/pay/[^/]+/state")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = Axe().axe_script
#: In the shop's page only the element; never Henry's page in the frame.
RUN = """tags => axe.run(document.querySelector("henry-checkout") ?? document, { iframes: false, resultTypes: ["violations"], runOnly: { type: "tag", values: tags } })
  .then(({ violations }) => violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map(node => `${node.target.join(" ")} ${node.any.map(each => each.message).join("; ")}`).join(" | ")}`))"""
#: What is cut off or lies over something else: of the page, and of each part of the view.
CUT = """() => {
  const root = document.documentElement;
  const found = root.scrollWidth > root.clientWidth ? [`the page is ${root.scrollWidth} wide`] : [];
  for (const element of document.querySelectorAll("body *")) {
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (!box.width || style.visibility === "hidden" || element.closest(".henry-visually-hidden, .henry-skip, svg")) continue;
    if (box.left < -1 || box.right > root.clientWidth + 1)
      found.push(`${element.tagName} ${element.className} from ${box.left} to ${box.right}`);
    if (style.overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1 && element.tagName !== "IFRAME")
      found.push(`${element.tagName} ${element.className} scrolls sideways`);
  }
  const visible = [...document.querySelectorAll(".henry-view :is(h2, a, button, summary, .henry-lead, .henry-qr-code)")]
    .filter(each => each.checkVisibility() && !each.closest(".henry-visually-hidden"));
  for (const one of visible) for (const other of visible) {
    if (one === other || one.contains(other) || other.contains(one)) continue;
    const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
    const over = Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    if (over) found.push(`${one.textContent || one.ariaLabel} lies over ${other.textContent || other.ariaLabel}`);
  }
  return found;
}"""
SIZES = {320: 640, 1280: 800}


def audit(page: Page, name: str, where: Page | Frame | None = None) -> list[str]:
    """Check a state in light and dark, narrow and wide; return the problems."""
    place = where or page
    wrong = []
    page.emulate_media(reduced_motion="reduce")  # or axe sees colours in transition
    if not place.evaluate("Boolean(window.axe)"):
        place.evaluate(AXE)
    for width, height in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            wrong += [f"{name} {width} {scheme}: {each}" for each in place.evaluate(RUN, RULES)]
        wrong += [f"{name} {width}: {each}" for each in place.evaluate(CUT)]
    return wrong


def enter(visit: Visit, **query: str) -> None:
    visit.page.add_init_script(STAY)
    visit.open(**query)


def change_state(visit: Visit, **changes: Any) -> None:
    """Change the state in the server's next responses."""

    def changed(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), **changes})

    visit.page.route(STATE, changed)


def poll_now(visit: Visit) -> None:
    """Let the element poll at once."""
    visit.page.evaluate("window.dispatchEvent(new Event('focus'))")


# axe, 320 px, light and dark ------------------------------------------------------------------


def test_row_17_the_dialog_until_it_can_be_used(visit: Visit) -> None:
    held = Held()
    visit.page.route("**/henry/buy", held)
    enter(visit, phone="1")
    wrong = audit(visit.page, "idle")
    visit.press()
    visit.wait_state("opening")
    wrong += audit(visit.page, "opening")
    visit.page.route("**/cart/crt*", Held())
    held.let_go()
    visit.wait_state("loading")
    wrong += audit(visit.page, "loading")
    assert visit.states()[-1] == "loading"  # for Henry's page is not there yet
    assert wrong == []


def test_row_17_the_dialog_while_henrys_page_is_slow(visit: Visit) -> None:
    visit.page.route("**/cart/crt*", Held())
    enter(visit)
    visit.page.locator("henry-checkout").evaluate("element => element.setAttribute('frame-timeout', '60')")
    visit.press()
    status = visit.page.get_by_role("dialog").get_by_role("status")
    expect(status).to_contain_text("takes longer than usual")
    assert audit(visit.page, "slow") == []


def test_row_17_the_dialog_in_use_and_the_wrapper(visit: Visit) -> None:
    enter(visit)
    visit.press()
    visit.wait_state("interactive")
    visit.page.get_by_text("Other ways to pay").wait_for()
    wrong = audit(visit.page, "interactive")
    wrong += audit(visit.page, "wrapper", visit.wrapper())
    visit.page.get_by_text("Other ways to pay").click()
    wrong += audit(visit.page, "ways")
    change_state(visit, expiresIn=60)
    poll_now(visit)
    visit.page.get_by_role("button", name="I need more time").wait_for()
    wrong += audit(visit.page, "ending")
    visit.page.get_by_role("button", name="Pay on your phone").click()
    visit.page.get_by_role("img", name="Pay on your phone").wait_for()
    wrong += audit(visit.page, "phone pane")
    assert wrong == []


def test_row_17_the_wrapper_with_an_error_by_itself(visit: Visit) -> None:
    """In a page of the shop that sends no hello."""
    visit.shop.sandbox.scenario(
        timing=AT_ONCE,
        faults=[
            {
                "fault": "headers",
                "path": "/cart/*",
                "headers": {"X-Frame-Options": "DENY"},
                "after": 1,
                "times": 0,
            }
        ],
    )
    enter(visit)
    url = visit.page.evaluate(
        """async () => {
          const body = new FormData(document.querySelector("henry-checkout form"));
          body.set("mode", "iframe");
          const answer = await fetch("/henry/buy", { method: "POST", body, headers: { Accept: "application/json" } });
          return (await answer.json()).frameUrl;
        }"""
    )
    visit.page.evaluate(
        """url => { document.body.innerHTML = "<main><h1>Shop</h1><iframe title='Payment' width='100%' height='400'></iframe></main>";
                    document.querySelector("iframe").src = url; }""",
        url,
    )
    wrapper = visit.wrapper()
    wrapper.get_by_role("link", name="Open it in a new tab").wait_for()
    wrong = audit(visit.page, "wrapper with an error", wrapper)
    text = wrapper.locator("main").inner_text()
    assert "opens here" not in text, text  # it does not
    assert wrong == []


def test_row_17_the_panes_of_the_fallbacks(visit: Visit) -> None:
    enter(visit, mode="popup", coop="same-origin-allow-popups")
    with visit.page.expect_popup() as popup:
        visit.press()
    visit.wait_state("interactive")
    wrong = audit(visit.page, "window")
    popup.value.wait_for_load_state()
    popup.value.close()
    visit.wait_state("verifying")
    wrong += audit(visit.page, "verifying")
    visit.page.reload()
    visit.page.wait_for_function("Boolean(customElements.get('henry-checkout'))")
    visit.page.evaluate(NO_WINDOWS)
    visit.press()
    visit.wait_for("fallback")
    wrong += audit(visit.page, "blocked")
    visit.page.locator("dialog").get_by_role("link", name="Open in a new tab").evaluate(
        "link => { link.addEventListener('click', event => event.preventDefault()); link.click(); }"
    )
    expect(visit.page.get_by_role("dialog")).to_contain_text("Pay in the tab that has opened")
    wrong += audit(visit.page, "tabbed")
    assert wrong == []


def test_row_17_the_fallbacks_when_framing_is_refused(visit: Visit) -> None:
    visit.shop.sandbox.scenario(
        timing=AT_ONCE,
        faults=[{"fault": "headers", "path": "/cart/*", "headers": {"X-Frame-Options": "DENY"}, "times": 0}],
    )
    enter(visit)
    visit.page.evaluate(NO_WINDOWS)
    visit.press()
    visit.wait_for("fallback")
    expect(visit.page.get_by_role("dialog")).to_contain_text("blocked")
    assert audit(visit.page, "refused, then blocked") == []


@pytest.mark.parametrize("outcome", ["completed", "failed", "expired"])
def test_row_17_the_outcomes_of_the_dialog(visit: Visit, outcome: str) -> None:
    enter(visit)
    visit.press()
    visit.wait_state("interactive")
    change_state(visit, outcome=outcome, version=10**6)
    poll_now(visit)
    visit.wait_state(outcome)
    assert visit.page.evaluate("document.activeElement.closest('dialog') !== null")
    assert audit(visit.page, outcome) == []


def test_row_17_the_dialog_that_could_not_begin(visit: Visit) -> None:
    visit.page.route(
        "**/henry/buy", lambda route: route.fulfill(status=503, json={"code": "x", "detail": ""})
    )
    enter(visit)
    visit.press()
    visit.wait_for("error")
    assert audit(visit.page, "error") == []


def test_row_17_an_inline_frame(visit: Visit) -> None:
    enter(visit, frame="1")
    visit.wait_state("interactive")
    wrong = audit(visit.page, "inline")
    assert visit.page.evaluate(WHERE) == ""  # an inline frame does not take the focus
    visit.page.get_by_text("Other ways to pay").click()
    visit.page.get_by_role("button", name="Pay on your phone").click()
    wrong += audit(visit.page, "inline, phone")
    assert wrong == []


BEGIN = """async mode => {
  const body = new FormData(document.querySelector("henry-checkout form"));
  body.set("mode", mode);
  return (await fetch("/henry/buy", { method: "POST", body, headers: { Accept: "application/json" } })).json();
}"""
IN_A_FRAME = """url => {
  document.body.innerHTML = "<main><h1>Shop</h1><iframe title='Payment' width='100%' height='700'></iframe></main>";
  document.querySelector("iframe").src = url;
}"""


def cart_of(shop: Shop, number: str) -> str:
    [(cart,)] = shop.rows(f"SELECT henry_cart_id FROM henry_checkout_order WHERE number = '{number}'")
    return str(cart)


def test_row_17_the_pages_on_the_way_to_henry_and_back(visit: Visit) -> None:
    page, shop = visit.page, visit.shop
    page.route(f"{shop.sandbox.url}/cart/**", lambda route: route.fulfill(status=204))
    visit.open()
    started = page.evaluate(BEGIN, "redirect")
    pay_url = shop.url + started["payUrl"]
    wrong = []
    for name, url, heading in [
        ("pay", pay_url, "Taking you to secure checkout"),
        ("phone", f"{pay_url}/phone", "Pay on your phone"),
        ("checking", f"{pay_url}/completed", "We are checking your payment"),
        ("canceled", f"{pay_url}/canceled", "You left the checkout"),
        ("expired", pay_url, "This link has expired"),
        ("phone, ended", f"{pay_url}/phone", "Pay on your phone"),
        ("error", f"{shop.url}/henry/frame/no-such-ticket", "We cannot find that"),
    ]:
        page.goto(url)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        wrong += audit(page, name)
    assert wrong == []


def test_row_17_the_pages_of_a_payment_that_failed_and_of_one_that_came(visit: Visit) -> None:
    page, shop = visit.page, visit.shop
    visit.open()
    started = page.evaluate(BEGIN, "iframe")
    page.goto(f"{shop.url}{started['payUrl']}/errored")
    expect(page.get_by_role("heading", level=1)).to_have_text("The payment did not go through")
    wrong = audit(page, "errored")
    visit.open()
    started = page.evaluate(BEGIN, "iframe")
    shop.sandbox.scenario(timing={**AT_ONCE, "processingSeconds": 60})
    shop.sandbox.pay(cart_of(shop, started["orderNumber"]))
    page.evaluate(IN_A_FRAME, f"{started['payUrl']}/completed")
    back = visit.frame("/completed")
    expect(back.get_by_role("heading", level=1)).to_have_text("Thank you, your payment has arrived")
    wrong += audit(page, "completed", back)
    page.goto(f"{shop.url}{started['payUrl']}/completed")  # out of the frame it leads to the order
    expect(page.get_by_role("heading", level=1)).to_have_text("Your order")
    wrong += audit(page, "status")
    visit.open()
    started = page.evaluate(BEGIN, "iframe")
    shop.sandbox.scenario(timing=AT_ONCE, outcome="failed")
    shop.sandbox.pay(cart_of(shop, started["orderNumber"]))
    page.goto(f"{shop.url}{started['payUrl']}/completed")  # so that it is asked for
    page.wait_for_function("document.body.innerText.includes('could not buy')")
    page.goto(f"{shop.url}/")
    page.evaluate(IN_A_FRAME, f"{started['payUrl']}/completed")
    back = visit.frame("/completed")
    expect(back.get_by_role("heading", level=1)).to_have_text("This order did not go through")
    wrong += audit(page, "errored, for nothing could be bought", back)
    assert wrong == []


TEMPLATE = """
import django; django.setup()
from django_henry_checkout.flows.cart.templates import make_template
from django_henry_checkout.models import Cart
cart = Cart.objects.filter(lines__isnull=False).latest("pk")
make_template(cart)
print(cart.ulid)
"""


def test_row_17_the_page_that_a_link_opens(visit: Visit) -> None:
    shop = visit.shop
    visit.open()
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.browser.bridge.settings",
        "SANDBOX_URL": shop.sandbox.url,
        "TEST_SQLITE_NAME": str(shop.database),
        "FRAME_ANCESTORS": shop.elsewhere,
    }
    command = [sys.executable, "-c", TEMPLATE]
    made = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    visit.page.goto(f"{shop.url}/henry/c/{made.stdout.strip()}")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Ready when you are")
    assert audit(visit.page, "link") == []


# Keyboard and reader --------------------------------------------------------------------------

WHERE = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return "";
  return `${at.closest("dialog") ? "dialog" : "page"} ${at.tagName} ${at.name ?? ""} ${at.getAttribute("aria-label") ?? at.textContent.trim().slice(0, 40)}`;
}"""


def tab_to(page: Page, is_there: Callable[[], bool], *, limit: int = 60) -> None:
    for _press in range(limit):
        if is_there():
            return
        page.keyboard.press("Tab")
    raise AssertionError(page.evaluate(WHERE))


def has_focus(frame: Frame, selector: str) -> bool:
    return bool(
        frame.evaluate("what => document.hasFocus() && document.activeElement.matches(what)", selector)
    )


def test_row_17_a_purchase_by_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    enter(visit)
    tab_to(page, lambda: "Checkout" in page.evaluate(WHERE))
    page.keyboard.press("Enter")
    visit.wait_state("interactive")
    assert page.evaluate(WHERE).startswith("dialog ")  # focus has gone in
    henry = visit.henry()
    for name, value in WHO.items():
        tab_to(page, partial(has_focus, henry, f"[name={name}]"))
        page.keyboard.type(value)
    tab_to(page, partial(has_focus, henry, "[data-pay]"))
    page.keyboard.press("Enter")
    done = visit.wait_for("complete")
    assert done["outcome"] == "completed"
    assert page.evaluate(WHERE).startswith("dialog ")  # and it is not lost when the frame goes
    assert len(visit.shop.sandbox.orders()) == 1


def test_row_17_the_dialog_keeps_focus_and_gives_it_back(visit: Visit) -> None:
    page = visit.page
    enter(visit)
    button = page.get_by_role("button", name="Checkout", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    visit.wait_state("interactive")
    seen = []
    for _press in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(WHERE))
    assert not [each for each in seen if each.startswith("page ")]
    steps = [each.split()[1] for at, each in enumerate(seen) if each and each != seen[at - 1]]
    assert "IFRAME SUMMARY BUTTON" in " ".join(steps), steps  # a way out behind the frame too
    page.get_by_role("button", name="Close").first.focus()
    page.keyboard.press("Escape")
    visit.wait_for("cancel")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()


@pytest.mark.parametrize("way", ["Pay on your phone", "Open in a new tab", "Open in a new window"])
def test_row_17_focus_is_not_lost_when_another_way_is_chosen(visit: Visit, way: str) -> None:
    page = visit.page
    enter(visit, coop="same-origin-allow-popups")
    visit.press()
    visit.wait_state("interactive")
    page.get_by_text("Other ways to pay").click()
    way_out = page.get_by_role("dialog").locator("a, button").filter(has_text=way).first
    way_out.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    page.bring_to_front()
    assert page.evaluate(WHERE).startswith("dialog "), page.evaluate("document.activeElement.tagName")


def test_row_17_a_reader_hears_the_dialog_in_its_order(visit: Visit) -> None:
    enter(visit)
    visit.press()
    visit.wait_state("interactive")
    visit.page.get_by_text("Other ways to pay").click()
    said = visit.page.get_by_role("dialog").aria_snapshot()
    order = [
        'heading "Secure checkout" [level=2]',
        'button "Close"',
        "status",
        "iframe",
        "Other ways to pay",
        'button "Open in a new window"',
        'link "Open in a new tab"',
        'link "Continue on this page"',
        'button "Pay on your phone"',
    ]
    places = [said.find(each) for each in order]
    assert -1 not in places, (order[places.index(-1)], said)
    assert places == sorted(places), said
    assert said.rfind('button "Close"') > places[-1]
    dialog = visit.page.locator("dialog")
    assert visit.page.get_by_role("dialog", name="Secure checkout").count() == 1
    assert dialog.locator("iframe").get_attribute("title") == "Secure checkout"
    assert visit.wrapper().locator("iframe").get_attribute("title")
    assert dialog.locator("[role=status]").count() == 1


def test_row_17_each_change_is_said_by_one_status(visit: Visit) -> None:
    """The region is there before its words, and a person with a screen reader hears how it goes on and ends."""
    visit.page.add_init_script(
        """window.said = [];
        document.addEventListener("henry:state", () => {
          const status = document.querySelector("dialog [role=status]");
          if (!status || status.isWatched) return;
          status.isWatched = true;
          new MutationObserver(() => window.said.push(status.textContent)).observe(status, { childList: true, subtree: true, characterData: true });
        });"""
    )
    enter(visit)
    visit.press()
    visit.wait_state("interactive")
    pay(visit.henry())
    visit.wait_for("complete")
    said = [each for each in visit.page.evaluate("window.said") if each]
    assert any("checking your payment" in each for each in said), said
    assert said[-1] == "Thank you, your payment has arrived."


# Right to left, calm, forced colours ------------------------------------------------------------


def test_row_17_right_to_left_nothing_is_cut(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 320, "height": 640})
    turned = "for (const each of document.querySelectorAll('html, henry-checkout')) each.dir = '{}';"
    page.add_init_script(
        f"document.addEventListener('DOMContentLoaded', () => {{ {turned.format('rtl')} }});"
    )
    enter(visit)
    visit.press()
    visit.wait_state("interactive")
    places = """() => ["h2", ".henry-close"].map(name => document.querySelector(`dialog ${name}`).getBoundingClientRect().left)"""
    heading, close = page.evaluate(places)
    assert close < heading
    wrong = page.evaluate(CUT)
    page.get_by_text("Other ways to pay").click()
    wrong += page.evaluate(CUT)
    page.get_by_role("button", name="Pay on your phone").click()
    page.get_by_role("img", name="Pay on your phone").wait_for()
    wrong += page.evaluate(CUT)
    page.evaluate(turned.format("ltr"))
    heading, close = page.evaluate(places)
    assert close > heading
    assert wrong == []


MOVING = "() => document.getAnimations().filter(each => each.playState === 'running').length"


@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
def test_row_17_nothing_moves_for_who_wants_calm(visit: Visit, wish: str) -> None:
    page = visit.page
    page.emulate_media(reduced_motion=wish)
    held = Held()
    page.route("**/henry/buy", held)
    enter(visit)
    visit.press()
    visit.wait_state("opening")
    page.wait_for_timeout(300)
    moving = page.evaluate(MOVING)
    assert moving == 0 if wish == "reduce" else moving > 0
    held.let_go()
    visit.wait_for("open")
    page.unroute_all()
    started = page.evaluate(BEGIN, "redirect")
    page.goto(f"{visit.shop.url}{started['payUrl']}/completed")
    expect(page.get_by_role("heading", level=1)).to_have_text("We are checking your payment")
    moving = page.evaluate(MOVING)
    assert moving == 0 if wish == "reduce" else moving > 0


COLOURS = """part => {
  const canvas = getComputedStyle(document.querySelector("dialog")).backgroundColor;
  const element = document.querySelector("dialog .henry-close");
  const look = getComputedStyle(element, part);
  return [canvas, look.backgroundColor, look.width, look.content];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_row_17_forced_colours_keep_the_way_out_in_sight(visit: Visit, scheme: str) -> None:
    page = visit.page
    page.emulate_media(forced_colors="active", color_scheme=scheme)
    enter(visit)
    visit.press()
    visit.wait_state("interactive")
    for part in ("::before", "::after"):
        canvas, stroke, width, content = page.evaluate(COLOURS, part)
        assert content == '""'
        assert float(width.removesuffix("px")) > 10
        assert stroke not in {canvas, "rgba(0, 0, 0, 0)"}
    with_cross = page.locator("dialog .henry-close").screenshot()
    page.add_style_tag(content=".henry-close::before, .henry-close::after { display: none; }")
    assert page.locator("dialog .henry-close").screenshot() != with_cross  # the cross is drawn
    page.get_by_text("Other ways to pay").click()
    page.get_by_role("button", name="Pay on your phone").click()
    borders = page.locator("dialog").evaluate("dialog => getComputedStyle(dialog).borderTopWidth")
    assert borders != "0px"  # the dialog has an edge where shadows are gone
