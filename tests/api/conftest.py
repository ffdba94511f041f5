from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client


class Api:
    """A JSON client with a token or key, or the cookies of `client`."""

    def __init__(self, client: Client | None = None, **headers: str) -> None:
        self._client = client or Client()
        self._headers = headers

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self._client.generic(
            method,
            f"/henry/api/v1/{path}",
            data="" if body is None else _dump(body),
            content_type="application/json",
            headers={**self._headers, **headers},
        )


def _dump(body: Any) -> str:
    import json

    return body if isinstance(body, str) else json.dumps(body)


@pytest.fixture(autouse=True)
def _fresh_throttles() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def api() -> Api:
    """A guest without cookies."""
    return Api()
