"""A connection pool whose responses obey one total deadline.

A socket's timeout restarts with each byte, so it never ends a response that arrives slowly. Here each read of
head and body gets only the time that is left for the request.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import time
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

#: Deadline of the request that runs in this context, on the clock of `time.monotonic`.
deadline: ContextVar[float] = ContextVar("deadline")


class _WithoutQuery(logging.Filter):
    """Removes the query from urllib3's debug messages: it contains ids, which must not be logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                argument.partition("?")[0] if isinstance(argument, str) else argument
                for argument in record.args
            )
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQuery())


class _DeadlineReader(io.RawIOBase):
    """The read side of a socket; each read has the remaining time as its timeout."""

    def __init__(self, sock: socket.socket) -> None:
        # makefile() keeps the socket open until this reader is closed, as http.client expects.
        self._raw = sock.makefile("rb", buffering=0)
        self._sock = sock
        self._read_timeout = sock.gettimeout()
        self._ends_at = deadline.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took longer than its total deadline")
        self._sock.settimeout(left if self._read_timeout is None else min(left, self._read_timeout))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineReader(sock))


class _DeadlineHTTPConnection(HTTPConnection):
    response_class = _DeadlineResponse


class _DeadlineHTTPSConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _DeadlineHTTPPool(HTTPConnectionPool):
    ConnectionCls = _DeadlineHTTPConnection


class _DeadlineHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _DeadlineHTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """A requests adapter that obeys the deadline.

    It is used without a Session, which would follow redirects, store cookies and read the environment.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use connections that obey the deadline."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _DeadlineHTTPPool, "https": _DeadlineHTTPSPool}
