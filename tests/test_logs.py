"""The filter for log handlers hides personal data and secrets, and nothing else."""

from __future__ import annotations

import io
import logging

import pytest

from django_henry_checkout.logs import HIDDEN, RedactingFilter, redact


@pytest.mark.parametrize(
    "text",
    [
        "ada@shop.example",
        "Ada.Lovelace+boots@mail.shop.example",
        "+1 (212) 555-0123",
        "+442079460958",
        "4242 4242 4242 4242",
        "4242424242424242",
        "378282246310005",
        "hck_0123456789abcdef",
        "whsec_of_a_shop",
        "Bearer eyJhbGciOi.x.y",
    ],
)
def test_personal_data_and_secrets_are_hidden(text: str) -> None:
    assert redact(f"before {text} after") == f"before {HIDDEN} after"


@pytest.mark.parametrize(
    "text",
    [
        "Purchase 01M81NM69RJBX4NHWXBB22ZX71: henry_unavailable, 503",
        "GET /v1/orders 200 12 ms 01M81NM69RJBX4NHWXBB22ZX71",
        "ckp-ref_8296bb63-caac-4c26-b1bb at 2026-11-22T13:11:02.123456+00:00",
        "500 purchases, 1234567890 ns, order PC5FJ-UE74N, crt_sa2aEsCz9PRM",
    ],
)
def test_ids_times_and_counts_stay(text: str) -> None:
    assert redact(text) == text


def test_arguments_and_tracebacks_are_redacted() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(logging.Formatter("%(message)s [%(traceparent)s]"))
    logger = logging.getLogger("tests.redacted")
    logger.addHandler(handler)
    try:
        {}["ada@shop.example"]
    except KeyError:
        logger.exception("Mail to %s failed", "ada@shop.example")
    finally:
        logger.removeHandler(handler)
    written = stream.getvalue()
    assert "ada@" not in written
    assert f"Mail to {HIDDEN} failed []" in written
    assert f"KeyError: '{HIDDEN}'" in written
