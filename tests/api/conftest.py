from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tests.support.api import Api


@pytest.fixture(autouse=True)
def _fresh_throttles() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def api() -> Api:
    """A guest without cookies."""
    return Api()
