"""Paying on Henry's page by redirect: the button's target, the way there, and the way back."""

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
from django_henry_checkout.views.headers import keeps_its_opener, may_be_framed
from django_henry_checkout.views.pages import destination, own_origin, page, status_url, wants_json


@require_POST
@page
def buy(request: HttpRequest) -> HttpResponse:
    """Begin to pay the cart named by the form, or the one that the shopper is filling.

    `mode` says how: "redirect" (else), "popup", "iframe" or "phone". A form is led on to the payment; a script,
    which accepts JSON, gets the addresses.
    """
    user = request.user if request.user.is_authenticated else None
    count_checkout_request(request)
    mode = request.POST.get("mode", "")
    options = SessionOptions()
    if mode == "iframe":
        options = SessionOptions(mode=SessionMode.FRAMED, origin=own_origin(request))
    try:
        started = begin_checkout(_cart_of(request), user=user, options=options)
    except (OrderNotOpen, PurchaseUnderWay) as error:
        if error.order_id is None:
            raise
        elsewhere = status_url(Order.objects.get(public_id=error.order_id))
        return JsonResponse({"next": elsewhere}) if wants_json(request) else redirect(elsewhere)
    remember_order(request, started.order)
    if wants_json(request):
        return JsonResponse(_addresses(request, started))
    return _go_on(started, "phone" if mode == "phone" else "pay")


def _addresses(request: HttpRequest, started: StartedCheckout) -> dict[str, object]:
    """What the element on the shop's page needs to show a checkout, in whatever way will work."""
    session, order = started.session, started.order
    names = [order.ulid, started.token]
    frame_url, trouble = "", ""
    if session.mode == SessionMode.FRAMED:
        framing = check_framing(session, ancestors={session.origin})
        if framing is Framing.ALLOWED:
            frame_url = reverse("henry_checkout:frame", args=[issue_ticket(session)])
        else:
            trouble = str(framing)
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
        "frameTrouble": trouble,
        "paymentOrigins": list(app_settings.account(order.account).checkout_origins),
    }


def _cart_of(request: HttpRequest) -> Cart:
    named = request.POST.get("cart", "")
    if not named:
        cart = current_cart(request)
    else:
        cart_id = parse_public_id(named)
        cart = None if cart_id is None else get_cart(cart_id, caller=get_caller(request))
    if cart is None:
        raise CartNotFound
    return cart


def _go_on(started: StartedCheckout, name: str = "pay") -> HttpResponse:
    response = redirect(f"henry_checkout:{name}", order_id=started.order.ulid, token=started.token)
    response.status_code = 303  # so that a reload does not post again
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_its_opener
@page
def pay(request: HttpRequest, order_id: str, token: str) -> HttpResponse:
    """Show the way to Henry's page; it goes on by itself. A POST starts a new session for the order.

    A page of our own stands between, not a redirect: under `form-action 'self'` browsers block a
    redirect from a form to another site, and a link they do not.
    """
    session = session_of(order_id, token)
    if request.method == "POST":
        count_checkout_request(request)
        options = SessionOptions(mode=SessionMode(session.mode), origin=session.origin)
        return _go_on(renew_session(session.order, options=options))
    back = request.build_absolute_uri(reverse("henry_checkout:completed", args=[order_id, token]))
    try:
        url = payment_url(session, return_url=back)
    except OrderNotOpen:
        return redirect(status_url(session.order))
    except TokenExpired:
        context = _context(session, order_id, token)
        lapsed = render(request, "henry_checkout/lapsed.html", context, status=410)
        return _placed(request, lapsed, session)
    response = render(request, "henry_checkout/pay.html", {"order": session.order, "url": url})
    return _placed(request, response, session)


# In a frame of another site there is no cookie to hold a CSRF token; the secret in the path stands for it.
pay.csrf_exempt = True  # type: ignore[attr-defined]  # how Django's decorator marks a view


def _placed(request: HttpRequest, response: HttpResponse, session: CheckoutSession) -> HttpResponse:
    """Let the page at the session's origin, and no other, show this one in a frame."""
    if session.mode == SessionMode.FRAMED and session.origin:
        response = may_be_framed(request, response, session.origin)
    return response


def _stands_in_frame(request: HttpRequest, session: CheckoutSession) -> bool:
    """Whether a return page is shown in a frame: a framed session may have been taken to a window of its own."""
    return session.mode == SessionMode.FRAMED and request.headers.get("Sec-Fetch-Dest") != "document"


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_its_opener
@page
def payment_return(request: HttpRequest, order_id: str, token: str, ending: str) -> HttpResponseBase:
    """Receive the shopper from Henry's page. The address is a hint; Henry is asked what happened.

    POST is taken like GET: some payment pages return the shopper by a form. So no CSRF token can be
    asked for; the token in the path stands for it, and repeating it changes nothing.
    """
    session = session_of(order_id, token)
    claimed_id = request.GET.get("orderId", "")
    found = resolve_return(session, _hint(request, ending), claimed_id=claimed_id)
    is_framed = _stands_in_frame(request, session)
    elsewhere = (
        "" if is_framed or found is ReturnOutcome.CHECKING else destination(request, found, session.order)
    )
    if not is_framed and session.order.status != OrderStatus.OPEN:
        elsewhere = elsewhere or status_url(session.order)
    if elsewhere:
        return redirect(elsewhere)
    context = _context(session, order_id, token)
    is_ours = session.frame_token_hash is not None  # the wrapper around it asks by itself
    if is_framed and session.origin and not is_ours and found is not ReturnOutcome.CHECKING:
        context |= {
            "framed_message": f"UC:{session.order.ulid}:{token}:{found}",
            "framed_origin": session.origin,
        }
    return _placed(request, render(request, f"henry_checkout/{found}.html", context), session)


payment_return.csrf_exempt = True  # type: ignore[attr-defined]  # how Django's decorator marks a view


def session_of(order_id: str, token: str) -> CheckoutSession:
    """Return the session that the secret of an address opens."""
    public_id = parse_public_id(order_id)
    if public_id is None:
        raise TokenInvalid
    return find_hosted_session(public_id, token)


def _hint(request: HttpRequest, ending: str) -> ReturnOutcome:
    """Read what the return claims: by our own path, or by a `status` that the hosted page may add."""
    said = request.GET.get("status", "")
    if said in {"cancelled", "canceled"}:
        return ReturnOutcome.CANCELED
    return ReturnOutcome(ending)


def _context(session: CheckoutSession, order_id: str, token: str) -> dict[str, object]:
    return {
        "order": session.order,
        "pay_url": reverse("henry_checkout:pay", args=[order_id, token]),
        "cancel_url": reverse("henry_checkout:canceled", args=[order_id, token]),
        "state_url": reverse("henry_checkout:state", args=[order_id, token]),
        "framed_message": "",
        "framed_origin": "",
    }
