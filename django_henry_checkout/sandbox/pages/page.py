"""What all hosted pages share: the options in their query, and how they are rendered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from django_henry_checkout.sandbox.engine.store import store

# `form-action` allows any origin: after Pay a scenario can redirect the shopper to "the bank", and browsers apply
# the directive to redirects too.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "form-action 'self' https: http:; base-uri 'none'"
)


@dataclass(frozen=True)
class PageOptions:
    """How a page was opened: its theme, whether it is embedded, and where the shopper returns to."""

    theme: str
    is_embedded: bool
    return_url: str
    session: str = ""

    @classmethod
    def from_request(cls, request: HttpRequest) -> PageOptions:
        """Read the options from the query; unusable values are ignored."""
        theme = request.GET.get("theme", "")
        return cls(
            theme=theme if theme in ("dark", "light") else "",
            is_embedded=request.GET.get("embed") == "true",
            return_url=_clean_url(request.GET.get("returnUrl", "")),
            session=_clean_token(request.GET.get("session", "")),
        )

    @property
    def query(self) -> str:
        """The query that opens another page with the same options."""
        options = {
            "session": self.session,
            "theme": self.theme,
            "embed": "true" if self.is_embedded else "",
            "returnUrl": self.return_url,
        }
        query = urlencode({key: value for key, value in options.items() if value})
        return f"?{query}" if query else ""

    @property
    def target_origin(self) -> str:
        """The origin to which the page posts its messages."""
        if not self.return_url:
            return store.options.message_origin
        parts = urlsplit(self.return_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def cancel_url(self) -> str:
        """The return URL with `status=cancelled`, which is the sandbox's own convention."""
        return add_query_parameter(self.return_url, "status", "cancelled") if self.return_url else ""


def add_query_parameter(url: str, name: str, value: str) -> str:
    """Return a URL with one more query parameter."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), (name, value)]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _clean_url(value: str) -> str:
    """Return an absolute http or https URL unchanged, and "" for anything else."""
    if len(value) > 2000 or not value.isprintable() or set(value) & set(" \\\"'<>"):
        return ""
    try:
        parts = urlsplit(value)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        _ = parts.port
    except ValueError:
        return ""
    return value if is_usable else ""


def _clean_token(value: str) -> str:
    return value if re.fullmatch(r"[\w.-]{1,1000}", value, re.ASCII) else ""


def render_page(template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Render a page. Any shop may frame it, so there is no X-Frame-Options."""
    context = {"messages": store.scenario.messages, **context}
    response = HttpResponse(render_to_string(f"sandbox/{template}", context), status=status)
    response["Content-Security-Policy"] = _POLICY
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "strict-origin-when-cross-origin"
    response["Cache-Control"] = "no-store"
    return response


def render_notice(page: PageOptions, kind: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """Render a short message; the template has the text of each kind."""
    return render_page("notice.html", {"page": page, "kind": kind, **context}, status=status)
