"""The wrapper page, the state that the views of a checkout ask for, and the way to a phone."""

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
from django_henry_checkout.views.headers import POLICY, may_be_framed
from django_henry_checkout.views.hosted import session_of
from django_henry_checkout.views.pages import destination, own_origin, page, status_url

MAX_BODY = 4_096
ACTIONS = frozenset({"look", "cancel", "extend"})
QR_SCALE = 8
#: What the payment frame may do. Another origin than ours, so that it cannot take the attribute off.
SANDBOX = (
    "allow-scripts allow-forms allow-same-origin allow-popups allow-popups-to-escape-sandbox "
    "allow-top-navigation-by-user-activation allow-storage-access-by-user-activation"
)


@require_safe
@page
def frame(request: HttpRequest, ticket: str) -> HttpResponse:
    """Show the wrapper: Henry's page in a frame, for the page around it, and for nobody else.

    A ticket is used up by this; what only looks ahead (`HEAD`, prefetching) or opens it as a page of its own
    leaves it alone.
    """
    looks_ahead = request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", "")
    if looks_ahead or request.headers.get("Sec-Fetch-Dest", "iframe") not in {"iframe", "frame"}:
        raise TokenInvalid
    opened = redeem_ticket(ticket)
    session = opened.session
    nonce = secrets.token_urlsafe(16)
    context = {**_frame_context(request, opened), "order": session.order, "nonce": nonce}
    response = render(request, "henry_checkout/frame.html", context)
    response.headers[POLICY] = _frame_policy(session, nonce=nonce)
    return may_be_framed(request, response)


def _frame_context(request: HttpRequest, opened: OpenedFrame) -> dict[str, Any]:
    session, order = opened.session, opened.session.order
    names = [order.ulid, opened.token]
    back = request.build_absolute_uri(reverse("henry_checkout:completed", args=names))
    try:
        url, trouble = payment_url(session, return_url=back), ""
    except CheckoutError as error:  # paid meanwhile, for instance: the page around it is told so in time
        url, trouble = "", error.code
    theme = request.GET.get("theme", "")
    if theme in {"light", "dark"}:
        url = add_query(url, theme=theme)
    if not trouble:
        framing = check_framing(session, ancestors={own_origin(request), session.origin})
        trouble = "" if framing is Framing.ALLOWED else str(framing)
    return {
        "henry_url": url,
        "henry_origins": " ".join(app_settings.account(order.account).checkout_origins),
        "pay_url": reverse("henry_checkout:pay", args=names),
        "state_url": reverse("henry_checkout:state", args=names),
        "parent_origin": session.origin,
        "session_id": session.ulid,
        "trouble": trouble,
        "sandbox": SANDBOX if app_settings.FRAME_SANDBOX else "",
        "theme": theme,
        "needs_storage": requires_sign_in(order),
        "soft_limit": app_settings.FRAME_SLOW_AFTER,
        "hard_limit": app_settings.FRAME_TIMEOUT,
    }


def _frame_policy(session: CheckoutSession, *, nonce: str) -> str:
    """The wrapper's own policy, stricter than any shop's: it needs so little."""
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
@page
def state(request: HttpRequest, order_id: str, token: str) -> HttpResponse:
    """Tell how far a checkout is. A POST asks Henry first: something hinted that there is news.

    Its body is JSON, `{"action": "look" | "cancel" | "extend", "claimedOrderId"?}`; `cancel` ends the session
    unless Henry knows of a payment.
    """
    session = session_of(order_id, token)
    answer: dict[str, Any] = {}
    if request.method == "POST":
        body = _read_body(request)
        if body is None:
            return JsonResponse({"code": "parse_error"}, status=400)
        answer = _act(session, **body)
    content = {**_progress(request, get_progress(session)), **answer}
    response = JsonResponse(content)
    response.headers["Cache-Control"] = "no-store"
    return response


# In a frame of another site there is no cookie to hold a CSRF token; the secret in the path stands for it.
state.csrf_exempt = True  # type: ignore[attr-defined]  # how Django's decorator marks a view


def _read_body(request: HttpRequest) -> dict[str, str] | None:
    if len(request.body) > MAX_BODY:
        return None
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    action, claimed = body.get("action", "look"), body.get("claimedOrderId", "")
    is_usable = isinstance(action, str) and action in ACTIONS and isinstance(claimed, str)
    return {"action": action, "claimed_id": claimed} if is_usable else None


def _act(session: CheckoutSession, *, action: str, claimed_id: str) -> dict[str, Any]:
    if action == "extend":
        return {"extended": extend_session(session)}
    if action == "cancel":
        resolve_return(session, ReturnOutcome.CANCELED)
    else:
        refresh_payment(session, claimed_id=claimed_id)
    return {}


def _progress(request: HttpRequest, progress: Progress) -> dict[str, Any]:
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
        elsewhere = _next(request, progress)
        content["next"] = request.build_absolute_uri(elsewhere) if elsewhere else ""
        audience = session.origin or own_origin(request)
        content["receipt"] = make_receipt(session, order, audience=audience)
    return content


_ENDINGS = {
    CheckoutOutcome.CANCELLED: ReturnOutcome.CANCELED,
    CheckoutOutcome.EXPIRED: ReturnOutcome.CANCELED,
    CheckoutOutcome.FAILED: ReturnOutcome.ERRORED,
}


def _next(request: HttpRequest, progress: Progress) -> str:
    """Where the shop wants its shopper to go; for a checkout that ended unpaid nowhere, unless it says so."""
    ending = _ENDINGS.get(progress.outcome, ReturnOutcome.COMPLETED)
    is_paid = ending is ReturnOutcome.COMPLETED or progress.order.is_terminal
    return destination(request, ending, progress.order) or (status_url(progress.order) if is_paid else "")


@require_safe
@page
def phone(request: HttpRequest, order_id: str, token: str) -> HttpResponse:
    """Show the code that takes this very checkout to a phone; the page goes on by itself once it is paid."""
    session = session_of(order_id, token)
    progress = get_progress(session)
    if progress.outcome is not CheckoutOutcome.OPEN:
        elsewhere = _next(request, progress)
        if elsewhere:
            return redirect(elsewhere)
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
@page
def phone_qr(request: HttpRequest, order_id: str, token: str) -> HttpResponse:
    """Draw the code: it holds the address of the payment page of this session, and so its secret."""
    session_of(order_id, token)
    url = request.build_absolute_uri(reverse("henry_checkout:pay", args=[order_id, token]))
    picture = render_qr(url, kind="svg", scale=QR_SCALE)
    response = HttpResponse(picture, content_type=MEDIA_TYPES["svg"])
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
