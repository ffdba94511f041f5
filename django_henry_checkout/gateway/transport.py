"""HTTP calls to Henry: bounded in time and size, and never retried unless they are reads.

They are logged with method, path, status, duration and request id; never with a body, a header or a query.
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
from django_henry_checkout.gateway.response import Response, require_json_type
from django_henry_checkout.telemetry import record_request

logger = logging.getLogger("django_henry_checkout.gateway")

#: Minimum size of the connection pool; it is larger if POLL_CONCURRENCY is.
POOL_SIZE = 64
#: Timeout of `clock()`.
CLOCK_SECONDS = 4.0
RETRY_BASE_SECONDS = 0.25
RETRY_CAP_SECONDS = 4.0
#: A longer Retry-After is not waited for here: the error is raised, and the poll schedule respects it.
RETRY_AFTER_CAP_SECONDS = 4.0
_NEVER_SENT = (urllib3.exceptions.NewConnectionError, ConnectionRefusedError, ssl.SSLCertVerificationError)


def _user_agent() -> str:
    try:
        installed = version("django-henry-checkout")
    except PackageNotFoundError:  # run from a source tree that is not installed
        installed = "0"
    return f"django-henry-checkout/{installed}"


class Transport:
    """The HTTP client of one account, with its connection pool and its API key."""

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
        """Send a call that changes nothing; retry it after transient failures.

        Args:
            retries: maximum number of retries; None means READ_RETRIES.
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
        expect_json: bool = True,
    ) -> Any:
        """Send a call once and return the parsed JSON of the 2xx response.

        Args:
            total_timeout: seconds for the whole response, and for each read; None means TOTAL_TIMEOUT and
                READ_TIMEOUT.
            expect_json: False ignores the body of the response and returns None.

        Raises:
            GatewayError: see its subclasses; `maybe_sent` is False only if nothing was sent.
        """
        return self._send(
            Response.json if expect_json else _ignore_body,
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
    ) -> Response:
        """Send a call that changes nothing once and return the unparsed 2xx response.

        Raises:
            GatewayError: see its subclasses.
        """
        response: Response = self._send(_unparsed, method, path, query=query, body=body)
        return response

    def clock(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> datetime | None:
        """Send a call that changes nothing once and return the date of the response, or None.

        Raises:
            GatewayError: see its subclasses; BadResponse if the response is not JSON.
        """
        response: Response = self._send(
            _unparsed, method, path, query=query, body=body, headers=headers, total_timeout=CLOCK_SECONDS
        )
        require_json_type(response)
        return response.date

    def _send(
        self,
        read: Callable[[Response], Any],
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
            response = self._exchange(
                method,
                self._target(path, query),
                headers={
                    **self._headers,
                    **({} if body is None else {"Content-Type": "application/json"}),
                    **(headers or {}),
                    "X-Request-Id": request_id,
                },
                body=None if body is None else json.dumps(body, allow_nan=False).encode(),
                request_id=request_id,
                total_timeout=total_timeout or app_settings.TOTAL_TIMEOUT,
                read_timeout=total_timeout or app_settings.READ_TIMEOUT,
            )
            outcome = str(response.status)
            response.require_success()
            return read(response)
        except GatewayError as error:
            outcome = f"{outcome} ({error.code})"
            raise
        finally:
            elapsed = time.monotonic() - started
            logged_path = path.partition("?")[0]
            logger.info("%s %s %s %.0f ms %s", method, logged_path, outcome, elapsed * 1000, request_id)
            record_request(elapsed, account=self.account.alias, method=method, outcome=outcome)

    def close(self) -> None:
        """Close the pooled connections; the next call opens new ones."""
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
    ) -> Response:
        token = deadline.set(time.monotonic() + total_timeout)
        timeout = urllib3.Timeout(
            connect=min(app_settings.CONNECT_TIMEOUT, total_timeout), read=min(read_timeout, total_timeout)
        )
        try:
            raw = self._pool.urlopen(
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
                content = _read_body(raw, request_id=request_id)
            finally:
                raw.close()
            return Response(status=raw.status, headers=raw.headers, body=content, request_id=request_id)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _gateway_error(error, request_id=request_id) from error
        finally:
            deadline.reset(token)

    @cached_property
    def _pool(self) -> HTTPConnectionPool:
        """The connection pool, created by requests, so that certificates are verified as usual.

        It is used without a requests Session, which costs twice as much per call, and by default follows
        redirects, stores cookies and reads the environment.
        """
        url = f"{self.account.base_url}/"
        prepared = requests.Request("GET", url).prepare()
        adapter = self._adapter
        pool = adapter.get_connection_with_tls_context(prepared, verify=True)
        adapter.cert_verify(pool, url, verify=True, cert=None)  # type: ignore[no-untyped-call]  # in requests
        return cast("HTTPConnectionPool", pool)


def _unparsed(response: Response) -> Response:
    return response


def _ignore_body(response: Response) -> None:
    """Return None: only the status matters."""


def _read_body(raw: BaseHTTPResponse, *, request_id: str) -> bytes:
    limit = app_settings.MAX_RESPONSE_BYTES
    chunks: list[bytes] = []
    size = 0
    for chunk in raw.stream(65_536, decode_content=True):
        size += len(chunk)
        if size > limit:
            raise BadResponse(
                f"Henry's answer is longer than MAX_RESPONSE_BYTES ({limit}).",
                status=raw.status,
                request_id=request_id,
            )
        chunks.append(chunk)
    # Return the connection to the pool while the deadline still applies.
    raw.release_conn()
    return b"".join(chunks)


def _gateway_error(error: Exception, *, request_id: str) -> GatewayError:
    """Return the gateway error for an error of the HTTP library.

    Only a failure to connect proves that nothing was sent. All causes are checked: urllib3 wraps errors.
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
    """Yield an error and its causes, as far as the HTTP library reports them.

    `__context__` is not followed: it may lead to an error that the caller was handling.
    """
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        # urllib3 stores the cause as `reason`, requests as the first argument.
        pending += [current.__cause__, getattr(current, "reason", None), *current.args]
