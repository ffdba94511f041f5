"""Responses of the API do not depend on the shopper's language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import translation

from tests.support.api import Api

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ITEM = {"link": "https://alpine.example/products/boots", "quantity": 1}
#: Calls, and the status that shows that each reached the case it is for.
CALLS: dict[str, tuple[int, str, str, Any, dict[str, str]]] = {
    "a missing field": (422, "POST", "cart/{cart}/item", {}, {}),
    "a wrong field": (422, "POST", "cart/{cart}/item", {"item": {**ITEM, "quantity": "many"}}, {}),
    "a flow's refusal": (422, "DELETE", "cart/{cart}/item", {"itemId": "01M81RMK95Z5EHXV6QAC432E7Z"}, {}),
    "no JSON": (400, "POST", "cart/{cart}/item", "{", {}),
    "another media type": (415, "POST", "cart/{cart}/item", "a=b", {"Content-Type": "text/plain"}),
    "another method": (405, "PATCH", "cart/{cart}", None, {}),
    "no such cart": (404, "GET", "cart/01M81RMK95Z5EHXV6QAC432E7Z", None, {}),
    "a cart": (200, "GET", "cart/{cart}", None, {}),
}


@pytest.fixture(autouse=True)
def _languages_of_browsers(settings: Any) -> Iterator[None]:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "rest_framework"]
    yield
    translation.deactivate()  # the middleware leaves the last language active in this thread


@pytest.mark.parametrize("call", CALLS)
def test_answers_are_the_same_in_every_language(api: Api, call: str) -> None:
    made = api("POST", "cart", {"items": [ITEM]}).json()
    status, method, path, body, headers = CALLS[call]
    answers = []
    for language in ("en", "de", "ar"):
        known = {**headers, "X-Session-Token": made["sessionToken"], "Accept-Language": language}
        answer = api(method, path.format(cart=made["cartId"]), body, **known)
        assert (answer.status_code, answer["Content-Language"]) == (status, language)
        answers.append(answer.json())
    assert answers[1] == answers[0]
    assert answers[2] == answers[0]
