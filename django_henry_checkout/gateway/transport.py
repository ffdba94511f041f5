"""Sends one request to Henry and reads one JSON answer: bounded in time and size, and sent once.

Only this module and `deadline.py` import the HTTP library. It logs method, path, status, duration and
request id; never a body, a header or a query.
"""

from __future__ import annotations

import json
import logging
import random
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlencode

import requests
import urllib3
from django.utils import timezone
from ulid import ULID

from django_henry_checkout.conf import Account, is_safe_origin, settings
from django_henry_checkout.exceptions import (
    AuthenticationFailed,
    BadResponse,
    ConfigurationError,
    GatewayError,
    GatewayTimeout,
    GatewayUnavailable,
    NotFound,
    RateLimited,
    Rejected,
)
from django_henry_checkout.gateway.deadline import DeadlineAdapter, deadline

logger = logging.getLogger("django_henry_checkout.gateway")

POOL_SIZE = 64
RETRY_BASE_SECONDS = 0.25
RETRY_CAP_SECONDS = 4.0
#: A hint to wait longer than this is not obeyed within a request; the poll schedule obeys it.
RETRY_AFTER_CAP_SECONDS = 4.0
_NEVER_SENT = (urllib3.exceptions.NewConnectionError, ConnectionRefusedError, ssl.SSLCertVerificationError)
_TRANSIENT = frozenset({408, 425, 500, 502, 503, 504})


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def _user_agent() -> str:
    try:
        own = version("django-henry-checkout")
    except PackageNotFoundError:  # run from a checkout that is not installed
        own = "0"
    return f"django-henry-checkout/{own}"


class Transport:
    """One account's way to Henry: a connection pool, the key, and the rules."""

    def __init__(self, account: Account) -> None:
        if not is_safe_origin(account.base_url) or "?" in account.base_url:
            raise ConfigurationError(
                'HENRY_CHECKOUT["BASE_URL"] must be https (http is for a sandbox on this machine only), '
                "without credentials."
            )
        self._account = account
        self._adapter = DeadlineAdapter(pool_connections=1, pool_maxsize=POOL_SIZE, pool_block=False)
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": _user_agent(),
            "x-api-key": account.api_key,
        }

    def read(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        retries: int | None = None,
    ) -> Any:
        """Send a call that changes nothing; repeat it after transient trouble.

        Args:
            retries: repeats after the first try; None means READ_RETRIES.
        """
        left = settings.READ_RETRIES if retries is None else retries
        pause = RETRY_BASE_SECONDS
        while True:
            try:
                return self.send_once(method, path, query=query, body=body, headers=headers)
            except GatewayError as error:
                if left <= 0 or not error.retryable:
                    raise
                wait = random.uniform(0, pause)  # noqa: S311 - spreads load, guards nothing
                if error.retry_after is not None:
                    if error.retry_after > RETRY_AFTER_CAP_SECONDS:
                        raise
                    wait = error.retry_after
                time.sleep(wait)
                left, pause = left - 1, min(pause * 2, RETRY_CAP_SECONDS)

    def send_once(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        total_timeout: float | None = None,
        answer_is_used: bool = True,
    ) -> Any:
        """Send one call, once, and return the parsed JSON of a 2xx answer.

        Args:
            total_timeout: seconds for the whole answer, and for silence within it; None means the usual ones.
            answer_is_used: False if only the status of the answer counts; then None is returned.

        Raises:
            GatewayError: see its subclasses; `maybe_sent` is False only if nothing left this machine.
        """
        request_id = str(ULID())
        started = time.monotonic()
        outcome = "no answer"
        try:
            answer = self._exchange(
                self._prepare(
                    method,
                    path,
                    query=query,
                    body=body,
                    headers={**(headers or {}), "X-Request-Id": request_id},
                ),
                request_id=request_id,
                total_timeout=total_timeout or settings.TOTAL_TIMEOUT,
                read_timeout=total_timeout or settings.READ_TIMEOUT,
            )
            outcome = str(answer.status)
            return _read_answer(answer, request_id=request_id, is_used=answer_is_used)
        except GatewayError as error:
            outcome = f"{outcome} ({error.code})"
            raise
        finally:
            elapsed = (time.monotonic() - started) * 1000
            logger.info("%s %s %s %.0f ms %s", method, path.partition("?")[0], outcome, elapsed, request_id)

    def _prepare(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> requests.PreparedRequest:
        headers = {**self._headers, **headers}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body, allow_nan=False).encode()
        url = f"{self._account.base_url}{path}"
        if query:
            url = f"{url}?{urlencode(query)}"
        return requests.Request(method, url, headers=headers, data=data).prepare()

    def _exchange(
        self,
        prepared: requests.PreparedRequest,
        *,
        request_id: str,
        total_timeout: float,
        read_timeout: float,
    ) -> _Answer:
        token = deadline.set(time.monotonic() + total_timeout)
        timeouts = (min(settings.CONNECT_TIMEOUT, total_timeout), min(read_timeout, total_timeout))
        try:
            response = self._adapter.send(prepared, stream=True, timeout=timeouts, verify=True)
            try:
                body = _read_body(response, request_id=request_id)
            finally:
                response.close()
            return _Answer(response.status_code, response.headers, body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _trouble(error, request_id=request_id) from error
        finally:
            deadline.reset(token)


def _read_body(response: requests.Response, *, request_id: str) -> bytes:
    limit = settings.MAX_RESPONSE_BYTES
    chunks: list[bytes] = []
    size = 0
    for chunk in response.raw.stream(65_536, decode_content=True):
        size += len(chunk)
        if size > limit:
            raise BadResponse(
                f"Henry's answer is longer than MAX_RESPONSE_BYTES ({limit}).",
                status=response.status_code,
                request_id=request_id,
            )
        chunks.append(chunk)
    # Hand the connection back to the pool while the deadline still guards it.
    response.raw.release_conn()
    return b"".join(chunks)


def _trouble(error: Exception, *, request_id: str) -> GatewayError:
    """Sort what the HTTP library raised by what it means for the call.

    Only a failure to connect proves that nothing was sent; the class of the deepest cause decides.
    """
    causes = list(_chain(error))
    if any(isinstance(cause, _NEVER_SENT) for cause in causes):
        return GatewayUnavailable("Henry could not be reached.", request_id=request_id, maybe_sent=False)
    if any(isinstance(cause, urllib3.exceptions.ConnectTimeoutError) for cause in causes):
        return GatewayTimeout("Henry could not be reached in time.", request_id=request_id, maybe_sent=False)
    if any(isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError) for cause in causes):
        return GatewayTimeout("Henry's answer took too long.", request_id=request_id)
    if any(isinstance(cause, urllib3.exceptions.DecodeError) for cause in causes):
        return BadResponse("Henry's answer could not be decompressed.", request_id=request_id)
    return GatewayUnavailable(
        f"The connection to Henry broke ({type(error).__name__}).", request_id=request_id
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Walk down what the HTTP library says was the cause.

    Not `__context__`: it may reach to errors that the caller was handling when he called.
    """
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        # urllib3 keeps the cause as `reason`, requests as its first argument.
        pending += [current.__cause__, getattr(current, "reason", None), *current.args]


def _read_answer(answer: _Answer, *, request_id: str, is_used: bool) -> Any:
    if not 200 <= answer.status < 300:
        raise _refusal(answer, request_id=request_id)
    if not is_used:
        return None
    content = parse_json(answer, request_id=request_id)
    success = content.get("success", True) if isinstance(content, dict) else True
    if success is False:
        raise Rejected(
            "Henry refused the request, in a 2xx answer.",
            status=answer.status,
            request_id=request_id,
            detail=_short(content.get("message")),
        )
    if success is not True:
        raise BadResponse("Henry's answer has an odd `success`.", status=answer.status, request_id=request_id)
    return content


def _refusal(answer: _Answer, *, request_id: str) -> GatewayError:
    status = answer.status
    if status in {401, 403}:
        return AuthenticationFailed(status=status, request_id=request_id)
    if status == 429 or status in _TRANSIENT or status >= 500:
        kind = RateLimited if status == 429 else GatewayUnavailable
        return kind(
            f"Henry answered {status}.",
            status=status,
            request_id=request_id,
            retry_after=_retry_after(answer.headers),
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
        detail=_message_of(answer),
    )


def _message_of(answer: _Answer) -> str:
    try:
        content = parse_json(answer, request_id="")
    except BadResponse:
        return ""
    return _short(content.get("message") if isinstance(content, dict) else None)


def _short(text: object) -> str:
    """Cut Henry's words to one printable line."""
    if not isinstance(text, str):
        return ""
    return "".join(character if character.isprintable() else " " for character in text[:200])


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read the pause that was asked for, in seconds: `retry-after-ms`, seconds, or an HTTP date."""
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


def parse_json(answer: _Answer, *, request_id: str) -> Any:
    """Parse strictly: JSON by its content type, UTF-8, numbers as Decimal, no duplicate keys, no NaN."""

    def bad(reason: str) -> BadResponse:
        return BadResponse(
            f"Henry's answer is not usable: {reason}.", status=answer.status, request_id=request_id
        )

    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise bad(f"its content type is {kind[:60]!r}")
    try:
        return json.loads(
            answer.body.decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
    except UnicodeDecodeError:
        raise bad("it is not UTF-8") from None
    except RecursionError:
        raise bad("it is nested too deeply") from None
    except ArithmeticError:
        raise bad("it holds an impossible number") from None
    except json.JSONDecodeError:
        raise bad("it is not JSON") from None
    except ValueError as error:
        raise bad(str(error)) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("an object holds the same key twice")
    return content
