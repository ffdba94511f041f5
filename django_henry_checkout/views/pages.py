"""What all pages share: the view decorator, error pages, and redirects back to the shop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    CartChanged,
    CartEmpty,
    CartNotFound,
    CheckoutError,
    CheckoutRefused,
    ConfigurationError,
    GatewayError,
    HenryCheckoutError,
    LinkClosed,
    OrderNotFound,
    OrderNotOpen,
    PurchaseUnderWay,
    TokenExpired,
    TokenInvalid,
    TooManyCalls,
    UntrustedCheckoutUrl,
)
from django_henry_checkout.flows.access.adapter import get_return_url
from django_henry_checkout.flows.access.callers import get_caller
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.models import Order

logger = logging.getLogger("django_henry_checkout.pages")

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

_STATUS: dict[type[Exception], int] = {
    TokenInvalid: 404,
    CartNotFound: 404,
    OrderNotFound: 404,
    TokenExpired: 410,
    LinkClosed: 410,
    PurchaseUnderWay: 409,
    CartChanged: 409,
    CheckoutRefused: 409,
    TooManyCalls: 429,
    OrderNotOpen: 409,
    CartEmpty: 409,
}


def checkout_page(view: View[P]) -> View[P]:
    """Decorate a view of the app.

    It is open to guests even under `LoginRequiredMiddleware`; it runs outside ATOMIC_REQUESTS, because it may call
    Henry; it is never cached and never a referrer for other sites, because its URL may hold a token; and an
    error becomes an error page, with the details in the log only.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            response = view(request, *args, **kwargs)
        except (CheckoutError, GatewayError, ConfigurationError) as error:
            response = error_response(request, error)
        response.headers.setdefault("Referrer-Policy", "same-origin")
        patch_vary_headers(response, ["Accept"])
        if not getattr(response, "xframe_options_exempt", False):
            response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers["X-Robots-Tag"] = "noindex"
        # Django would log the path of an error response, which may hold a token.
        response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - no public API
        return response

    return cast("View[P]", login_not_required(transaction.non_atomic_requests(never_cache(wrapped))))


def error_response(request: HttpRequest, error: HenryCheckoutError | ConfigurationError) -> HttpResponse:
    """Return a page that tells the shopper what to do; details go to the log only."""
    is_unavailable = isinstance(error, GatewayError | ConfigurationError | UntrustedCheckoutUrl)
    if is_unavailable:
        request_id = getattr(error, "request_id", "")
        logger.error("Checkout is not available: %s %s", error, request_id)
    status = 503 if is_unavailable else status_of(error, _STATUS)
    title, message = error_text(error)
    response: HttpResponse
    if wants_json(request):
        code = getattr(error, "code", "checkout_unavailable")
        response = JsonResponse({"code": code, "title": title, "detail": message}, status=status)
    else:
        context = {"title": title, "message": message, "status": status}
        response = render(request, "henry_checkout/error.html", context, status=status)
    if status == 503:
        response.headers["Retry-After"] = "30"
    if isinstance(error, TooManyCalls):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def status_of(error: Exception, statuses: Mapping[type[Exception], int]) -> int:
    """Return the status of an error or of a class that it derives from; 400 if none is listed."""
    return next((statuses[kind] for kind in type(error).__mro__ if kind in statuses), 400)


_NOT_FOUND = (TokenInvalid, CartNotFound, OrderNotFound)
_ERROR_TEXTS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Any, Any], ...] = (
    (
        _NOT_FOUND,
        _("We cannot find that"),
        _("The link may be incomplete. Nothing was changed; please start again from the shop."),
    ),
    (
        TokenExpired,
        _("This link has expired"),
        _("For your safety payment links work for a short time only. Please start again from your cart."),
    ),
    (
        OrderNotOpen,
        _("This order is already on its way"),
        _("It needs no further payment. You can follow it on its order page."),
    ),
    (CartEmpty, _("Your cart is empty"), _("Put something into it, then come back to pay.")),
    (
        CartChanged,
        _("Your cart has changed meanwhile"),
        _("Nothing was charged here. Please have a look at your cart, then try again."),
    ),
    (
        LinkClosed,
        _("This link is closed"),
        _("It has expired, or was used as often as it may be. Please ask the shop for a new one."),
    ),
    (
        PurchaseUnderWay,
        _("We are checking your payment"),
        _("It is still being confirmed. Please do not pay again: your order goes on without you."),
    ),
)


def error_text(error: Exception, texts: Iterable[tuple[Any, Any, Any]] = _ERROR_TEXTS) -> tuple[str, str]:
    """Return a title and a sentence for the shopper; an error's own message is for developers."""
    if isinstance(error, TooManyCalls):
        text = ngettext(
            "Please wait %(seconds)d second, then try again.",
            "Please wait %(seconds)d seconds, then try again.",
            error.retry_after,
        )
        return gettext("That was a little fast"), text % {"seconds": error.retry_after}
    if isinstance(error, CheckoutRefused):
        from_shop = str(error) != str(CheckoutRefused())
        text = str(error) if from_shop else gettext("Nothing was charged. Please start again from the shop.")
        return gettext("This is not possible right now"), text
    for kinds, title, text in texts:
        if isinstance(error, kinds):
            return str(title), str(text)
    if isinstance(error, CheckoutError) and not isinstance(error, UntrustedCheckoutUrl):
        return gettext("That did not work"), gettext("Nothing was charged. Please start again from the shop.")
    return (
        gettext("Checkout is taking a short break"),
        gettext("Your cart is safe and nothing was charged. Please try again in a moment."),
    )


def own_origin(request: HttpRequest) -> str:
    """Return the origin of a request's URL, as browsers spell it."""
    return f"{request.scheme}://{request.get_host()}".lower()


def wants_json(request: HttpRequest) -> bool:
    """Whether a script sent the request, rather than a form."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def status_url(order: Order) -> str:
    """Return the path of an order's live status page."""
    return reverse("henry_checkout:status", args=[create_status_token(order)])


def shop_return_url(request: HttpRequest, outcome: str, order: Order) -> str:
    """Return where the adapter or RETURN_URLS sends the shopper, or "" for the app's own page.

    A shop's page about the order is visible only to its owner's session. On a phone that scanned the code, or after
    a checkout on another site, there is no such session; the app's own pages need nothing but their link.
    """
    chosen = get_return_url(order, outcome)
    if chosen:
        return chosen
    target = app_settings.RETURN_URLS.get(outcome, "")
    if not target:
        return ""
    url = _reverse_for(target, order) if "/" not in target else target.replace("{order}", order.ulid)
    if "://" in target or order.ulid not in url:
        return url
    is_owner = Order.objects.owned_by(get_caller(request)).filter(pk=order.pk).exists()
    return url if is_owner else ""


def _reverse_for(name: str, order: Order) -> str:
    try:
        return reverse(name, args=[order.ulid])
    except NoReverseMatch:
        return reverse(name)
