"""The API with django-cors-headers, set up as in docs/reference/api.md, and without it: then no other origin has access."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from corsheaders.defaults import default_headers
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import NoReverseMatch, reverse

from django_henry_checkout.api.urls import urlpatterns
from django_henry_checkout.testing.sandbox import Sandbox
from tests.support.api import BOOTS, Api, guest
from tests.support.shop import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

SHOP, EVIL = "https://store.example", "https://evil.example"
OURS = ("x-session-token", "idempotency-key", "mode", "store")
EXPOSED = ("Idempotent-Replayed", "Retry-After", "X-Request-Id", "Umb-Notifications")
#: The method and headers of the preflight of each kind of call.
CALLS = [
    ("GET", "x-session-token"),
    ("POST", "content-type"),
    ("POST", "content-type,x-session-token"),
    ("POST", "authorization,content-type"),
    ("POST", "content-type,idempotency-key,x-session-token"),
    ("PUT", "content-type,idempotency-key,x-session-token"),
    ("DELETE", "content-type,x-session-token"),
    ("GET", "mode,store,x-session-token"),
]
CORS = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers")


@pytest.fixture
def other_origins(settings: Any) -> None:
    """The settings of docs/reference/api.md."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "corsheaders"]
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE]
    settings.CORS_ALLOWED_ORIGINS = [SHOP]
    settings.CORS_URLS_REGEX = r"^/henry/api/v1/"
    settings.CORS_ALLOW_HEADERS = [*default_headers, *OURS]
    settings.CORS_EXPOSE_HEADERS = list(EXPOSED)


def preflight(origin: str, method: str, headers: str, *, path: str = "cart") -> Any:
    request_headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return Client().options(f"/henry/api/v1/{path}", headers=request_headers)


def names(text: str) -> set[str]:
    return {name.strip().lower() for name in text.split(",")}


def no_cors(answer: Any) -> bool:
    return not [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.usefixtures("other_origins")
class TestAnAllowedOrigin:
    @pytest.mark.parametrize(("method", "headers"), CALLS)
    def test_is_allowed_each_kind_of_call(self, method: str, headers: str) -> None:
        answer = preflight(SHOP, method, headers)
        assert answer.status_code == 200
        assert answer["Access-Control-Allow-Origin"] == SHOP
        assert method in answer["Access-Control-Allow-Methods"]
        assert names(headers) <= names(answer["Access-Control-Allow-Headers"])
        assert not answer.has_header("Access-Control-Allow-Credentials")
        assert int(answer["Access-Control-Max-Age"]) > 0
        assert "origin" in names(answer["Vary"])

    def test_is_allowed_at_every_url(self) -> None:
        refused = []
        for pattern in urlpatterns:
            path = _path_of(pattern.name)
            answer = Client().options(path, headers={"Origin": SHOP, "Access-Control-Request-Method": "GET"})
            if answer.get("Access-Control-Allow-Origin") != SHOP:
                refused.append(path)
        assert refused == []

    def test_a_preflight_is_answered_before_anything_is_counted_or_checked(self, settings: Any) -> None:
        settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_THROTTLES": {"read": "0/min"}}
        assert preflight(SHOP, "POST", "content-type").status_code == 200

    def test_calls_with_a_token_and_reads_the_answer(self) -> None:
        _holder, made = guest(BOOTS)
        script = Api(**{"X-Session-Token": made["sessionToken"], "Origin": SHOP})
        read = script("GET", f"cart/{made['cartId']}")
        assert (read.status_code, read["Access-Control-Allow-Origin"]) == (200, SHOP)
        assert names(read["Access-Control-Expose-Headers"]) == {name.lower() for name in EXPOSED}
        assert not read.has_header("Access-Control-Allow-Credentials")
        assert "origin" in names(read["Vary"])
        assert read["Cache-Control"] == "no-store"

    def test_reads_problems_and_how_long_to_wait(self, settings: Any) -> None:
        settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_THROTTLES": {"read": "0/min"}}
        _holder, made = guest(BOOTS)
        throttled = Api(**{"X-Session-Token": made["sessionToken"], "Origin": SHOP})("GET", "orders")
        assert (throttled.status_code, throttled["Access-Control-Allow-Origin"]) == (429, SHOP)
        assert throttled.has_header("Retry-After")
        refused = Api(**{"X-Session-Token": "forged", "Origin": SHOP})("GET", "orders")
        assert (refused.status_code, refused["Access-Control-Allow-Origin"]) == (401, SHOP)

    def test_sees_that_an_answer_is_a_repeat(self) -> None:
        _holder, made = guest(BOOTS)
        headers = {"X-Session-Token": made["sessionToken"], "Origin": SHOP, "Idempotency-Key": "click-1"}
        path = f"cart/{made['cartId']}/item"
        first, again = (Api(**headers)("POST", path, {"item": BOOTS}) for _time in range(2))
        assert not first.has_header("Idempotent-Replayed")
        assert again["Idempotent-Replayed"] == "true"
        assert "idempotent-replayed" in names(again["Access-Control-Expose-Headers"])

    def test_is_not_served_by_the_shops_cookies_without_a_csrf_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(get_user_model().objects.create_user("ada"))
        answer = Api(client, Origin=SHOP)("POST", "cart", {"items": [BOOTS]})
        assert answer.status_code == 403
        assert not answer.has_header("Access-Control-Allow-Credentials")

    def test_names_itself_for_a_framed_payment_page(self, sandbox: Sandbox) -> None:
        """`Origin` is not only a matter of CORS: it also names the page that may embed ours."""
        holder, made = guest(BOOTS)
        order = holder("POST", "cart/checkout", {"cartId": made["cartId"]}).json()
        script = Api(**{"X-Session-Token": made["sessionToken"], "Origin": SHOP, "Mode": "Framed"})
        token = script("GET", f"checkout/{order['orderId']}/token")
        assert token["Access-Control-Allow-Origin"] == SHOP
        page = Client().get(token.json()["payUrl"])
        assert page["Content-Security-Policy"] == f"frame-ancestors 'self' {SHOP}"
        assert no_cors(page)


@pytest.mark.usefixtures("other_origins")
class TestAnotherOrigin:
    @pytest.mark.parametrize(
        "origin", [EVIL, "null", "http://store.example", f"{SHOP}.evil.example", f"{SHOP}:8443"]
    )
    def test_fault_56_is_not_allowed(self, origin: str) -> None:
        assert no_cors(preflight(origin, "POST", "content-type,x-session-token"))

    @pytest.mark.parametrize("origin", [EVIL, "null"])
    def test_fault_56_cannot_read_an_answer(self, origin: str) -> None:
        _holder, made = guest(BOOTS)
        answer = Api(**{"X-Session-Token": made["sessionToken"], "Origin": origin})(
            "GET", f"cart/{made['cartId']}"
        )
        assert answer.status_code == 200
        assert no_cors(answer)

    def test_is_not_allowed_a_header_that_is_not_ours(self) -> None:
        answer = preflight(SHOP, "POST", "x-forwarded-for")
        assert "x-forwarded-for" not in names(answer["Access-Control-Allow-Headers"])

    def test_pages_are_closed_to_other_sites_scripts(self) -> None:
        for name, arguments in (("buy", []), ("link", ["x"]), ("status", ["x"])):
            path = reverse(f"henry_checkout:{name}", args=arguments)
            assert no_cors(Client().get(path, headers={"Origin": SHOP})), name


class TestWithoutTheApp:
    @pytest.mark.parametrize(("method", "headers"), CALLS)
    def test_no_preflight_is_allowed(self, method: str, headers: str) -> None:
        assert no_cors(preflight(SHOP, method, headers))

    def test_no_answer_may_be_read_elsewhere(self) -> None:
        _holder, made = guest(BOOTS)
        answer = Api(**{"X-Session-Token": made["sessionToken"], "Origin": SHOP})(
            "GET", f"cart/{made['cartId']}"
        )
        assert answer.status_code == 200
        assert no_cors(answer)

    def test_a_form_of_another_site_posts_nothing(self) -> None:
        """Only JSON is accepted, so browsers send no call without a preflight."""
        client = Client(enforce_csrf_checks=True)
        client.force_login(get_user_model().objects.create_user("ada"))
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = client.post("/henry/api/v1/cart", "{}", content_type=kind, headers={"Origin": EVIL})
            assert answer.status_code in {403, 415}, kind


def test_the_docs_show_the_settings_that_are_tested(settings: Any, other_origins: None) -> None:
    text = (Path(ROOT) / "docs/reference/api.md").read_text()
    section = text.partition("## Call the API from another origin")[2].partition("\n## ")[0]
    [code] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    found: dict[str, Any] = {
        "INSTALLED_APPS": [app for app in settings.INSTALLED_APPS if app != "corsheaders"],
        "MIDDLEWARE": settings.MIDDLEWARE[1:],
    }
    exec(code, found)
    for name in (
        "CORS_URLS_REGEX",
        "CORS_ALLOW_HEADERS",
        "CORS_EXPOSE_HEADERS",
        "INSTALLED_APPS",
        "MIDDLEWARE",
    ):
        assert list(found[name]) == list(getattr(settings, name)), name
    assert len(found["CORS_ALLOWED_ORIGINS"]) == 1
    assert not [name for name in found if name in {"CORS_ALLOW_CREDENTIALS", "CORS_ALLOW_ALL_ORIGINS"}]


def _path_of(name: str | None) -> str:
    try:
        return reverse(f"henry_checkout:{name}")
    except NoReverseMatch:
        return reverse(f"henry_checkout:{name}", args=["01J00000000000000000000000"])
