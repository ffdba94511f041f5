from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from django_henry_checkout.exceptions import Rejected


@contextmanager
def refused(kind: type[Rejected], reason: str) -> Iterator[Any]:
    """Expect a refusal whose `detail`, Henry's own message, contains the reason."""
    with pytest.raises(kind) as caught:
        yield caught
    assert re.search(reason, caught.value.detail), caught.value.detail
    assert not re.search(reason, str(caught.value))
