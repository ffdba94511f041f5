"""The wrapper page, the JSON state that a checkout's scripts poll, and the page that moves it to a phone."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import CheckoutError, TokenInvalid
from django_henry_checkout.flows.cart.qr import MEDIA_TYPES, render_qr
from django_henry_checkout.flows.checkout.embedded import OpenedFrame, check_framing, redeem_ticket
from django_henry_checkout.flows.checkout.hosted import (
    ReturnOutcome,
    add_query,
    payment_url,
    refresh_payment,
    requires_sign_in,
    resolve_return,
)
from django_henry_checkout.flows.checkout.progress import CheckoutOutcome, Progress, get_progress
from django_henry_checkout.flows.checkout.receipts import make_receipt
from django_henry_checkout.flows.checkout.sessions import extend_session
from django_henry_checkout.gateway.framing import Framing
from django_henry_checkout.models import CheckoutSession
from django_henry_checkout.views.headers import CSP_HEADER, allow_framing
from django_henry_checkout.views.hosted import get_session
from django_henry_checkout.views.pages import checkout_page, own_origin, shop_return_url, status_url

MAX_BODY = 4_096
ACTIONS = frozenset({"refresh", "cancel", "extend"})
QR_SCALE = 8
#: What the payment frame may do. Its origin differs from ours, so it cannot remove the attribute.
SANDBOX = (
    "allow-scripts allow-forms allow-same-origin allow-popups allow-popups-to-escape-sandbox "
    "allow-top-navigation-by-user-activation allow-storage-access-by-user-activation"
)


@require_safe
@checkout_page
def frame(request: HttpRequest, ticket: str) -> HttpResponse:
    """Render the iframe wrapper for an authorised parent page.

    This uses the ticket up. A `HEAD`, a prefetch or a navigation outside of a frame gets a 404 and leaves it valid.
    """
    is_prefetch = request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", "")
    if is_prefetch or request.headers.get("Sec-Fetch-Dest", "iframe") not in {"iframe", "frame"}:
        raise TokenInvalid
    opened = redeem_ticket(ticket)
    session = opened.session
    nonce = secrets.token_urlsafe(16)
    context = {**_frame_context(request, opened), "order": session.order, "nonce": nonce}
    response = render(request, "henry_checkout/frame.html", context)
    response.headers[CSP_HEADER] = _frame_policy(session, nonce=nonce)
    return allow_framing(request, response)


def _frame_context(request: HttpRequest, opened: OpenedFrame) -> dict[str, Any]:
    session, order = opened.session, opened.session.order
    names = [order.ulid, opened.token]
    return_url = request.build_absolute_uri(reverse("henry_checkout:completed", args=names))
    try:
        url, problem = payment_url(session, return_url=return_url), ""
    except CheckoutError as error:  # paid meanwhile, for instance: the wrapper's script reports it
        url, problem = "", error.code
    theme = request.GET.get("theme", "")
    if theme in {"light", "dark"}:
        url = add_query(url, theme=theme)
    if not problem:
        framing = check_framing(session, ancestors={own_origin(request), session.origin})
        problem = "" if framing is Framing.ALLOWED else str(framing)
    return {
        "henry_url": url,
        "henry_origins": " ".join(app_settings.account(order.account).checkout_origins),
        "pay_url": reverse("henry_checkout:pay", args=names),
        "state_url": reverse("henry_checkout:state", args=names),
        "parent_origin": session.origin,
        "session_id": session.ulid,
        "problem": problem,
        "sandbox": SANDBOX if app_settings.FRAME_SANDBOX else "",
        "theme": theme,
        "needs_storage": requires_sign_in(order),
        "slow_after": app_settings.FRAME_SLOW_AFTER,
        "frame_timeout": app_settings.FRAME_TIMEOUT,
    }


def _frame_policy(session: CheckoutSession, *, nonce: str) -> str:
    """Return the wrapper's own policy, which replaces the site's and allows only what the wrapper needs."""
    henry = " ".join(
        [*app_settings.account(session.order.account).checkout_origins, *app_settings.FRAME_SOURCES]
    )
    styles = urlsplit(static("henry_checkout/checkout.css"))
    style_source = f"{styles.scheme}://{styles.netloc}" if styles.netloc else "'self'"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src {style_source} 'nonce-{nonce}'",
            f"img-src {style_source} data:",
            f"font-src {style_source}",
            "connect-src 'self'",
            f"frame-src 'self' {henry}",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors 'self' {session.origin}",
        ]
    )


@require_http_methods(["GET", "HEAD", "POST"])
@checkout_page
def state(request: HttpRequest, order_id: str, token: str) -> HttpResponse:
    """Return the state of a checkout. A POST asks Henry first; scripts send one when an event hints at a change.

    Its body is JSON, `{"action": "refresh" | "cancel" | "extend", "claimedOrderId"?}`; `cancel` ends the session
    unless Henry knows of a payment.
    """
    session = get_session(order_id, token)
    extra: dict[str, Any] = {}
    if request.method == "POST":
        body = _read_body(request)
        if body is None:
            return JsonResponse({"code": "parse_error"}, status=400)
        extra = _perform(session, **body)
    response = JsonResponse({**_state_content(request, get_progress(session)), **extra})
    response.headers["Cache-Control"] = "no-store"
    return response


# A frame on another site has no cookie for a CSRF token; the secret in the path protects the view instead.
state.csrf_exempt = True  # type: ignore[attr-defined]  # as Django's decorator does


def _read_body(request: HttpRequest) -> dict[str, str] | None:
    if len(request.body) > MAX_BODY:
        return None
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    action, claimed = body.get("action", "refresh"), body.get("claimedOrderId", "")
    is_valid = isinstance(action, str) and action in ACTIONS and isinstance(claimed, str)
    return {"action": action, "claimed_id": claimed} if is_valid else None


def _perform(session: CheckoutSession, *, action: str, claimed_id: str) -> dict[str, Any]:
    if action == "extend":
        return {"extended": extend_session(session)}
    if action == "cancel":
        resolve_return(session, ReturnOutcome.CANCELED)
    else:
        refresh_payment(session, claimed_id=claimed_id)
    return {}


def _state_content(request: HttpRequest, progress: Progress) -> dict[str, Any]:
    order, session = progress.order, progress.session
    is_over = progress.outcome is not CheckoutOutcome.OPEN
    content: dict[str, Any] = {
        "sessionId": session.ulid,
        "orderId": order.ulid,
        "orderNumber": order.number,
        "orderStatus": order.status,
        "outcome": str(progress.outcome),
        "version": progress.version,
        "expiresIn": max(int((progress.expires_at - timezone.now()).total_seconds()), 0),
        "next": "",
        "receipt": "",
    }
    if is_over:
        url = _next_url(request, progress)
        content["next"] = request.build_absolute_uri(url) if url else ""
        audience = session.origin or own_origin(request)
        content["receipt"] = make_receipt(session, order, audience=audience)
    return content


_RETURN_OUTCOMES = {
    CheckoutOutcome.CANCELLED: ReturnOutcome.CANCELED,
    CheckoutOutcome.EXPIRED: ReturnOutcome.CANCELED,
    CheckoutOutcome.FAILED: ReturnOutcome.ERRORED,
}


def _next_url(request: HttpRequest, progress: Progress) -> str:
    """Return the shop's RETURN_URLS page, else the status page of a paid order, else ""."""
    outcome = _RETURN_OUTCOMES.get(progress.outcome, ReturnOutcome.COMPLETED)
    is_paid = outcome is ReturnOutcome.COMPLETED or progress.order.is_terminal
    order_page = status_url(progress.order) if is_paid else ""
    return shop_return_url(request, outcome, progress.order) or order_page


@require_safe
@checkout_page
def phone(request: HttpRequest, order_id: str, token: str) -> HttpResponse:
    """Show the QR code that opens this checkout on a phone. The page continues by itself after the payment."""
    session = get_session(order_id, token)
    progress = get_progress(session)
    if progress.outcome is not CheckoutOutcome.OPEN:
        url = _next_url(request, progress)
        if url:
            return redirect(url)
    names = [order_id, token]
    context = {
        "order": session.order,
        "qr_url": reverse("henry_checkout:phone-qr", args=names),
        "pay_url": reverse("henry_checkout:pay", args=names),
        "cancel_url": reverse("henry_checkout:canceled", args=names),
        "state_url": reverse("henry_checkout:state", args=names),
        "is_open": progress.outcome is CheckoutOutcome.OPEN,
    }
    return render(request, "henry_checkout/phone.html", context)


@require_safe
@checkout_page
def phone_qr(request: HttpRequest, order_id: str, token: str) -> HttpResponse:
    """Return the QR code of the session's payment page. It contains the session's secret."""
    get_session(order_id, token)
    url = request.build_absolute_uri(reverse("henry_checkout:pay", args=[order_id, token]))
    picture = render_qr(url, kind="svg", scale=QR_SCALE)
    response = HttpResponse(picture, content_type=MEDIA_TYPES["svg"])
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
