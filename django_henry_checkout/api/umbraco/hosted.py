"""Hosted checkout by Umbraco's names (umbraco-checkout.md 1 and 2): the token that `pay` takes."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.urls import reverse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from django_henry_checkout.api.umbraco.base import UmbracoView
from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.checkout.embedded import check_frame_origin
from django_henry_checkout.flows.checkout.sessions import SessionOptions, renew_session
from django_henry_checkout.models import SessionMode

MAX_ORIGIN_LENGTH = 255


class PaymentTokenView(UmbracoView):
    calls_henry = True

    def get(self, request: Request, order_id: str) -> Response:
        """Prepare an open order for payment on Henry's page, and return the token for `pay`.

        This GET has side effects, because Umbraco's API defines it so; only the newest token is valid. With
        `Mode: Framed` the payment page is embedded by the page at `Origin`, which receives the result; if the shop
        has FRAME_ANCESTORS, other origins are refused.
        """
        order = self.get_order(order_id)
        mode, origin = _read_mode(request), _read_origin(request)
        account = app_settings.account(order.account)
        if mode == SessionMode.FRAMED and origin and account.frame_ancestors:
            own_origin = f"{request.scheme}://{request.get_host()}"
            check_frame_origin(origin, account=account, own_origin=own_origin)
        started = renew_session(order, options=SessionOptions(mode=mode, origin=origin))
        path = reverse("henry_checkout:pay", args=[started.order.ulid, started.token])
        return Response(
            {
                "token": started.token,
                "orderNumber": started.order.number,
                "payUrl": request.build_absolute_uri(path),
            }
        )


def _read_mode(request: Request) -> SessionMode:
    text = request.headers.get("Mode", "Redirect").strip().lower()
    if text not in SessionMode.values:
        raise exceptions.ParseError("Mode must be Redirect or Framed.")
    return SessionMode(text)


def _read_origin(request: Request) -> str:
    """Return the origin of the calling page: scheme, host and port of http or https."""
    text = request.headers.get("Origin", "").strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        is_origin = bool(parts.hostname) and f"{parts.scheme}://{parts.netloc}" == text.rstrip("/")
        _port = parts.port
    except ValueError:
        is_origin = False
    if (
        not is_origin
        or parts.scheme not in {"http", "https"}
        or parts.username
        or len(text) > MAX_ORIGIN_LENGTH
    ):
        raise exceptions.ParseError("Origin must be the origin of an http or https page.")
    if not all(character.isalnum() or character in "-.:[]_" for character in parts.netloc):
        raise exceptions.ParseError("Origin must be the origin of an http or https page.")
    return text.rstrip("/").lower()
