from __future__ import annotations

from tests.sandbox.client import Client


def test_the_front_page_lists_test_cards_and_control_calls(sandbox: Client) -> None:
    page = sandbox.raw("GET", "/").text
    assert "4000 0000 0000 9995" in page
    assert "/__sandbox__/scenario" in page
    assert sandbox.raw("GET", "/nowhere").status_code == 404
    assert sandbox.raw("GET", "/static/..%2fsettings.py").status_code == 404
    assert sandbox.raw("GET", "/static/base.css").headers["Content-Type"] == "text/css; charset=utf-8"
