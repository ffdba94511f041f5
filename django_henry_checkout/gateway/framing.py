"""Asks Henry's page itself whether it may stand in a frame: a browser does not tell the page around it."""

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
    """What a look at a page's headers told."""

    ALLOWED = "allowed"
    REFUSED = "framing_refused"
    #: It gave no answer in time, or 5xx: in a frame the shopper would see an empty box.
    FAILING = "page_failing"


def probe_framing(url: str, *, ancestors: Iterable[str]) -> Framing:
    """Read the headers of a page, once, and say whether pages of all `ancestors` may frame it.

    Args:
        url: checked by the caller to be on one of the account's CHECKOUT_ORIGINS.
        ancestors: exact origins of the pages around it.

    Effects: one HTTP GET of at most PROBE_SECONDS, without the key; redirects are not followed, the body is not
    read.
    """
    try:
        status, headers = read_head(url)
    except GatewayUnavailable as error:
        logger.warning("Henry's page gave no answer to a look at its headers (%s).", error)
        return Framing.FAILING
    if status >= 500:
        return Framing.FAILING
    return read_framing(headers, page=url, ancestors=ancestors)


def read_head(url: str) -> tuple[int, Mapping[str, str]]:
    """Return status and headers of a page, asked once, without any key.

    Raises:
        GatewayUnavailable: no answer within PROBE_SECONDS; its text names the kind of trouble.

    Effects: one HTTP GET; redirects are not followed, the body is not read.
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
    """Judge by the headers of a page; a policy with `frame-ancestors` overrules `X-Frame-Options`."""
    policies = [
        sources
        for policy in headers.get("Content-Security-Policy", "").split(",")
        if (sources := _frame_ancestors(policy)) is not None
    ]
    own = _origin_of(page)
    if policies:
        fits = all(
            any(covers(source, ancestor, own=own) for source in sources)
            for sources in policies
            for ancestor in ancestors
        )
        return Framing.ALLOWED if fits else Framing.REFUSED
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
    """Whether a source of a policy covers an origin: `*`, `'self'`, a scheme, or a host with or without scheme."""
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
