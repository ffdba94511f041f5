"""Paying on Henry's page by redirect: the button's target, the way there, and the way back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from django_henry_checkout.exceptions import (
    CartNotFound,
    OrderNotOpen,
    PurchaseUnderWay,
    TokenInvalid,
    TokenLapsed,
)
from django_henry_checkout.flows.carts import get_cart
from django_henry_checkout.flows.hosted import Ending, find_session, payment_url, return_from_payment
from django_henry_checkout.flows.limits import count_page
from django_henry_checkout.flows.sessions import Begun, Opening, begin_checkout, renew_session
from django_henry_checkout.flows.shoppers import caller_of, current_cart, remember_order
from django_henry_checkout.models import Cart, CheckoutSession, Order, OrderStatus, SessionMode
from django_henry_checkout.types import parse_public_id
from django_henry_checkout.views.pages import destination, page, status_url


@require_POST
@page
def buy(request: HttpRequest) -> HttpResponse:
    """Begin to pay the cart named by the form, or the one that the shopper is filling."""
    user = request.user if request.user.is_authenticated else None
    count_page(request)
    try:
        begun = begin_checkout(_cart_of(request), user=user)
    except (OrderNotOpen, PurchaseUnderWay) as error:
        if error.order_id is None:
            raise
        return redirect(status_url(Order.objects.get(public_id=error.order_id)))
    remember_order(request, begun.order)
    return _go_and_pay(begun)


def _cart_of(request: HttpRequest) -> Cart:
    named = request.POST.get("cart", "")
    if not named:
        cart = current_cart(request)
    else:
        cart_id = parse_public_id(named)
        cart = None if cart_id is None else get_cart(cart_id, caller=caller_of(request))
    if cart is None:
        raise CartNotFound
    return cart


def _go_and_pay(begun: Begun) -> HttpResponse:
    response = redirect("henry_checkout:pay", order_id=begun.order.ulid, token=begun.token)
    response.status_code = 303  # so that a reload does not post again
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@page
def pay(request: HttpRequest, order_id: str, token: str) -> HttpResponse:
    """Show the way to Henry's page; it goes on by itself. A POST starts a new session for the order.

    A page of our own stands between, not a redirect: under `form-action 'self'` browsers block a
    redirect from a form to another site, and a link they do not.
    """
    session = _session(order_id, token)
    if request.method == "POST":
        count_page(request)
        opening = Opening(mode=SessionMode(session.mode), origin=session.origin)
        return _go_and_pay(renew_session(session.order, opening=opening))
    back = request.build_absolute_uri(reverse("henry_checkout:completed", args=[order_id, token]))
    try:
        url = payment_url(session, return_url=back)
    except OrderNotOpen:
        return redirect(status_url(session.order))
    except TokenLapsed:
        context = _context(session, order_id, token)
        return render(request, "henry_checkout/lapsed.html", context, status=410)
    response = render(request, "henry_checkout/pay.html", {"order": session.order, "url": url})
    return _framed(response, session)


# In a frame of another site there is no cookie to hold a CSRF token; the secret in the path stands for it.
pay.csrf_exempt = True  # type: ignore[attr-defined]  # how Django's decorator marks a view


def _framed(response: HttpResponse, session: CheckoutSession) -> HttpResponse:
    """Let the page at the session's origin, and no other, show this one in a frame."""
    if session.mode == SessionMode.FRAMED and session.origin:
        response.xframe_options_exempt = True
        response.headers["Content-Security-Policy"] = f"frame-ancestors {session.origin}"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@page
def come_back(request: HttpRequest, order_id: str, token: str, ending: str) -> HttpResponseBase:
    """Receive the shopper from Henry's page. The address is a hint; Henry is asked what happened.

    POST is taken like GET: some payment pages return the shopper by a form. So no CSRF token can be
    asked for; the token in the path stands for it, and repeating it changes nothing.
    """
    session = _session(order_id, token)
    claimed_id = request.GET.get("orderId", "")
    found = return_from_payment(session, _hint(request, ending), claimed_id=claimed_id)
    is_framed = session.mode == SessionMode.FRAMED
    elsewhere = "" if is_framed or found is Ending.CHECKING else destination(found, session.order)
    if not is_framed and session.order.status != OrderStatus.OPEN:
        elsewhere = elsewhere or status_url(session.order)
    if elsewhere:
        return redirect(elsewhere)
    context = _context(session, order_id, token)
    if is_framed and session.origin and found is not Ending.CHECKING:
        context |= {
            "framed_message": f"UC:{session.order.ulid}:{token}:{found}",
            "framed_origin": session.origin,
        }
    return _framed(render(request, f"henry_checkout/{found}.html", context), session)


come_back.csrf_exempt = True  # type: ignore[attr-defined]  # how Django's decorator marks a view


def _session(order_id: str, token: str) -> CheckoutSession:
    public_id = parse_public_id(order_id)
    if public_id is None:
        raise TokenInvalid
    return find_session(public_id, token)


def _hint(request: HttpRequest, ending: str) -> Ending:
    """Read what the return claims: by our own path, or by a `status` that the hosted page may add."""
    said = request.GET.get("status", "")
    if said in {"cancelled", "canceled"}:
        return Ending.CANCELED
    return Ending(ending)


def _context(session: CheckoutSession, order_id: str, token: str) -> dict[str, object]:
    return {
        "order": session.order,
        "pay_url": reverse("henry_checkout:pay", args=[order_id, token]),
        "cancel_url": reverse("henry_checkout:canceled", args=[order_id, token]),
        "framed_message": "",
        "framed_origin": "",
    }
