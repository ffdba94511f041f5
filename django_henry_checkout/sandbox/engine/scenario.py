"""The declarative script of a test: timing, outcomes and a seeded list of faults, checked when it is set."""

from __future__ import annotations

import fnmatch
import random
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from wsgiref.util import is_hop_by_hop

from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine.catalogue import product_for
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.validation import RefusedError

MAX_SECONDS = 10_000_000
_STEP = re.compile(r"[^.*]{1,100}")
_PATH = re.compile(r"([^.*]{1,100}|\*)(\.([^.*]{1,100}|\*)){0,19}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COMMON = {"method", "path", "times", "after", "probability", "fault"}
_GARBAGE = (
    "html", "truncated", "short", "nan", "duplicate_keys", "latin1", "empty", "deep", "wrong_type",
)  # fmt: skip
# How the pages speak to the page around them, or to the one that opened them.
MESSAGES = ("usual", "none", "twice", "late", "json")
SIGNATURES = ("good", "wrong", "none")
# Which parameters each kind of fault takes; anything else in the entry is refused, so typing errors show.
FAULT_PARAMS: dict[str, set[str]] = {
    "status": {"status", "headers", "body", "process", "retryAfterDateSeconds"},
    "headers": {"headers"},
    "rewrite": {"set", "rename", "remove"},
    "delay": {"seconds", "process"},
    "reset": set(),
    "lost_reply": set(),
    "drip": {"interval", "headers"},
    "huge": {"megabytes", "framing", "gzip", "process"},
    "garbage": {"kind", "process"},
    "body": {"status", "json", "process"},
    "redirect": {"location", "status", "process"},
}


@dataclass(frozen=True)
class Timing:
    pending_seconds: float = 2.0
    processing_seconds: float = 4.0
    job_seconds: float = 0.5

    @classmethod
    def parse(cls, source: JSON) -> Timing:
        names = {"pendingSeconds", "processingSeconds", "jobSeconds"}
        checking.known_keys(source, names, where="timing")
        return cls(
            checking.number(source, "pendingSeconds", where="timing", default=2, high=MAX_SECONDS),
            checking.number(source, "processingSeconds", where="timing", default=4, high=MAX_SECONDS),
            checking.number(source, "jobSeconds", where="timing", default=0.5, high=MAX_SECONDS),
        )


@dataclass(frozen=True)
class Sending:
    """How webhooks are sent. What is not said of Henry (retries, order, waiting) is chosen here."""

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
    def parse(cls, source: JSON) -> Sending:
        where = "webhooks"
        names = {
            "retries", "retryAfterSeconds", "duplicates", "reorder", "delaySeconds", "drop", "signature",
            "timestampOffsetSeconds", "thin", "extra",
        }  # fmt: skip
        checking.known_keys(source, names, where=where)
        return cls(
            retries=checking.whole(source.get("retries", 0), f"{where}.retries", low=0, high=100),
            retry_after_seconds=checking.number(
                source, "retryAfterSeconds", where=where, default=0.2, high=3600
            ),
            duplicates=checking.whole(source.get("duplicates", 0), f"{where}.duplicates", low=0, high=99),
            reorder=checking.switch(source, "reorder", where=where),
            delay_seconds=checking.number(source, "delaySeconds", where=where, default=0, high=3600),
            drop=checking.number(source, "drop", where=where, default=0, high=1),
            signature=checking.one_of(source, "signature", SIGNATURES, default="good", where=where),
            timestamp_offset_seconds=checking.number(
                source, "timestampOffsetSeconds", where=where, default=0, low=-MAX_SECONDS, high=MAX_SECONDS
            ),
            thin=checking.switch(source, "thin", where=where),
            extra=checking.mapping(source, "extra", where=where) or {},
        )


@dataclass
class Fault:
    """One entry of the schedule, with the counters of how often it was met and used."""

    kind: str
    params: JSON
    method: str = ""
    path: str = ""
    times: int = 1
    after: int = 0
    probability: float = 1.0
    met: int = 0
    used: int = 0

    def covers(self, method: str, path: str) -> bool:
        """Without a path of its own a fault strikes API calls only, never the pages a shopper sees."""
        if self.method and self.method != method:
            return False
        return fnmatch.fnmatchcase(path, self.path) if self.path else path.startswith(("/v1/", "/v0/"))

    def strikes(self, dice: random.Random) -> bool:
        self.met += 1
        if self.met <= self.after or (self.times and self.used >= self.times):
            return False
        if self.probability < 1 and dice.random() >= self.probability:
            return False
        self.used += 1
        return True


@dataclass
class Scenario:
    """What the sandbox was told to do. `source` is the JSON it came from, to show and to keep."""

    timing: Timing = field(default_factory=Timing)
    # Empty: what the generation that made the cart is known to say.
    dialect: str = ""
    fees: str = ""
    outcome: str = ""
    messages: str = "usual"
    items: dict[str, str] = field(default_factory=dict)
    # By the link of the product, in the one spelling that the catalogue has for it.
    prices: dict[str, Decimal] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    webhooks: Sending = field(default_factory=Sending)
    # How many other orders come in after each page of the order list.
    shifts: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - has to repeat, guards nothing
    # Dice of their own, or webhooks and requests that come in another order would change each other's luck.
    webhook_dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - as above
    source: JSON = field(default_factory=dict)

    @classmethod
    def parse(cls, source: JSON) -> Scenario:
        """Read and check a scenario.

        Raises:
            RefusedError: a part of it is unknown or out of range; the message names the part.
        """
        known = {
            "seed", "timing", "dialect", "fees", "outcome", "messages", "items", "prices", "faults",
            "webhooks", "shifts",
        }  # fmt: skip
        checking.known_keys(source, known, where="The scenario")
        dialect = checking.one_of(source, "dialect", ("", "six", "four"), default="")
        usual_fees = {"": "", "six": "service", "four": "commission"}[dialect]
        seed = source.get("seed", 0)
        if isinstance(seed, bool) or not isinstance(seed, int | str):
            raise RefusedError("seed must be a whole number or a string.")
        return cls(
            timing=Timing.parse(checking.mapping(source, "timing") or {}),
            dialect=dialect,
            fees=checking.one_of(source, "fees", ("", "service", "commission"), default=usual_fees),
            outcome=word(source["outcome"], "outcome") if source.get("outcome") else "",
            messages=checking.one_of(source, "messages", MESSAGES, default="usual"),
            items={
                link: word(outcome, f"items[{link}]")
                for link, outcome in (checking.mapping(source, "items") or {}).items()
            },
            prices=_prices(checking.mapping(source, "prices") or {}),
            faults=_faults(source.get("faults", [])),
            webhooks=Sending.parse(checking.mapping(source, "webhooks") or {}),
            shifts=checking.whole(source.get("shifts", 0), "shifts", low=0, high=100),
            dice=random.Random(seed),  # noqa: S311 - has to repeat, guards nothing
            webhook_dice=random.Random(seed),  # noqa: S311 - as above
            source=source,
        )

    def pick_fault(self, method: str, path: str) -> Fault | None:
        """The first entry that strikes this request; entries it passes over still count it."""
        for fault in self.faults:
            if fault.covers(method, path) and fault.strikes(self.dice):
                return fault
        return None


def word(value: object, name: str) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise RefusedError(f"{name} must be a status word such as complete, failed or awaiting_merchant.")
    return value


def _prices(source: JSON) -> dict[str, Decimal]:
    found = {}
    for link, value in source.items():
        name = f"prices[{link}]"
        found[product_for(checking.https_link(link, name)).link] = checking.price(value, name)
    return found


def _faults(entries: object) -> list[Fault]:
    if not isinstance(entries, list) or len(entries) > 200:
        raise RefusedError("faults must be an array of at most 200 entries.")
    return [_fault(entry, f"faults[{index}]") for index, entry in enumerate(entries)]


def _fault(entry: object, where: str) -> Fault:
    if not isinstance(entry, dict):
        raise RefusedError(f"{where} must be an object.")
    kind = entry.get("fault")
    if not isinstance(kind, str) or kind not in FAULT_PARAMS:
        raise RefusedError(f"{where}.fault must be one of {', '.join(FAULT_PARAMS)}.")
    checking.known_keys(entry, _COMMON | FAULT_PARAMS[kind], where=f"{where} ({kind})")
    return Fault(
        kind=kind,
        params=_params(kind, entry, where),
        method=checking.text(entry, "method", where=where, required=False).upper(),
        path=checking.text(entry, "path", where=where, required=False),
        times=checking.whole(entry.get("times", 1), f"{where}.times", low=0, high=1_000_000),
        after=checking.whole(entry.get("after", 0), f"{where}.after", low=0, high=1_000_000),
        probability=checking.number(entry, "probability", where=where, default=1, high=1),
    )


def _params(kind: str, entry: JSON, where: str) -> JSON:
    params: JSON = {key: entry[key] for key in FAULT_PARAMS[kind] if key in entry}
    if "process" in params:
        params["process"] = checking.switch(entry, "process", where=where)
    reader = _READERS.get(kind)
    if reader:
        params.update(reader(entry, where))
    return params


def _delay(entry: JSON, where: str) -> JSON:
    return {
        "seconds": checking.number(entry, "seconds", where=where, default=1, high=60),
        "process": checking.switch(entry, "process", where=where),
    }


def _rewrite(entry: JSON, where: str) -> JSON:
    found: JSON = {
        "set": checking.mapping(entry, "set", where=where) or {},
        "rename": checking.mapping(entry, "rename", where=where) or {},
        "remove": checking.texts(entry, "remove", where=where),
    }
    paths = [*found["set"], *found["rename"], *found["remove"]]
    if not paths:
        raise RefusedError(f"{where} (rewrite) must set, rename or remove something.")
    if not all(_PATH.fullmatch(path) for path in paths):
        raise RefusedError(f"{where} (rewrite) takes paths such as data.*.status.")
    if not all(isinstance(name, str) and _STEP.fullmatch(name) for name in found["rename"].values()):
        raise RefusedError(f"{where}.rename must map paths to plain names.")
    return found


def _drip(entry: JSON, where: str) -> JSON:
    return {
        "interval": checking.number(entry, "interval", where=where, default=0.5, high=60),
        "headers": checking.switch(entry, "headers", where=where),
    }


def _huge(entry: JSON, where: str) -> JSON:
    return {
        "megabytes": checking.whole(entry.get("megabytes", 64), f"{where}.megabytes", low=1, high=4096),
        "framing": checking.one_of(entry, "framing", ("chunked", "length"), default="chunked", where=where),
        "gzip": checking.switch(entry, "gzip", where=where),
    }


def _garbage(entry: JSON, where: str) -> JSON:
    return {"kind": checking.one_of(entry, "kind", _GARBAGE, default="html", where=where)}


def _header_map(entry: JSON, where: str) -> JSON:
    headers: Any = checking.mapping(entry, "headers", where=where) or {}
    if not all(_is_header(name, value) for name, value in headers.items()):
        raise RefusedError(f"{where}.headers must map header names to plain strings.")
    return {"headers": headers}


def _headers(entry: JSON, where: str) -> JSON:
    found = _header_map(entry, where)
    if not found["headers"]:
        raise RefusedError(f"{where}.headers is required.")
    # These say how the answer travels; changed, it would be no answer at all.
    if any(is_hop_by_hop(name) or name.lower() == "content-length" for name in found["headers"]):
        raise RefusedError(f"{where}.headers cannot set headers of the connection, nor Content-Length.")
    return found


def _status(entry: JSON, where: str) -> JSON:
    status = checking.whole(entry.get("status", 500), f"{where}.status", low=200, high=599)
    found = {"status": status, **_header_map(entry, where)}
    name = "retryAfterDateSeconds"
    if name in entry:
        if any(header.lower() == "retry-after" for header in found["headers"]):
            raise RefusedError(f"{where}.{name} makes a Retry-After of its own; headers has one too.")
        found[name] = checking.whole(entry[name], f"{where}.{name}", low=-86_400, high=31_536_000)
    return found


def _body(entry: JSON, where: str) -> JSON:
    if "json" not in entry:
        raise RefusedError(f"{where}.json is required.")
    return {"status": checking.whole(entry.get("status", 200), f"{where}.status", low=200, high=599)}


def _redirect(entry: JSON, where: str) -> JSON:
    location = checking.text(entry, "location", where=where, limit=2048)
    if not _is_header("location", location):
        raise RefusedError(f"{where}.location must be plain text on one line.")
    status = checking.whole(entry.get("status", 302), f"{where}.status", low=300, high=399)
    return {"location": location, "status": status}


def _is_header(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    return bool(re.fullmatch(r"[A-Za-z0-9-]+", name)) and value.isascii() and value.isprintable()


_READERS = {
    "headers": _headers,
    "delay": _delay,
    "rewrite": _rewrite,
    "drip": _drip,
    "huge": _huge,
    "garbage": _garbage,
    "status": _status,
    "body": _body,
    "redirect": _redirect,
}
