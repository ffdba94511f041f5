"""Checkout on Henry's page: the target of the button, the redirect to Henry, and the return from it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    CartNotFound,
    OrderNotOpen,
    PurchaseUnderWay,
    TokenExpired,
    TokenInvalid,
)
from django_henry_checkout.flows.access.callers import current_cart, get_caller, remember_order
from django_henry_checkout.flows.access.throttling import count_checkout_request
from django_henry_checkout.flows.cart.carts import get_cart
from django_henry_checkout.flows.checkout.embedded import check_framing, issue_ticket
from django_henry_checkout.flows.checkout.hosted import (
    ReturnOutcome,
    find_hosted_session,
    payment_url,
    resolve_return,
)
from django_henry_checkout.flows.checkout.sessions import (
    SessionOptions,
    StartedCheckout,
    begin_checkout,
    renew_session,
)
from django_henry_checkout.gateway.framing import Framing
from django_henry_checkout.models import Cart, CheckoutSession, Order, OrderStatus, SessionMode
from django_henry_checkout.types import parse_public_id
from django_henry_checkout.views.headers import allow_framing, keeps_opener
from django_henry_checkout.views.pages import (
    checkout_page,
    own_origin,
    shop_return_url,
    status_url,
    wants_json,
)


@require_POST
@checkout_page
def buy(request: HttpRequest) -> HttpResponse:
    """Begin the checkout of the cart named in the form, by default of the shopper's current cart.

    `mode` is "redirect" (default), "popup", "iframe" or "phone". A form is redirected to the payment; a script,
    which accepts JSON, gets the URLs.
    """
    user = request.user if request.user.is_authenticated else None
    count_checkout_request(request)
    mode = request.POST.get("mode", "")
    options = SessionOptions()
    if mode == "iframe":
        options = SessionOptions(mode=SessionMode.FRAMED, origin=own_origin(request))
    try:
        started = begin_checkout(_get_cart(request), user=user, options=options, request=request)
    except (OrderNotOpen, PurchaseUnderWay) as error:
        if error.order_id is None:
            raise
        url = status_url(Order.objects.get(public_id=error.order_id))
        return JsonResponse({"next": url}) if wants_json(request) else redirect(url)
    remember_order(request, started.order)
    if wants_json(request):
        return JsonResponse(_checkout_urls(request, started))
    return _redirect_to_payment(started, "phone" if mode == "phone" else "pay")


def _checkout_urls(request: HttpRequest, started: StartedCheckout) -> dict[str, object]:
    """Return what `<henry-checkout>` needs to show a checkout in any of its modes."""
    session, order = started.session, started.order
    names = [order.ulid, started.token]
    frame_url, problem = "", ""
    if session.mode == SessionMode.FRAMED:
        framing = check_framing(session, ancestors={session.origin})
        if framing is Framing.ALLOWED:
            frame_url = reverse("henry_checkout:frame", args=[issue_ticket(session)])
        else:
            problem = str(framing)
    return {
        "sessionId": session.ulid,
        "orderId": order.ulid,
        "orderNumber": order.number,
        "expiresAt": session.expires_at.isoformat(),
        "payUrl": reverse("henry_checkout:pay", args=names),
        "stateUrl": reverse("henry_checkout:state", args=names),
        "phoneUrl": reverse("henry_checkout:phone", args=names),
        "qrUrl": reverse("henry_checkout:phone-qr", args=names),
        "frameUrl": frame_url,
        "frameProblem": problem,
        "paymentOrigins": list(app_settings.account(order.account).checkout_origins),
    }


def _get_cart(request: HttpRequest) -> Cart:
    named = request.POST.get("cart", "")
    if not named:
        cart = current_cart(request)
    else:
        cart_id = parse_public_id(named)
        cart = None if cart_id is None else get_cart(cart_id, caller=get_caller(request))
    if cart is None:
        raise CartNotFound
    return cart


def _redirect_to_payment(started: StartedCheckout, name: str = "pay") -> HttpResponse:
    response = redirect(f"henry_checkout:{name}", order_id=started.order.ulid, token=started.token)
    response.status_code = 303  # so that a reload does not post again
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_opener
@checkout_page
def pay(request: HttpRequest, order_id: str, token: str) -> HttpResponse:
    """Show a page that leads to Henry's page by itself. A POST starts a new session for the order.

    It is a page and not a redirect: under `form-action 'self'` browsers block the redirect of a form to another
    site.
    """
    session = get_session(order_id, token)
    if request.method == "POST":
        count_checkout_request(request)
        options = SessionOptions(mode=SessionMode(session.mode), origin=session.origin)
        return _redirect_to_payment(renew_session(session.order, options=options))
    return_url = request.build_absolute_uri(reverse("henry_checkout:completed", args=[order_id, token]))
    try:
        url = payment_url(session, return_url=return_url)
    except OrderNotOpen:
        return redirect(status_url(session.order))
    except TokenExpired:
        context = _page_context(session, order_id, token)
        expired = render(request, "henry_checkout/expired.html", context, status=410)
        return _allow_session_origin(request, expired, session)
    response = render(request, "henry_checkout/pay.html", {"order": session.order, "url": url})
    return _allow_session_origin(request, response, session)


# A frame on another site has no cookie for a CSRF token; the secret in the path protects the view instead.
pay.csrf_exempt = True  # type: ignore[attr-defined]  # as Django's decorator does


def _allow_session_origin(
    request: HttpRequest, response: HttpResponse, session: CheckoutSession
) -> HttpResponse:
    """Let only pages of the session's origin frame this response."""
    if session.mode == SessionMode.FRAMED and session.origin:
        response = allow_framing(request, response, session.origin)
    return response


def _is_in_frame(request: HttpRequest, session: CheckoutSession) -> bool:
    """Whether a return page is shown in a frame; a framed session may have moved to a window meanwhile."""
    return session.mode == SessionMode.FRAMED and request.headers.get("Sec-Fetch-Dest") != "document"


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_opener
@checkout_page
def payment_return(request: HttpRequest, order_id: str, token: str, claimed: str) -> HttpResponseBase:
    """Receive the shopper from Henry's page. The URL is a hint only; Henry is asked for the outcome.

    POST works like GET, because some payment pages return the shopper by a form. Such a form has no CSRF token; the
    token in the path protects the view, and a repeated return changes nothing.
    """
    session = get_session(order_id, token)
    claimed_id = request.GET.get("orderId", "")
    outcome = resolve_return(session, _claimed_outcome(request, claimed), claimed_id=claimed_id)
    is_framed, is_known = _is_in_frame(request, session), outcome is not ReturnOutcome.CHECKING
    url = "" if is_framed or not is_known else shop_return_url(request, outcome, session.order)
    if not is_framed and session.order.status != OrderStatus.OPEN:
        url = url or status_url(session.order)
    if url:
        return redirect(url)
    context = _page_context(session, order_id, token)
    has_wrapper = session.frame_token_hash is not None  # which reads the outcome from the server by itself
    if is_framed and session.origin and not has_wrapper and is_known:
        context |= {
            "framed_message": f"UC:{session.order.ulid}:{token}:{outcome}",
            "framed_origin": session.origin,
        }
    return _allow_session_origin(request, render(request, f"henry_checkout/{outcome}.html", context), session)


payment_return.csrf_exempt = True  # type: ignore[attr-defined]  # as Django's decorator does


def get_session(order_id: str, token: str) -> CheckoutSession:
    """Return the session that the token of a URL belongs to."""
    public_id = parse_public_id(order_id)
    if public_id is None:
        raise TokenInvalid
    return find_hosted_session(public_id, token)


def _claimed_outcome(request: HttpRequest, claimed: str) -> ReturnOutcome:
    """Return the outcome named by the path, or by the `status` that Henry's page may add."""
    if request.GET.get("status", "") in {"cancelled", "canceled"}:
        return ReturnOutcome.CANCELED
    return ReturnOutcome(claimed)


def _page_context(session: CheckoutSession, order_id: str, token: str) -> dict[str, object]:
    return {
        "order": session.order,
        "pay_url": reverse("henry_checkout:pay", args=[order_id, token]),
        "cancel_url": reverse("henry_checkout:canceled", args=[order_id, token]),
        "state_url": reverse("henry_checkout:state", args=[order_id, token]),
        "framed_message": "",
        "framed_origin": "",
    }
