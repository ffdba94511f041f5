"""The faults of a scenario: which requests each one applies to, and its validated parameters."""

from __future__ import annotations

import fnmatch
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from wsgiref.util import is_hop_by_hop

from django_henry_checkout.sandbox.engine import validation
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.validation import ApiError

_STEP = re.compile(r"[^.*]{1,100}")
_PATH = re.compile(r"([^.*]{1,100}|\*)(\.([^.*]{1,100}|\*)){0,19}")
_COMMON_KEYS = {"method", "path", "times", "after", "probability", "fault"}
_GARBAGE_KINDS = (
    "html", "truncated", "short", "nan", "duplicate_keys", "latin1", "empty", "deep", "wrong_type",
)  # fmt: skip
# Parameters of each kind of fault. Any other key is refused, so that misspelt ones are noticed.
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


@dataclass
class Fault:
    """One entry of the schedule, with counters of the requests it matched and was applied to."""

    kind: str
    params: JSON
    method: str = ""
    path: str = ""
    times: int = 1
    after: int = 0
    probability: float = 1.0
    matched: int = 0
    applied: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Return whether this request is in scope. Without a path only API calls are, never pages."""
        if self.method and self.method != method:
            return False
        return fnmatch.fnmatchcase(path, self.path) if self.path else path.startswith(("/v1/", "/v0/"))

    def should_apply(self, rng: random.Random) -> bool:
        """Count a matching request and decide whether the fault applies to it."""
        self.matched += 1
        if self.matched <= self.after or (self.times and self.applied >= self.times):
            return False
        if self.probability < 1 and rng.random() >= self.probability:
            return False
        self.applied += 1
        return True


def parse_faults(entries: object) -> list[Fault]:
    """Validate the `faults` of a scenario."""
    if not isinstance(entries, list) or len(entries) > 200:
        raise ApiError("faults must be an array of at most 200 entries.")
    return [_parse_fault(entry, f"faults[{index}]") for index, entry in enumerate(entries)]


def _parse_fault(entry: object, where: str) -> Fault:
    if not isinstance(entry, dict):
        raise ApiError(f"{where} must be an object.")
    kind = entry.get("fault")
    if not isinstance(kind, str) or kind not in FAULT_PARAMS:
        raise ApiError(f"{where}.fault must be one of {', '.join(FAULT_PARAMS)}.")
    validation.reject_unknown_keys(entry, _COMMON_KEYS | FAULT_PARAMS[kind], where=f"{where} ({kind})")
    return Fault(
        kind=kind,
        params=_parse_params(kind, entry, where),
        method=validation.read_text(entry, "method", where=where, required=False).upper(),
        path=validation.read_text(entry, "path", where=where, required=False),
        times=validation.parse_integer(entry.get("times", 1), f"{where}.times", low=0, high=1_000_000),
        after=validation.parse_integer(entry.get("after", 0), f"{where}.after", low=0, high=1_000_000),
        probability=validation.read_number(entry, "probability", where=where, default=1, high=1),
    )


def _parse_params(kind: str, entry: JSON, where: str) -> JSON:
    params: JSON = {key: entry[key] for key in FAULT_PARAMS[kind] if key in entry}
    if "process" in params:
        params["process"] = validation.read_boolean(entry, "process", where=where)
    parser = _PARSERS.get(kind)
    if parser:
        params.update(parser(entry, where))
    return params


def _parse_delay(entry: JSON, where: str) -> JSON:
    return {
        "seconds": validation.read_number(entry, "seconds", where=where, default=1, high=60),
        "process": validation.read_boolean(entry, "process", where=where),
    }


def _parse_rewrite(entry: JSON, where: str) -> JSON:
    params: JSON = {
        "set": validation.read_object(entry, "set", where=where) or {},
        "rename": validation.read_object(entry, "rename", where=where) or {},
        "remove": validation.read_strings(entry, "remove", where=where),
    }
    paths = [*params["set"], *params["rename"], *params["remove"]]
    if not paths:
        raise ApiError(f"{where} (rewrite) must set, rename or remove something.")
    if not all(_PATH.fullmatch(path) for path in paths):
        raise ApiError(f"{where} (rewrite) takes paths such as data.*.status.")
    if not all(isinstance(name, str) and _STEP.fullmatch(name) for name in params["rename"].values()):
        raise ApiError(f"{where}.rename must map paths to plain names.")
    return params


def _parse_drip(entry: JSON, where: str) -> JSON:
    return {
        "interval": validation.read_number(entry, "interval", where=where, default=0.5, high=60),
        "headers": validation.read_boolean(entry, "headers", where=where),
    }


def _parse_huge(entry: JSON, where: str) -> JSON:
    framings = ("chunked", "length")
    megabytes = entry.get("megabytes", 64)
    return {
        "megabytes": validation.parse_integer(megabytes, f"{where}.megabytes", low=1, high=4096),
        "framing": validation.read_choice(entry, "framing", framings, default="chunked", where=where),
        "gzip": validation.read_boolean(entry, "gzip", where=where),
    }


def _parse_garbage(entry: JSON, where: str) -> JSON:
    return {"kind": validation.read_choice(entry, "kind", _GARBAGE_KINDS, default="html", where=where)}


def _read_headers(entry: JSON, where: str) -> JSON:
    headers: Any = validation.read_object(entry, "headers", where=where) or {}
    if not all(_is_header(name, value) for name, value in headers.items()):
        raise ApiError(f"{where}.headers must map header names to plain strings.")
    return {"headers": headers}


def _parse_headers(entry: JSON, where: str) -> JSON:
    params = _read_headers(entry, where)
    if not params["headers"]:
        raise ApiError(f"{where}.headers is required.")
    # These frame the response: with other values the client could not read it.
    if any(is_hop_by_hop(name) or name.lower() == "content-length" for name in params["headers"]):
        raise ApiError(f"{where}.headers cannot set headers of the connection, nor Content-Length.")
    return params


def _parse_status(entry: JSON, where: str) -> JSON:
    params = {"status": _parse_status_code(entry, where, default=500), **_read_headers(entry, where)}
    name = "retryAfterDateSeconds"
    if name in entry:
        if any(header.lower() == "retry-after" for header in params["headers"]):
            raise ApiError(f"{where}.{name} makes a Retry-After of its own; headers has one too.")
        params[name] = validation.parse_integer(entry[name], f"{where}.{name}", low=-86_400, high=31_536_000)
    return params


def _parse_body(entry: JSON, where: str) -> JSON:
    if "json" not in entry:
        raise ApiError(f"{where}.json is required.")
    return {"status": _parse_status_code(entry, where, default=200)}


def _parse_status_code(entry: JSON, where: str, *, default: int) -> int:
    return validation.parse_integer(entry.get("status", default), f"{where}.status", low=200, high=599)


def _parse_redirect(entry: JSON, where: str) -> JSON:
    location = validation.read_text(entry, "location", where=where, limit=2048)
    if not _is_header("location", location):
        raise ApiError(f"{where}.location must be plain text on one line.")
    status = validation.parse_integer(entry.get("status", 302), f"{where}.status", low=300, high=399)
    return {"location": location, "status": status}


def _is_header(name: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    return bool(re.fullmatch(r"[A-Za-z0-9-]+", name)) and value.isascii() and value.isprintable()


_PARSERS: dict[str, Callable[[JSON, str], JSON]] = {
    "headers": _parse_headers,
    "delay": _parse_delay,
    "rewrite": _parse_rewrite,
    "drip": _parse_drip,
    "huge": _parse_huge,
    "garbage": _parse_garbage,
    "status": _parse_status,
    "body": _parse_body,
    "redirect": _parse_redirect,
}
