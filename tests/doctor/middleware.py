"""Middleware that breaks a shop, each in one way, for the doctor to report."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Respond = Callable[[HttpRequest], HttpResponse]
#: Ends the wait of `hangs`.
released = threading.Event()


def sends(**headers: str) -> Callable[[Respond], Respond]:
    """Return a middleware that sets headers, and overwrites those of views."""

    def middleware(get_response: Respond) -> Respond:
        def respond(request: HttpRequest) -> HttpResponse:
            response = get_response(request)
            for name, value in headers.items():
                response.headers[name.replace("_", "-")] = value
            return response

        return respond

    return middleware


separates_windows = sends(Cross_Origin_Opener_Policy="same-origin")
isolates_pages = sends(Cross_Origin_Embedder_Policy="require-corp")
denies_frames = sends(X_Frame_Options="DENY")
overwrites_policy = sends(Content_Security_Policy="default-src 'self'")
denies_payment = sends(Permissions_Policy="camera=(), payment=()")
denies_passkeys = sends(Permissions_Policy="publickey-credentials-get=(self)")
permits_others = sends(Permissions_Policy="geolocation=(), payment=(self 'https://checkout.henrylabs.ai')")


def responds(get_response: Respond) -> Respond:
    """Respond to every request with 503."""
    return lambda request: HttpResponse("Closed", status=503)


def requires_login(get_response: Respond) -> Respond:
    """Redirect every request to a login page, webhooks included."""
    return lambda request: HttpResponse(status=302, headers={"Location": "/login/"})


def hangs(get_response: Respond) -> Respond:
    """Wait until `released` is set."""

    def respond(request: HttpRequest) -> HttpResponse:
        released.wait(30)
        return get_response(request)

    return respond


def crashes(get_response: Respond) -> Respond:
    """Fail when it is loaded."""
    raise RuntimeError("canary-secret in an error's text")
