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
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
from ulid import ULID
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import BaseHTTPResponse

from django_henry_checkout.conf import Account, app_settings, is_safe_origin
from django_henry_checkout.exceptions import (
    BadResponse,
    ConfigurationError,
    GatewayError,
    GatewayTimeout,
    GatewayUnavailable,
)
from django_henry_checkout.gateway.deadline import DeadlineAdapter, deadline
from django_henry_checkout.gateway.response import Answer, require_json_type
from django_henry_checkout.telemetry import record_request

logger = logging.getLogger("django_henry_checkout.gateway")

_JSON_BODY: tuple[dict[str, str], dict[str, str]] = ({}, {"Content-Type": "application/json"})
#: Connections that are kept; as many as may be in flight, see POLL_CONCURRENCY.
POOL_SIZE = 64
#: For a look at Henry's clock.
CLOCK_SECONDS = 4.0
RETRY_BASE_SECONDS = 0.25
RETRY_CAP_SECONDS = 4.0
#: A hint to wait longer than this is not obeyed within a request; the poll schedule obeys it.
RETRY_AFTER_CAP_SECONDS = 4.0
_NEVER_SENT = (urllib3.exceptions.NewConnectionError, ConnectionRefusedError, ssl.SSLCertVerificationError)


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
        self.account = account
        self._adapter = DeadlineAdapter(
            pool_connections=1, pool_maxsize=max(POOL_SIZE, app_settings.POLL_CONCURRENCY), pool_block=False
        )
        self._base_path = urlsplit(account.base_url).path
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
        left = app_settings.READ_RETRIES if retries is None else retries
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
        return self._send(
            Answer.content if answer_is_used else _without_reading,
            method,
            path,
            query=query,
            body=body,
            headers=headers,
            total_timeout=total_timeout,
        )

    def fetch(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send a call that changes nothing, once, and return its 2xx answer unread: often its digest is enough.

        Raises:
            GatewayError: see its subclasses.
        """
        answer: Answer = self._send(_as_it_is, method, path, query=query, body=body)
        return answer

    def clock(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> datetime | None:
        """Send a call that changes nothing, once, and return the date of its answer, None if it has none.

        Raises:
            GatewayError: see its subclasses; BadResponse where what answers is no API.
        """
        answer: Answer = self._send(
            _as_it_is, method, path, query=query, body=body, headers=headers, total_timeout=CLOCK_SECONDS
        )
        require_json_type(answer)
        return answer.date

    def _send(
        self,
        read: Callable[[Answer], Any],
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        total_timeout: float | None = None,
    ) -> Any:
        request_id = str(ULID())
        started = time.monotonic()
        outcome = "no answer"
        try:
            answer = self._exchange(
                method,
                self._target(path, query),
                headers={
                    **self._headers,
                    **_JSON_BODY[body is not None],
                    **(headers or {}),
                    "X-Request-Id": request_id,
                },
                body=None if body is None else json.dumps(body, allow_nan=False).encode(),
                request_id=request_id,
                total_timeout=total_timeout or app_settings.TOTAL_TIMEOUT,
                read_timeout=total_timeout or app_settings.READ_TIMEOUT,
            )
            outcome = str(answer.status)
            answer.require_success()
            return read(answer)
        except GatewayError as error:
            outcome = f"{outcome} ({error.code})"
            raise
        finally:
            elapsed = time.monotonic() - started
            what = path.partition("?")[0]
            logger.info("%s %s %s %.0f ms %s", method, what, outcome, elapsed * 1000, request_id)
            record_request(elapsed, account=self.account.alias, method=method, outcome=outcome)

    def close(self) -> None:
        """Close the connections that are kept; the next call opens new ones."""
        pool = self.__dict__.pop("_pool", None)
        if pool is not None:
            pool.close()

    def _target(self, path: str, query: Mapping[str, str] | None) -> str:
        return f"{self._base_path}{path}?{urlencode(query)}" if query else f"{self._base_path}{path}"

    def _exchange(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        request_id: str,
        total_timeout: float,
        read_timeout: float,
    ) -> Answer:
        token = deadline.set(time.monotonic() + total_timeout)
        timeout = urllib3.Timeout(
            connect=min(app_settings.CONNECT_TIMEOUT, total_timeout), read=min(read_timeout, total_timeout)
        )
        try:
            response = self._pool.urlopen(
                method,
                target,
                body=body,
                headers=headers,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                content = _read_body(response, request_id=request_id)
            finally:
                response.close()
            return Answer(
                status=response.status, headers=response.headers, body=content, request_id=request_id
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _trouble(error, request_id=request_id) from error
        finally:
            deadline.reset(token)

    @cached_property
    def _pool(self) -> HTTPConnectionPool:
        """The connections to Henry, made by the HTTP library with its rules for certificates.

        Used directly: a request through the library's own ways costs twice as much, and follows redirects,
        keeps cookies and reads the environment unless it is told not to.
        """
        url = f"{self.account.base_url}/"
        prepared = requests.Request("GET", url).prepare()
        pool = self._adapter.get_connection_with_tls_context(prepared, verify=True)
        self._adapter.cert_verify(pool, url, verify=True, cert=None)  # type: ignore[no-untyped-call]  # theirs
        return cast("HTTPConnectionPool", pool)


def _as_it_is(answer: Answer) -> Answer:
    return answer


def _without_reading(answer: Answer) -> None:
    """Only its status counted."""


def _read_body(response: BaseHTTPResponse, *, request_id: str) -> bytes:
    limit = app_settings.MAX_RESPONSE_BYTES
    chunks: list[bytes] = []
    size = 0
    for chunk in response.stream(65_536, decode_content=True):
        size += len(chunk)
        if size > limit:
            raise BadResponse(
                f"Henry's answer is longer than MAX_RESPONSE_BYTES ({limit}).",
                status=response.status,
                request_id=request_id,
            )
        chunks.append(chunk)
    # Hand the connection back to the pool while the deadline still guards it.
    response.release_conn()
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
