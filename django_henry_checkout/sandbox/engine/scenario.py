"""The declarative script of a test: timing, outcomes, prices, webhooks and a seeded list of faults."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from decimal import Decimal

from django_henry_checkout.sandbox.engine import validation
from django_henry_checkout.sandbox.engine.catalogue import product_for_link
from django_henry_checkout.sandbox.engine.faults.schedule import Fault, parse_faults
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.validation import ApiError

MAX_SECONDS = 10_000_000
_STATUS = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEYS = {
    "seed", "timing", "dialect", "fees", "outcome", "messages", "items", "prices", "faults", "webhooks", "shifts",
}  # fmt: skip
# How the pages post messages to the page that embeds or opened them.
MESSAGE_MODES = ("usual", "none", "twice", "late", "json")
SIGNATURE_MODES = ("good", "wrong", "none")


@dataclass(frozen=True)
class Timing:
    """How long orders and jobs stay in each status."""

    pending_seconds: float = 2.0
    processing_seconds: float = 4.0
    job_seconds: float = 0.5

    @classmethod
    def parse(cls, source: JSON) -> Timing:
        """Validate the `timing` of a scenario."""
        names = {"pendingSeconds", "processingSeconds", "jobSeconds"}
        validation.reject_unknown_keys(source, names, where="timing")
        return cls(
            validation.read_number(source, "pendingSeconds", where="timing", default=2, high=MAX_SECONDS),
            validation.read_number(source, "processingSeconds", where="timing", default=4, high=MAX_SECONDS),
            validation.read_number(source, "jobSeconds", where="timing", default=0.5, high=MAX_SECONDS),
        )


@dataclass(frozen=True)
class WebhookOptions:
    """How webhooks are delivered. Henry does not document retries, order and delays; these defaults are ours."""

    retries: int = 0
    retry_after_seconds: float = 0.2
    duplicates: int = 0
    reorder: bool = False
    delay_seconds: float = 0.0
    drop: float = 0.0
    signature: str = "good"
    timestamp_offset_seconds: float = 0.0
    thin: bool = False
    extra: JSON = field(default_factory=dict)

    @classmethod
    def parse(cls, source: JSON) -> WebhookOptions:
        """Validate the `webhooks` of a scenario."""
        where = "webhooks"
        names = {
            "retries", "retryAfterSeconds", "duplicates", "reorder", "delaySeconds", "drop", "signature",
            "timestampOffsetSeconds", "thin", "extra",
        }  # fmt: skip
        validation.reject_unknown_keys(source, names, where=where)
        return cls(
            retries=validation.parse_integer(source.get("retries", 0), f"{where}.retries", low=0, high=100),
            retry_after_seconds=validation.read_number(
                source, "retryAfterSeconds", where=where, default=0.2, high=3600
            ),
            duplicates=validation.parse_integer(
                source.get("duplicates", 0), f"{where}.duplicates", low=0, high=99
            ),
            reorder=validation.read_boolean(source, "reorder", where=where),
            delay_seconds=validation.read_number(source, "delaySeconds", where=where, default=0, high=3600),
            drop=validation.read_number(source, "drop", where=where, default=0, high=1),
            signature=validation.read_choice(
                source, "signature", SIGNATURE_MODES, default="good", where=where
            ),
            timestamp_offset_seconds=validation.read_number(
                source, "timestampOffsetSeconds", where=where, default=0, low=-MAX_SECONDS, high=MAX_SECONDS
            ),
            thin=validation.read_boolean(source, "thin", where=where),
            extra=validation.read_object(source, "extra", where=where) or {},
        )


@dataclass
class Scenario:
    """The current script of the sandbox. `source` is the JSON it was parsed from."""

    timing: Timing = field(default_factory=Timing)
    # Empty: each cart uses the statuses and fee names of the API generation that created it.
    dialect: str = ""
    fees: str = ""
    outcome: str = ""
    messages: str = "usual"
    items: dict[str, str] = field(default_factory=dict)
    # Keyed by the canonical link of the product in the catalogue.
    prices: dict[str, Decimal] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    webhooks: WebhookOptions = field(default_factory=WebhookOptions)
    # Number of other orders that appear after each page of the order list is served.
    shifts: int = 0
    rng: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - must be reproducible
    # Separate from `rng`, so that the timing of webhooks does not change which requests get faults.
    webhook_rng: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - as above
    source: JSON = field(default_factory=dict)

    @classmethod
    def parse(cls, source: JSON) -> Scenario:
        """Validate a scenario.

        Raises:
            ApiError: a part of it is unknown or out of range; the message names the part.
        """
        validation.reject_unknown_keys(source, _KEYS, where="The scenario")
        dialect = validation.read_choice(source, "dialect", ("", "six", "four"), default="")
        default_fees = {"": "", "six": "service", "four": "commission"}[dialect]
        seed = source.get("seed", 0)
        if isinstance(seed, bool) or not isinstance(seed, int | str):
            raise ApiError("seed must be a whole number or a string.")
        return cls(
            timing=Timing.parse(validation.read_object(source, "timing") or {}),
            dialect=dialect,
            fees=validation.read_choice(source, "fees", ("", "service", "commission"), default=default_fees),
            outcome=parse_status(source["outcome"], "outcome") if source.get("outcome") else "",
            messages=validation.read_choice(source, "messages", MESSAGE_MODES, default="usual"),
            items={
                link: parse_status(outcome, f"items[{link}]")
                for link, outcome in (validation.read_object(source, "items") or {}).items()
            },
            prices=_parse_prices(validation.read_object(source, "prices") or {}),
            faults=parse_faults(source.get("faults", [])),
            webhooks=WebhookOptions.parse(validation.read_object(source, "webhooks") or {}),
            shifts=validation.parse_integer(source.get("shifts", 0), "shifts", low=0, high=100),
            rng=random.Random(seed),  # noqa: S311 - must be reproducible, guards nothing
            webhook_rng=random.Random(seed),  # noqa: S311 - as above
            source=source,
        )

    def pick_fault(self, method: str, path: str) -> Fault | None:
        """Return the first fault that applies to this request; every matching one before it counts the request."""
        for fault in self.faults:
            if fault.matches(method, path) and fault.should_apply(self.rng):
                return fault
        return None


def parse_status(value: object, name: str) -> str:
    """Validate a status, which may be one that Henry is not known to have."""
    if not isinstance(value, str) or not _STATUS.fullmatch(value):
        raise ApiError(f"{name} must be a status word such as complete, failed or awaiting_merchant.")
    return value


def _parse_prices(source: JSON) -> dict[str, Decimal]:
    prices = {}
    for link, value in source.items():
        name = f"prices[{link}]"
        product = product_for_link(validation.parse_https_url(link, name))
        prices[product.link] = validation.parse_price(value, name)
    return prices
