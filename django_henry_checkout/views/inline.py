"""The inline checkout: the shop's own form, step by step, rendered by the server.

A response is the section alone, for the script, or the app's own page around it. A card token is in memory for one
request only: a form brings it, and it goes to Henry, or back into a hidden field of the review step.
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

from django_henry_checkout.components.inline import FormState, inline_context
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
from django_henry_checkout.views.inline_forms import AddressForm, CardTokenForm, ConfirmForm, selected_rates
from django_henry_checkout.views.inline_notices import build_notice, http_status
from django_henry_checkout.views.pages import checkout_page, status_url

_SENSITIVE = ("card_token", "card_last4", "email", "phone", "line1", "line2")


@dataclass(frozen=True, kw_only=True)
class ActionResult:
    """What to show after an action.

    Args:
        step: the step to show, if the order has come that far.
        is_stored: the database holds everything that `form` shows, so a form without scripts may be redirected.
    """

    step: str = ""
    status: int = 200
    is_stored: bool = True
    retry_after: int = 0
    form: FormState = field(default_factory=FormState, repr=False)


@require_http_methods(["GET", "HEAD", "POST"])
@checkout_page
@sensitive_post_parameters(*_SENSITIVE)
def inline_checkout(request: HttpRequest, order_id: str) -> HttpResponse:
    """Show the current step of an order. A POST performs the action of the step's form."""
    public_id = parse_public_id(order_id)
    if public_id is None:
        raise OrderNotFound
    order = get_order(public_id, caller=get_caller(request))
    if request.method != "POST":
        return _render(request, order, ActionResult(step=request.GET.get("step", "")))
    try:
        result = _perform(request, order)
    except (OrderNotOpen, PurchaseUnderWay) as error:
        if error.order_id not in {None, order.public_id}:
            return _see_other(status_url(Order.objects.get(public_id=error.order_id)))
        result = ActionResult()
    if result.status == 200 and result.is_stored and not _is_partial(request):
        query = f"?step={result.step}" if result.step else ""
        return _see_other(reverse("henry_checkout:inline", args=[order.ulid]) + query)
    return _render(request, order, result)


def _see_other(path: str) -> HttpResponse:
    response = redirect(path)
    response.status_code = 303  # so that a reload does not post again
    return response


def _is_partial(request: HttpRequest) -> bool:
    return "part" in request.GET or request.headers.get("X-Requested-With") == "henry"


# Rendering -------------------------------------------------------------------------------


def _render(request: HttpRequest, order: Order, result: ActionResult) -> HttpResponse:
    order.refresh_from_db()
    state = get_inline_state(order, requested_step=result.step, has_card=bool(result.form.card_token))
    if state.step == Step.CARD and state.card_on_page and state.session is not None:
        result = _with_card_page(request, state.session, result)
    template = "henry_checkout/inline/section.html" if _is_partial(request) else "henry_checkout/inline.html"
    context = {**inline_context(request, state, result.form), "has_error": result.status >= 400}
    response = render(request, template, context, status=result.status)
    retry_after = result.retry_after or (30 if result.status == 503 else 0)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _with_card_page(request: HttpRequest, session: CheckoutSession, result: ActionResult) -> ActionResult:
    """Add Henry's page that collects the card, or the notice why it is missing."""
    try:
        if request.method != "POST":  # a POST has been counted already
            count_checkout_request(request)
        card_form = get_card_form(session)
    except (OrderNotOpen, PurchaseUnderWay, TokenExpired):
        return result  # it ended just now; the next request shows that
    except (CheckoutError, GatewayError, ConfigurationError) as error:
        failure = _failure(error)
        notice = result.form.notice or failure.form.notice
        return replace(failure, form=replace(result.form, notice=notice))
    return replace(result, form=replace(result.form, card_form=card_form))


def _failure(
    error: Any, *, step: str = "", before: Money | None = None, form: FormState | None = None
) -> ActionResult:
    return ActionResult(
        step=step,
        status=http_status(error),
        is_stored=False,
        retry_after=getattr(error, "retry_after", 0) if isinstance(error, TooManyCalls) else 0,
        form=replace(form or FormState(), notice=build_notice(error, before=before)),
    )


# Actions ---------------------------------------------------------------------------------


def _perform(request: HttpRequest, order: Order) -> ActionResult:
    name = request.POST.get("action", "")
    action = _ACTIONS.get(name)
    if action is None:
        return ActionResult(status=400)
    if name in _COUNTED_ACTIONS:
        try:
            count_checkout_request(request)
        except TooManyCalls as error:
            return _failure(error, step=request.POST.get("step", ""), form=_submitted_form(request))
    return action(request, order)


def _submitted_form(request: HttpRequest) -> FormState:
    """Return what a rejected form contained, so that nothing is lost."""
    if request.POST.get("action") == "address":
        return FormState(values=AddressForm(request.POST).entered_values())
    return _card_form_state(CardTokenForm(request.POST))


def _card_form_state(form: CardTokenForm) -> FormState:
    return FormState(**form.token_values())


def _change_country(request: HttpRequest, _order: Order) -> ActionResult:
    form = FormState(
        values=AddressForm(request.POST).entered_values(),
        announcement=_("The address fields now fit the country."),
    )
    return ActionResult(step=Step.ADDRESS, is_stored=False, form=form)


def _submit_address(request: HttpRequest, order: Order) -> ActionResult:
    form = AddressForm(request.POST)
    values = form.entered_values()
    if not form.is_valid():
        return _invalid_address(form.error_texts(), values=values)
    try:
        submit_address(order, form.buyer())
    except InvalidBuyer as error:
        return _invalid_address(error.errors, values=values)
    except (OrderNotOpen, PurchaseUnderWay):
        raise
    except (CheckoutError, GatewayError, ConfigurationError) as error:
        is_stored = get_inline_state(order).step == Step.PRICE
        return _failure(error, step="" if is_stored else Step.ADDRESS, form=FormState(values=values))
    return ActionResult()


def _invalid_address(errors: dict[str, str], *, values: dict[str, str] | None = None) -> ActionResult:
    form = FormState(errors=errors, values=values or {})
    return ActionResult(step=Step.ADDRESS, status=422, is_stored=False, form=form)


def _request_quote(_request: HttpRequest, order: Order) -> ActionResult:
    session = get_inline_session(order)
    if session is None:
        return ActionResult()
    return _attempt(lambda: quote_session(session))


def _renew(request: HttpRequest, order: Order) -> ActionResult:
    result = _attempt(lambda: renew_inline_checkout(order))
    card = CardTokenForm(request.POST).token_values()
    return replace(
        result,
        step=request.POST.get("step", ""),
        is_stored=result.is_stored and not card,  # a redirect could not carry the token
        form=replace(result.form, **card),
    )


def _choose_shipping(request: HttpRequest, order: Order) -> ActionResult:
    session = get_inline_session(order)
    if session is None:
        return ActionResult()
    return _attempt(lambda: choose_rates(session, selected_rates(request.POST)), step=Step.SHIPPING)


def _attempt(call: Callable[[], object], *, step: str = "") -> ActionResult:
    try:
        call()
    except (OrderNotOpen, PurchaseUnderWay):
        raise
    except TokenExpired:
        return ActionResult()
    except (CheckoutError, GatewayError, ConfigurationError) as error:
        return _failure(error, step=step)
    return ActionResult()


@sensitive_variables()
def _submit_card(request: HttpRequest, order: Order) -> ActionResult:
    state = get_inline_state(order, has_card=True)
    if state.card_on_page:
        return ActionResult(step=Step.REVIEW)
    form = _card_form_state(CardTokenForm(request.POST))
    if not form.card_token:
        return _failure(CardRequired(), step=Step.CARD)
    return ActionResult(step=Step.REVIEW, is_stored=False, form=form)


def _edit(request: HttpRequest, _order: Order) -> ActionResult:
    return ActionResult(step=request.POST.get("step", ""))


@sensitive_variables()
def _confirm(request: HttpRequest, order: Order) -> ActionResult:
    session = get_inline_session(order)
    if session is None:
        return ActionResult()
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return _failure(QuoteRequired(), step=Step.REVIEW, form=_card_form_state(form))
    state = get_inline_state(order, has_card=True)
    payment = Payment(
        card=Card() if state.card_on_page else form.card(),
        accepted=form.accepted_total(),
        buyer_digest=form.cleaned_data["buyer"],
    )
    return _pay(request, session, payment, _card_form_state(form))


@sensitive_variables()
def _pay(request: HttpRequest, session: CheckoutSession, payment: Payment, form: FormState) -> ActionResult:
    try:
        _confirm_within_refusal_limit(request, session, payment)
    except (OrderNotOpen, PurchaseUnderWay):
        raise
    except TokenExpired:
        return ActionResult()
    except (PaymentRefused, CardRequired, RawCardRefused) as error:
        return _failure(error, step=Step.CARD)
    except AmountChanged as error:
        return _failure(error, step=Step.REVIEW, before=payment.accepted, form=form)
    except (QuoteExpired, QuoteRequired) as error:
        requote = _attempt(lambda: quote_session(session))
        return requote if requote.status != 200 else _failure(error, step=Step.REVIEW, form=form)
    except InvalidBuyer as error:
        return _invalid_address(error.errors)
    except (CheckoutError, GatewayError, ConfigurationError) as error:
        return _failure(error, step=Step.REVIEW, form=form)
    return ActionResult()


@sensitive_variables()
def _confirm_within_refusal_limit(request: HttpRequest, session: CheckoutSession, payment: Payment) -> None:
    """Confirm the purchase, unless this shopper had too many refused cards: stolen ones are tested that way."""
    rate = app_settings.API_THROTTLES["refused"]
    subjects = [f"refused:{subject}" for subject in _throttle_subjects(request)]
    check_rate(subjects, rate=rate)
    try:
        confirm_session(session, payment, request=request)
    except PaymentRefused:
        with suppress(TooManyCalls):  # the limit applies from the next attempt on
            count_call(subjects, rate=rate)
        raise


def _throttle_subjects(request: HttpRequest) -> list[str]:
    """Return the subjects of the shopper and of their network, the same as in the API."""
    user_pk, key = get_caller(request).user_pk, request.session.session_key
    shopper = f"user:{user_pk}" if user_pk is not None else f"cookie:{hash_secret(key)}" if key else ""
    return [subject for subject in (shopper, client_network(request)) if subject]


_COUNTED_ACTIONS = {"address", "quote", "shipping", "card", "renew", "confirm"}
_ACTIONS: dict[str, Callable[[HttpRequest, Order], ActionResult]] = {
    "country": _change_country,
    "address": _submit_address,
    "quote": _request_quote,
    "shipping": _choose_shipping,
    "card": _submit_card,
    "edit": _edit,
    "renew": _renew,
    "confirm": _confirm,
}
