"""The inline checkout: the shop's own form, step by step, rendered by the server.

Every answer is the section alone (for the script) or the app's own page with it. The token of a card is in
memory for one request: it comes by a form, goes to Henry, or goes back in the hidden field of the review.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods
from moneyed import Money

from django_henry_checkout.conf import app_settings
from django_henry_checkout.exceptions import (
    AmountChanged,
    CardRequired,
    CheckoutError,
    ConfigurationError,
    GatewayError,
    InvalidBuyer,
    OrderNotFound,
    OrderNotOpen,
    PaymentRefused,
    PurchaseUnderWay,
    QuoteExpired,
    QuoteRequired,
    RawCardRefused,
    ShippingNotOffered,
    TokenExpired,
    TooManyCalls,
)
from django_henry_checkout.flows.access.callers import get_caller
from django_henry_checkout.flows.access.throttling import (
    check_rate,
    client_network,
    count_call,
    count_checkout_request,
)
from django_henry_checkout.flows.checkout.confirm import Payment, confirm_session
from django_henry_checkout.flows.checkout.inline import get_card_form, get_inline_session
from django_henry_checkout.flows.checkout.inline_steps import (
    InlineState,
    Step,
    choose_rates,
    get_inline_state,
    renew_inline_checkout,
    submit_address,
)
from django_henry_checkout.flows.checkout.quotes import quote_session
from django_henry_checkout.flows.order.transitions import get_order
from django_henry_checkout.models import CheckoutSession, Order
from django_henry_checkout.models.access import hash_secret
from django_henry_checkout.types import Card, parse_public_id
from django_henry_checkout.views.inline_forms import AddressForm, CardTokenForm, ConfirmForm, picked_rates
from django_henry_checkout.views.inline_notices import notice_of, status_of
from django_henry_checkout.views.pages import page, status_url

_SENSITIVE = ("card_token", "card_last4", "email", "phone", "line1", "line2")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is shown after an action: the step that is wished, and what only this request knows.

    Args:
        is_kept: what was done is in the database, so a browser without scripts may be sent on to a GET.
        shown: see the tag.
    """

    wish: str = ""
    status: int = 200
    is_kept: bool = True
    retry_after: int = 0
    shown: dict[str, Any] = field(default_factory=dict, repr=False)


@require_http_methods(["GET", "HEAD", "POST"])
@page
@sensitive_post_parameters(*_SENSITIVE)
def inline_checkout(request: HttpRequest, order_id: str) -> HttpResponse:
    """Show the step at which an order is, or do what its form asks for."""
    public_id = parse_public_id(order_id)
    if public_id is None:
        raise OrderNotFound
    order = get_order(public_id, caller=get_caller(request))
    if request.method != "POST":
        return _show(request, order, Answer(wish=request.GET.get("step", "")))
    try:
        answer = _act(request, order)
    except (OrderNotOpen, PurchaseUnderWay) as error:
        if error.order_id not in {None, order.public_id}:
            return _see_other(status_url(Order.objects.get(public_id=error.order_id)))
        answer = Answer()
    if answer.status == 200 and answer.is_kept and not _is_part(request):
        query = f"?step={answer.wish}" if answer.wish else ""
        return _see_other(reverse("henry_checkout:inline", args=[order.ulid]) + query)
    return _show(request, order, answer)


def _see_other(path: str) -> HttpResponse:
    response = redirect(path)
    response.status_code = 303  # so that a reload does not post again
    return response


def _is_part(request: HttpRequest) -> bool:
    return "part" in request.GET or request.headers.get("X-Requested-With") == "henry"


# What is shown ---------------------------------------------------------------------------


def _show(request: HttpRequest, order: Order, answer: Answer) -> HttpResponse:
    order.refresh_from_db()
    state = get_inline_state(order, wish=answer.wish, has_card="card_token" in answer.shown)
    if state.step == Step.CARD and state.card_on_page and state.session is not None:
        answer = _with_card_page(request, state.session, answer)
    shown = {**answer.shown, "state": state}
    template = "henry_checkout/inline/part.html" if _is_part(request) else "henry_checkout/inline.html"
    context = {"order": order, "shown": shown, "step": state.step.value, "problem": answer.status >= 400}
    response = render(request, template, context, status=answer.status)
    retry_after = answer.retry_after or (30 if answer.status == 503 else 0)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _with_card_page(request: HttpRequest, session: CheckoutSession, answer: Answer) -> Answer:
    """Ask Henry for the page that collects the card; without it the step says what to do."""
    try:
        if request.method != "POST":  # that has been counted
            count_checkout_request(request)
        form = get_card_form(session)
    except (OrderNotOpen, PurchaseUnderWay, TokenExpired):
        return answer  # ended in this very moment: the next look tells
    except (CheckoutError, GatewayError, ConfigurationError) as error:
        failed = _failed(error)
        return replace(failed, shown={"notice": failed.shown["notice"], **answer.shown})
    return replace(answer, shown={**answer.shown, "card_form": form})


def _failed(error: Any, *, wish: str = "", before: Money | None = None, **shown: Any) -> Answer:
    return Answer(
        wish=wish,
        status=status_of(error),
        is_kept=False,
        retry_after=getattr(error, "retry_after", 0) if isinstance(error, TooManyCalls) else 0,
        shown={"notice": notice_of(error, before=before), **shown},
    )


# What is done ----------------------------------------------------------------------------


def _act(request: HttpRequest, order: Order) -> Answer:
    name = request.POST.get("action", "")
    action = _ACTIONS.get(name)
    if action is None:
        return Answer(status=400)
    if name in _COSTS_A_CALL:
        try:
            count_checkout_request(request)
        except TooManyCalls as error:
            return _failed(error, wish=request.POST.get("step", ""), **_kept(request))
    return action(request, order)


def _kept(request: HttpRequest) -> dict[str, Any]:
    """Return what a refused form brought along, so that nothing is lost."""
    if request.POST.get("action") == "address":
        return {"values": AddressForm(request.POST).typed()}
    return CardTokenForm(request.POST).shown()


def _country(request: HttpRequest, _order: Order) -> Answer:
    shown = {
        "values": AddressForm(request.POST).typed(),
        "announce": _("The address fields now fit the country."),
    }
    return Answer(wish=Step.ADDRESS, is_kept=False, shown=shown)


def _address(request: HttpRequest, order: Order) -> Answer:
    form = AddressForm(request.POST)
    typed = form.typed()
    if not form.is_valid():
        return _wrong_address(form.said(), values=typed)
    try:
        submit_address(order, form.buyer())
    except InvalidBuyer as error:
        return _wrong_address(error.errors, values=typed)
    except (OrderNotOpen, PurchaseUnderWay):
        raise
    except (CheckoutError, GatewayError, ConfigurationError) as error:
        is_saved = get_inline_state(order).step == Step.PRICE
        return _failed(error, wish="" if is_saved else Step.ADDRESS, values=typed)
    return Answer()


def _wrong_address(errors: dict[str, str], **shown: Any) -> Answer:
    return Answer(wish=Step.ADDRESS, status=422, is_kept=False, shown={"errors": errors, **shown})


def _quote(_request: HttpRequest, order: Order) -> Answer:
    session = get_inline_session(order)
    if session is None:
        return Answer()
    return _tried(lambda: quote_session(session))


def _renew(request: HttpRequest, order: Order) -> Answer:
    shown = CardTokenForm(request.POST).shown()
    answer = _tried(lambda: renew_inline_checkout(order))
    is_kept = answer.is_kept and not shown  # a token cannot be sent on by an address
    return replace(
        answer, wish=request.POST.get("step", ""), is_kept=is_kept, shown={**answer.shown, **shown}
    )


def _shipping(request: HttpRequest, order: Order) -> Answer:
    session = get_inline_session(order)
    if session is None:
        return Answer()
    try:
        choose_rates(session, picked_rates(request.POST))
    except ShippingNotOffered as error:
        return _failed(error, wish=Step.SHIPPING)
    except (OrderNotOpen, PurchaseUnderWay):
        raise
    except TokenExpired:
        return Answer()
    except (CheckoutError, GatewayError, ConfigurationError) as error:
        return _failed(error, wish=Step.SHIPPING)
    return Answer()


def _tried(work: Callable[[], object]) -> Answer:
    try:
        work()
    except (OrderNotOpen, PurchaseUnderWay):
        raise
    except TokenExpired:
        return Answer()
    except (CheckoutError, GatewayError, ConfigurationError) as error:
        return _failed(error)
    return Answer()


@sensitive_variables()
def _card(request: HttpRequest, order: Order) -> Answer:
    state = get_inline_state(order, has_card=True)
    if state.card_on_page:
        return Answer(wish=Step.REVIEW)
    shown = CardTokenForm(request.POST).shown()
    if not shown:
        return _failed(CardRequired(), wish=Step.CARD)
    return Answer(wish=Step.REVIEW, is_kept=False, shown=shown)


def _edit(request: HttpRequest, _order: Order) -> Answer:
    return Answer(wish=request.POST.get("step", ""))


@sensitive_variables()
def _confirm(request: HttpRequest, order: Order) -> Answer:
    session = get_inline_session(order)
    if session is None:
        return Answer()
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return _failed(QuoteRequired(), wish=Step.REVIEW, **form.shown())
    state = get_inline_state(order, has_card=True)
    payment = Payment(
        card=Card() if state.card_on_page else form.card(),
        accepted=form.accepted(),
        buyer_digest=form.cleaned_data["buyer"],
    )
    return _buy(request, session, payment, state, form.shown())


@sensitive_variables()
def _buy(
    request: HttpRequest,
    session: CheckoutSession,
    payment: Payment,
    state: InlineState,
    card: dict[str, Any],
) -> Answer:
    try:
        _confirm_unless_refused_often(request, session, payment)
    except (OrderNotOpen, PurchaseUnderWay):
        raise
    except TokenExpired:
        return Answer()
    except (PaymentRefused, CardRequired, RawCardRefused) as error:
        return _failed(error, wish=Step.CARD)
    except AmountChanged as error:
        return _failed(error, wish=Step.REVIEW, before=payment.accepted, **card)
    except (QuoteExpired, QuoteRequired) as error:
        again = _tried(lambda: quote_session(session))
        return again if again.status != 200 else _failed(error, wish=Step.REVIEW, **card)
    except InvalidBuyer as error:
        return _wrong_address(error.errors)
    except (CheckoutError, GatewayError, ConfigurationError) as error:
        return _failed(error, wish=Step.REVIEW, **card)
    return Answer()


@sensitive_variables()
def _confirm_unless_refused_often(request: HttpRequest, session: CheckoutSession, payment: Payment) -> None:
    """Buy, unless this shopper tries one refused card after the other, as with stolen ones."""
    rate = app_settings.API_THROTTLES["refused"]
    subjects = [f"refused:{subject}" for subject in _subjects(request)]
    check_rate(subjects, rate=rate)
    try:
        confirm_session(session, payment)
    except PaymentRefused:
        with suppress(TooManyCalls):  # the next one is refused
            count_call(subjects, rate=rate)
        raise


def _subjects(request: HttpRequest) -> list[str]:
    """Name the shopper and his network, as the API does."""
    user_pk, key = get_caller(request).user_pk, request.session.session_key
    who = f"user:{user_pk}" if user_pk is not None else f"cookie:{hash_secret(key)}" if key else ""
    return [subject for subject in (who, client_network(request)) if subject]


_COSTS_A_CALL = {"address", "quote", "shipping", "card", "renew", "confirm"}
_ACTIONS: dict[str, Callable[[HttpRequest, Order], Answer]] = {
    "country": _country,
    "address": _address,
    "quote": _quote,
    "shipping": _shipping,
    "card": _card,
    "edit": _edit,
    "renew": _renew,
    "confirm": _confirm,
}
