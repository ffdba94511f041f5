"""Middleware that breaks a shop, each in one way, for the doctor to find."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Respond = Callable[[HttpRequest], HttpResponse]
#: Lets whoever hangs go on.
released = threading.Event()


def sends(**headers: str) -> Callable[[Respond], Respond]:
    """Return a middleware that sets headers, whatever a view has said."""

    def middleware(get_response: Respond) -> Respond:
        def respond(request: HttpRequest) -> HttpResponse:
            response = get_response(request)
            for name, value in headers.items():
                response.headers[name.replace("_", "-")] = value
            return response

        return respond

    return middleware


cuts_windows = sends(Cross_Origin_Opener_Policy="same-origin")
isolates = sends(Cross_Origin_Embedder_Policy="require-corp")
denies_frames = sends(X_Frame_Options="DENY")
has_one_policy = sends(Content_Security_Policy="default-src 'self'")
denies_payment = sends(Permissions_Policy="camera=(), payment=()")
denies_passkeys = sends(Permissions_Policy="publickey-credentials-get=(self)")
permits_others = sends(Permissions_Policy="geolocation=(), payment=(self 'https://checkout.henrylabs.ai')")


def answers(get_response: Respond) -> Respond:
    """Be closed for repairs."""
    return lambda request: HttpResponse("Closed", status=503)


def asks_to_log_in(get_response: Respond) -> Respond:
    """Let nobody in, not even webhooks."""
    return lambda request: HttpResponse(status=302, headers={"Location": "/login/"})


def hangs(get_response: Respond) -> Respond:
    """Wait for something that never comes."""

    def respond(request: HttpRequest) -> HttpResponse:
        released.wait(30)
        return get_response(request)

    return respond


def crashes(get_response: Respond) -> Respond:
    """Be broken."""
    raise RuntimeError("canary-secret in an error's text")
