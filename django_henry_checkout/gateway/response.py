"""A response of Henry's API: maps its status to an error, and parses its JSON strictly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils import timezone

from django_henry_checkout.exceptions import (
    AuthenticationFailed,
    BadResponse,
    GatewayError,
    GatewayUnavailable,
    NotFound,
    RateLimited,
    Rejected,
)

_TRANSIENT = frozenset({408, 425, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class Response:
    """A complete response with a body of bounded size, not parsed yet."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str

    @property
    def digest(self) -> str:
        """Digest of the body."""
        return text_digest(self.body)

    @property
    def date(self) -> datetime | None:
        """Value of the Date header; None without a valid one."""
        try:
            moment = parsedate_to_datetime(self.headers.get("date", ""))
        except (ValueError, TypeError, OverflowError):
            return None
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    def require_success(self) -> None:
        """Raise the error for a status other than 2xx.

        Raises:
            GatewayError: see its subclasses.
        """
        if not 200 <= self.status < 300:
            raise _error_for(self)

    def json(self) -> Any:
        """Return the parsed JSON of a 2xx response.

        Raises:
            BadResponse: it is not usable.
            Rejected: its envelope reports that Henry refused the request.
        """
        content = parse_json(self)
        success = content.get("success", True) if isinstance(content, dict) else True
        if success is False:
            raise Rejected(
                "Henry refused the request, in a 2xx response.",
                status=self.status,
                request_id=self.request_id,
                detail=_one_line(content.get("message")),
            )
        if success is not True:
            raise self.unusable("its `success` is not a boolean")
        return content

    def unusable(self, reason: str) -> BadResponse:
        """Return the error for a response that cannot be used."""
        return BadResponse(
            f"Henry's answer is not usable: {reason}.", status=self.status, request_id=self.request_id
        )


def text_digest(text: bytes) -> str:
    """Return a digest to compare texts by; 32 characters."""
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _error_for(response: Response) -> GatewayError:
    status, request_id = response.status, response.request_id
    if status in {401, 403}:
        return AuthenticationFailed(status=status, request_id=request_id)
    if status == 429 or status in _TRANSIENT or status >= 500:
        kind = RateLimited if status == 429 else GatewayUnavailable
        return kind(
            f"Henry answered {status}.",
            status=status,
            request_id=request_id,
            retry_after=_retry_after(response.headers),
        )
    if 300 <= status < 400 or status < 200:
        return BadResponse(
            f"Henry answered {status}; redirects are not followed, so that the key stays here.",
            status=status,
            request_id=request_id,
        )
    refused = NotFound if status in {404, 410} else Rejected
    return refused(
        f"Henry answered {status} and refused the request.",
        status=status,
        request_id=request_id,
        detail=_message_of(response),
    )


def _message_of(response: Response) -> str:
    try:
        content = parse_json(response)
    except BadResponse:
        return ""
    return _one_line(content.get("message") if isinstance(content, dict) else None)


def _one_line(text: object) -> str:
    """Return Henry's message as one printable line of at most 200 characters."""
    if not isinstance(text, str):
        return ""
    return "".join(character if character.isprintable() else " " for character in text[:200])


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the requested pause in seconds: from `retry-after-ms`, or `retry-after` (seconds or date)."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(value) - timezone.now()).total_seconds()
            except (ValueError, TypeError, OverflowError):
                continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def parse_json(response: Response) -> Any:
    """Parse strictly: a JSON content type, UTF-8, numbers as Decimal, no duplicate keys, no NaN."""
    require_json_type(response)
    try:
        return parse_strictly(response.body.decode("utf-8"))
    except UnicodeDecodeError:
        raise response.unusable("it is not UTF-8") from None
    except ValueError as error:
        raise response.unusable(str(error)) from None


def require_json_type(response: Response) -> None:
    """Raise BadResponse unless the content type is JSON."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise response.unusable(f"its content type is {kind[:60]!r}")


def parse_strictly(text: str) -> Any:
    """Parse JSON with numbers as Decimal; raise ValueError with the reason if it is not valid."""
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ArithmeticError:
        raise ValueError("it contains a number out of range") from None
    except json.JSONDecodeError:
        raise ValueError("it is not JSON") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it contains {name}")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("an object has a duplicate key")
    return content
