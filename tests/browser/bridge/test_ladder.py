from __future__ import annotations

import pytest

from tests.browser.bridge.conftest import Visit
from tests.browser.conftest import pay

pytestmark = pytest.mark.browser


def test_a_frame_ends_in_one_order(visit: Visit) -> None:
    visit.open()
    visit.press()
    visit.wait_state("interactive")
    pay(visit.henry())
    done = visit.wait_for("complete")
    assert done["outcome"] == "completed"
    assert len(visit.shop.sandbox.orders()) == 1
    assert visit.errors == []


def test_a_window_ends_in_one_order(visit: Visit) -> None:
    visit.open(mode="popup", coop="same-origin-allow-popups")
    with visit.page.expect_popup() as popup:
        visit.press()
    pay(popup.value)
    done = visit.wait_for("complete")
    assert done["outcome"] == "completed"
    assert len(visit.shop.sandbox.orders()) == 1
