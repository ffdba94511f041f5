"""Carts over JSON: every call, every kind of caller, good input and bad."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from django_henry_checkout.flows.access.customer_tokens import create_customer_token
from django_henry_checkout.flows.access.tokens import create_api_key
from django_henry_checkout.flows.cart import carts
from django_henry_checkout.models import Cart, CartToken
from django_henry_checkout.types import Buyer
from tests.support.api import BOOTS, Api, assert_problem, guest, make

pytestmark = pytest.mark.django_db


def test_a_cart_is_made_and_read(api: Api) -> None:
    holder, made = guest(BOOTS)
    assert made["version"] == 1
    (item,) = made["items"]
    assert (item["link"], item["quantity"], item["selectedOptions"]) == (BOOTS["link"], 2, ["10"])
    assert item["unitPrice"] == {"value": "149.00", "currency": "USD"}
    assert item["subtotal"] == {"value": "298.00", "currency": "USD"}
    assert item["metadata"] == {"giftWrap": True}
    assert made["subtotals"] == [{"value": "298.00", "currency": "USD"}]
    read = holder("GET", f"cart/{made['cartId']}")
    assert read.status_code == 200
    assert read.json() == {name: value for name, value in made.items() if name != "sessionToken"}
    assert read["Cache-Control"] == "no-store"
    assert len(read["X-Request-Id"]) == 26


def test_both_spellings_of_names_and_ids_are_taken(api: Api) -> None:
    made = make(
        api, {"link": BOOTS["link"], "selected_options": ["10"], "image_url": "https://a.example/b.png"}
    )
    assert made["items"][0]["imageUrl"] == "https://a.example/b.png"
    cart = Cart.objects.get()
    holder = Api(**{"X-Session-Token": made["sessionToken"]})
    for spelling in (cart.ulid, cart.ulid.lower(), str(cart.public_id)):
        assert holder("GET", f"cart/{spelling}").status_code == 200


def test_yen_have_no_cents(api: Api) -> None:
    made = make(api, {**BOOTS, "unitPrice": {"value": 1500, "currency": "JPY"}})
    assert made["items"][0]["unitPrice"] == {"value": "1500", "currency": "JPY"}


def test_items_are_added_changed_and_removed() -> None:
    holder, made = guest()
    path = f"cart/{made['cartId']}/item"
    added = holder("POST", path, {"item": BOOTS}).json()
    assert (added["version"], added["items"][0]["quantity"]) == (1, 2)
    changed = holder(
        "PUT", path, {"item": {"link": BOOTS["link"], "quantity": 5, "coupons": ["SAVE10"]}}
    ).json()
    assert (changed["items"][0]["quantity"], changed["items"][0]["coupons"]) == (5, ["SAVE10"])
    assert changed["items"][0]["metadata"] == {"giftWrap": True}
    item_id = changed["items"][0]["itemId"]
    removed = holder("DELETE", path, {"itemId": item_id}).json()
    assert (removed["items"], removed["version"]) == ([], 3)
    assert_problem(holder("DELETE", path, {"itemId": item_id}), 422, "line_not_found")


def test_quantity_zero_removes() -> None:
    holder, made = guest(BOOTS)
    answer = holder("PUT", f"cart/{made['cartId']}/item", {"item": {"link": BOOTS["link"], "quantity": 0}})
    assert answer.json()["items"] == []


def test_an_item_whose_link_is_there_twice_is_identified_by_id() -> None:
    holder, made = guest(BOOTS, {**BOOTS, "selectedOptions": ["11"]})
    path = f"cart/{made['cartId']}/item"
    assert_problem(holder("DELETE", path, {"link": BOOTS["link"]}), 422, "ambiguous_item")
    assert len(holder("DELETE", path, {"itemId": made["items"][1]["itemId"]}).json()["items"]) == 1


def test_an_edit_of_an_outdated_cart_is_refused() -> None:
    holder, made = guest(BOOTS)
    path = f"cart/{made['cartId']}/item"
    assert holder("POST", path, {"item": BOOTS, "version": 1}).status_code == 200
    assert_problem(holder("POST", path, {"item": BOOTS, "version": 1}), 409, "cart_changed")


def test_a_cart_is_deleted() -> None:
    holder, made = guest(BOOTS)
    assert holder("DELETE", f"cart/{made['cartId']}").status_code == 204
    assert not Cart.objects.exists()
    assert_problem(holder("GET", f"cart/{made['cartId']}"), 401, "token_invalid")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"link": "http://alpine.example/x"}, "link"),
        ({"link": "https://user:pass@alpine.example/x"}, "link"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": 1000}, "quantity"),
        ({"coupons": [""]}, "coupons"),
        ({"metadata": {"x": "y" * 5000}}, "metadata"),
        ({"imageUrl": "javascript:alert(1)"}, "imageUrl"),
    ],
)
def test_a_bad_item_names_its_field_and_makes_no_cart(api: Api, change: dict[str, Any], field: str) -> None:
    answer = api("POST", "cart", {"items": [BOOTS, {**BOOTS, **change}]})
    content = answer.json()
    assert answer.status_code == 422
    assert field in (content.get("field"), *_names(content.get("errors")))
    assert not Cart.objects.exists()


def _names(errors: Any) -> list[str]:
    if isinstance(errors, dict):
        return [*errors, *(name for inner in errors.values() for name in _names(inner))]
    return [name for inner in errors for name in _names(inner)] if isinstance(errors, list) else []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("[]", 400, "bad_request"),
        ("null", 400, "bad_request"),
        ("{", 400, "bad_request"),
        ('{"items": [], "items": []}', 400, "bad_request"),
        ('{"imageUrl": 1, "image_url": 2}', 400, "bad_request"),
        ('{"metadata": {"x": NaN}}', 400, "bad_request"),
        ('{"x": 1e1000000000000000000}', 400, "bad_request"),
        ("[" * 50_000, 400, "bad_request"),
        ('{"a": ' * 12 + "1" + "}" * 12, 400, "bad_request"),
        ('{"items": "x"}', 422, "invalid"),
        ('{"itmes": []}', 422, "invalid"),
        ('{"items": [{"quantity": 1}]}', 422, "invalid"),
        ('{"items": [{"link": 5, "quantity": "many"}]}', 422, "invalid"),
        ('{"account": "unknown"}', 422, "invalid"),
        ('{"metadata": {"x": "' + "y" * 70_000 + '"}}', 413, "too_large"),
    ],
)
def test_bad_bodies_are_problems(api: Api, body: str, status: int, code: str) -> None:
    assert_problem(api("POST", "cart", body), status, code)
    assert not Cart.objects.exists()


def test_only_json_is_taken(client: Client) -> None:
    answer = client.post("/henry/api/v1/cart", "items=", content_type="application/x-www-form-urlencoded")
    assert_problem(answer, 415, "unsupported_media_type")


def test_unknown_methods_are_problems(api: Api) -> None:
    assert_problem(api("PATCH", "cart"), 405, "method_not_allowed")


class TestCallers:
    def test_a_shoppers_page_needs_a_csrf_token_and_gets_no_bearer(self) -> None:
        client = Client(enforce_csrf_checks=True)
        user = get_user_model().objects.create_user("ada")
        client.force_login(user)
        page = Api(client)
        assert_problem(page("POST", "cart", {}), 403, "forbidden")
        client.cookies["csrftoken"] = "a" * 32
        answer = page("POST", "cart", {"items": [BOOTS]}, **{"X-CSRFToken": "a" * 32})
        assert answer.status_code == 201
        assert "sessionToken" not in answer.json()
        assert Cart.objects.get().user == user

    def test_a_guests_page_owns_its_cart_by_the_session(self, client: Client) -> None:
        session = client.session
        session["anything"] = 1
        session.save()
        made = make(Api(client), BOOTS)
        assert made["sessionToken"] is None
        assert Api(client)("GET", f"cart/{made['cartId']}").status_code == 200
        assert not CartToken.objects.exists()

    def test_a_bearer_token_takes_precedence_over_cookies(self, client: Client) -> None:
        user = get_user_model().objects.create_user("ada")
        own = carts.create_cart(user=user)
        holder, made = guest(BOOTS)
        client.force_login(user)
        mixed = Api(client, **holder._headers)
        assert mixed("GET", f"cart/{made['cartId']}").status_code == 200
        assert mixed("GET", f"cart/{own.ulid}").status_code == 404

    def test_a_token_may_come_as_authorization_too(self) -> None:
        _holder, made = guest(BOOTS)
        bearer = Api(Authorization=f"Bearer {made['sessionToken']}")
        assert bearer("GET", f"cart/{made['cartId']}").status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Session-Token": "forged"},
            {"X-Session-Token": ""},
            {"Authorization": "Bearer forged"},
            {"Authorization": "Bearer"},
            {"Authorization": "Api-Key hck_forged"},
            {"X-Session-Token": "x" * 5000},
        ],
    )
    def test_a_forged_secret_is_refused(self, headers: dict[str, str]) -> None:
        answer = Api(**headers)("POST", "cart", {})
        assert_problem(answer, 401, "token_invalid")
        assert not Cart.objects.exists()

    def test_a_trusted_server_reaches_its_account_only(self, settings: Any) -> None:
        settings.HENRY_CHECKOUT = {"ACCOUNTS": {"default": {"API_KEY": "a"}, "uk": {"API_KEY": "b"}}}
        _holder, made = guest(BOOTS)
        server = Api(Authorization=f"Api-Key {create_api_key('back office')}")
        other = Api(Authorization=f"Api-Key {create_api_key('uk office', account='uk')}")
        assert server("GET", f"cart/{made['cartId']}").status_code == 200
        assert_problem(other("GET", f"cart/{made['cartId']}"), 404, "cart_not_found")
        theirs = make(other, BOOTS)
        assert (theirs["account"], "sessionToken" in theirs) == ("uk", False)

    def test_secrets_are_kept_as_hashes(self) -> None:
        _holder, made = guest(BOOTS)
        key = create_api_key("back office")
        rows = [str(vars(row)) for model in (CartToken, Cart) for row in model.objects.all()]
        assert made["sessionToken"] not in "".join(rows)
        assert key not in str(vars(_only_key()))

    def test_calls_are_throttled_per_caller(self, settings: Any) -> None:
        settings.HENRY_CHECKOUT = {**settings.HENRY_CHECKOUT, "API_THROTTLES": {"read": "2/min"}}
        holder, made = guest(BOOTS)
        another, theirs = guest(BOOTS)
        path = f"cart/{made['cartId']}"
        assert [holder("GET", path).status_code for _call in range(3)] == [200, 200, 429]
        throttled = holder("GET", path)
        assert_problem(throttled, 429, "throttled")
        assert int(throttled["Retry-After"]) > 0
        assert another("GET", f"cart/{theirs['cartId']}").status_code == 200


def _only_key() -> Any:
    from django_henry_checkout.models import ApiKey

    return ApiKey.objects.get()


@pytest.mark.parametrize("lines", [1, 50])
def test_calls_cost_the_same_for_one_line_and_for_fifty(lines: int, django_assert_num_queries: Any) -> None:
    items = [{**BOOTS, "link": f"https://alpine.example/products/{number}"} for number in range(lines)]
    with django_assert_num_queries(7):
        holder, made = guest(*items)
    path = f"cart/{made['cartId']}"
    with django_assert_num_queries(3):
        holder("GET", path)
    with django_assert_num_queries(8):
        holder("POST", f"{path}/item", {"item": {**BOOTS, "link": "https://alpine.example/new"}})


def test_a_customers_cart_needs_no_other_token() -> None:
    mine, others = (
        Api(Authorization=f"Bearer {create_customer_token(Buyer(first_name=name))}")
        for name in ("Ada", "Eve")
    )
    path = f"cart/{make(mine)['cartId']}"
    assert mine("GET", path).status_code == 200
    assert others("GET", path).status_code == 404
