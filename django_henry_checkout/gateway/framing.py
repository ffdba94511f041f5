"""Check whether Henry's page allows framing: a browser does not report it to the embedding page."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from enum import StrEnum
from urllib.parse import urlsplit

import requests
import urllib3

from django_henry_checkout.exceptions import GatewayUnavailable
from django_henry_checkout.gateway.deadline import DeadlineAdapter, deadline

logger = logging.getLogger("django_henry_checkout.gateway")

PROBE_SECONDS = 3.0


class Framing(StrEnum):
    """Result of checking a page's headers."""

    ALLOWED = "allowed"
    REFUSED = "framing_refused"
    #: No response in time, or 5xx: the shopper would see an empty frame.
    FAILING = "page_failing"


def probe_framing(url: str, *, ancestors: Iterable[str]) -> Framing:
    """Fetch the headers of a page and return whether pages of all `ancestors` may frame it.

    Args:
        url: verified by the caller to be on one of the account's CHECKOUT_ORIGINS.
        ancestors: exact origins of the embedding pages.

    Effects: see `read_head()`.
    """
    try:
        status, headers = read_head(url)
    except GatewayUnavailable as error:
        logger.warning("The headers of Henry's page could not be read (%s).", error)
        return Framing.FAILING
    if status >= 500:
        return Framing.FAILING
    return read_framing(headers, page=url, ancestors=ancestors)


def read_head(url: str) -> tuple[int, Mapping[str, str]]:
    """Return status and headers of a page.

    Raises:
        GatewayUnavailable: no response within PROBE_SECONDS; its text is the type of the error.

    Effects: one HTTP GET without the API key; redirects are not followed, the body is not read.
    """
    adapter = DeadlineAdapter(pool_connections=1, pool_maxsize=1)
    request = requests.Request("GET", url, headers={"Accept": "text/html"}).prepare()
    token = deadline.set(time.monotonic() + PROBE_SECONDS)
    try:
        response = adapter.send(request, stream=True, timeout=PROBE_SECONDS, verify=True)
        status, headers = response.status_code, response.headers
        response.close()
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise GatewayUnavailable(type(error).__name__) from error
    finally:
        deadline.reset(token)
        adapter.close()
    return status, headers


def read_framing(headers: Mapping[str, str], *, page: str, ancestors: Iterable[str]) -> Framing:
    """Evaluate the headers of a page; a policy with `frame-ancestors` overrides `X-Frame-Options`."""
    policies = [
        sources
        for policy in headers.get("Content-Security-Policy", "").split(",")
        if (sources := _frame_ancestors(policy)) is not None
    ]
    own = _origin_of(page)
    if policies:
        is_allowed = all(
            any(covers(source, ancestor, own=own) for source in sources)
            for sources in policies
            for ancestor in ancestors
        )
        return Framing.ALLOWED if is_allowed else Framing.REFUSED
    option = headers.get("X-Frame-Options", "").strip().lower()
    if option == "deny" or (option == "sameorigin" and any(ancestor != own for ancestor in ancestors)):
        return Framing.REFUSED
    return Framing.ALLOWED


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _frame_ancestors(policy: str) -> list[str] | None:
    for directive in policy.split(";"):
        name, _space, value = directive.strip().partition(" ")
        if name.lower() == "frame-ancestors":
            return value.lower().split()
    return None


def covers(source: str, ancestor: str, *, own: str) -> bool:
    """Return whether a CSP source covers an origin: `*`, `'self'`, a scheme, a host, or both."""
    scheme, _sep, host = ancestor.partition("://")
    if source in {"*", f"{scheme}:"} or (source == "'self'" and ancestor == own):
        return True
    wanted_scheme, separator, wanted_host = source.rpartition("://")
    if separator and wanted_scheme != scheme and (wanted_scheme, scheme) != ("http", "https"):
        return False
    wanted_host = wanted_host.rstrip("/").removesuffix(":443" if scheme == "https" else ":80")
    if wanted_host.endswith(":*"):
        wanted_host, host = wanted_host[:-2], host.partition(":")[0]
    if wanted_host.startswith("*."):
        return host.endswith(wanted_host[1:])
    return host == wanted_host
