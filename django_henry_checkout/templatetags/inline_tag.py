"""The tag of the inline checkout; `henry_checkout.py` registers it.

What the section shows is put together here, from the database alone: a tag must be quick, so it never asks Henry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from moneyed import Money

from django_henry_checkout.conf import app_settings
from django_henry_checkout.flows.buyer.countries import (
    AddressPart,
    address_lines,
    address_rows,
    country_choices,
    default_country,
)
from django_henry_checkout.flows.buyer.details import buyer_digest
from django_henry_checkout.flows.checkout.inline import CardForm
from django_henry_checkout.flows.checkout.inline_steps import (
    InlineState,
    Step,
    get_inline_state,
    shipping_choices,
)
from django_henry_checkout.flows.order.status_links import create_status_token
from django_henry_checkout.models import Order, OrderLine, Quote
from django_henry_checkout.models.base import money_of
from django_henry_checkout.types import Buyer

_STEP_NAMES = {
    Step.ADDRESS: _("Address"),
    Step.SHIPPING: _("Delivery"),
    Step.CARD: _("Payment"),
    Step.REVIEW: _("Review"),
}
_CONTACT = (
    AddressPart(name="email", label=_("E-mail"), is_required=True, autocomplete="email"),
    AddressPart(name="phone", label=_("Phone"), is_required=True, autocomplete="shipping tel"),
)
_NAMES = (
    AddressPart(
        name="first_name", label=_("First name"), is_required=True, autocomplete="shipping given-name"
    ),
    AddressPart(
        name="last_name", label=_("Last name"), is_required=True, autocomplete="shipping family-name"
    ),
)
_COUNTRY = AddressPart(
    name="country_code", label=_("Country or region"), is_required=True, autocomplete="shipping country"
)
_MISSING = {
    "email": _("Enter your e-mail address."),
    "phone": _("Enter a phone number for the delivery."),
    "first_name": _("Enter your first name."),
    "last_name": _("Enter your last name."),
    "country_code": _("Choose your country."),
    "line1": _("Enter your street and number."),
    "city": _("Enter your town or city."),
    "postal_code": _("Enter your postal code."),
}
_NEEDED = "This is needed."
#: What the flows say of a buyer, so that translators see it.
_SAID_BY_FLOWS = (
    gettext_noop("This is not an e-mail address."),
    gettext_noop("There is no such phone number; give it with its country code."),
    gettext_noop("There is no such state or province in this country."),
    gettext_noop("There is no such postal code in this country or province."),
    gettext_noop("This does not fit the country."),
    gettext_noop("This looks like the number of a card."),
    gettext_noop("This must be printable text of 200 characters at most."),
)
_INPUT_TYPES = {"email": "email", "phone": "tel"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of the form as it is shown: its part, what was typed, and what is wrong with it."""

    part: AddressPart
    id: str
    value: str
    error: str = ""
    is_last: bool = False
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def input_type(self) -> str:
        """The `type` of the input."""
        return _INPUT_TYPES.get(self.part.name, "text")

    @property
    def input_mode(self) -> str:
        """The keyboard that fits."""
        return "numeric" if self.part.is_numeric else _INPUT_TYPES.get(self.part.name, "text")

    @property
    def hint(self) -> str:
        """An example, where one helps."""
        if self.part.name == "phone":
            return gettext("Only for questions about the delivery.")
        return (
            gettext("For instance %(example)s") % {"example": self.part.example} if self.part.example else ""
        )


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One entry of the progress list."""

    step: Step
    name: str | Promise
    is_now: bool
    is_done: bool
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class Rate:
    """One way to ship."""

    id: int
    name: str
    cost: Money | None
    time: str
    is_picked: bool


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What one merchant sends, and the ways in which he may."""

    host: str
    titles: tuple[str, ...]
    rates: tuple[Rate, ...]


def henry_inline_checkout(
    context: dict[str, Any], order: Order, shown: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Render the checkout of an order in the shop's own page, at the step where it is. Four queries, no call.

    The page's visitor must own the order: for a guest call `remember_order(request, order)` in the view that
    begins it.

    Args:
        shown: what the app's own view knows from its request: `state`, `values`, `errors`, `notice`,
            `card_form`, `card_token`, `card_last4`, `announce`.
    """
    shown = shown or {}
    state: InlineState = shown.get("state") or get_inline_state(order)
    request = context.get("request")
    found = {
        "request": request,
        "order": state.order,
        "lines": state.lines,
        "state": state,
        "step": state.step.value,
        "stops": _stops(state),
        "url": reverse("henry_checkout:inline", args=[state.order.ulid]),
        "uid": f"henry-{state.order.ulid}",
        "notice": shown.get("notice"),
        "announce": shown.get("announce", ""),
        "seconds_left": _seconds_left(state),
        "card_token": shown.get("card_token", ""),
        "card_last4": shown.get("card_last4", ""),
        "csrf_token": get_token(request) if request is not None else context.get("csrf_token"),
    }
    return found | _STEP_CONTEXTS.get(state.step, _nothing)(state, shown)


def _seconds_left(state: InlineState) -> int | None:
    """Return how long the session lives; None where nothing is lost when it ends."""
    if state.session is None or state.step not in {Step.PRICE, Step.SHIPPING, Step.CARD, Step.REVIEW}:
        return None
    return max(int((state.session.expires_at - timezone.now()).total_seconds()), 0)


def _stops(state: InlineState) -> list[Stop]:
    way = state.way
    at = Step.SHIPPING if state.step == Step.PRICE else state.step
    now = way.index(at) if at in way else 0
    return [
        Stop(
            step=step,
            name=_STEP_NAMES[step],
            is_now=number == now,
            is_done=number < now,
            is_open=number < now and state.may_see(step),
        )
        for number, step in enumerate(way)
    ]


def _nothing(_state: InlineState, _shown: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _address(state: InlineState, shown: Mapping[str, Any]) -> dict[str, Any]:
    values = shown.get("values") or values_of(state.buyer)
    errors = shown.get("errors") or {}
    uid = f"henry-{state.order.ulid}"
    country = values.get("country_code") or default_country()

    def field(part: AddressPart, *, is_last: bool = False) -> Field:
        value = values.get(part.name, "")
        return Field(
            part=part,
            id=f"{uid}-{part.name}",
            value=_listed(part.choices, value) if part.choices else value,
            error=_message(part, errors.get(part.name, "")),
            is_last=is_last,
            choices=part.choices,
        )

    country_field = Field(
        part=_COUNTRY,
        id=f"{uid}-country_code",
        value=country,
        error=_message(_COUNTRY, errors.get("country_code", "")),
        choices=country_choices(),
    )
    rows = [list(row) for row in (address_rows(country) if country else ())]
    fields = [[field(part, is_last=row is rows[-1] and part is row[-1]) for part in row] for row in rows]
    contact = [field(part) for part in _CONTACT]
    names = [field(part) for part in _NAMES]
    everything = [*contact, country_field, *names, *(each for row in fields for each in row)]
    return {
        "contact": contact,
        "country": country_field,
        "rows": [names, *fields],
        "problems": [each for each in everything if each.error],
    }


def _listed(choices: tuple[tuple[str, str], ...], value: str) -> str:
    """Return what was typed, as the list spells it; "" if it is not on the list."""
    wanted = value.casefold()
    return next((code for code, name in choices if wanted in {code.casefold(), name.casefold()}), "")


def _message(part: AddressPart, text: str) -> str:
    if text != _NEEDED:
        return gettext(text) if text else ""
    if part.name in _MISSING:
        return str(_MISSING[part.name])
    return gettext("%(part)s: please fill this in.") % {"part": part.label}


def values_of(buyer: Buyer) -> dict[str, str]:
    """Return what is known of a buyer by the names of the form's fields."""
    values = {name: getattr(buyer, name) for name in ("email", "phone", "first_name", "last_name")}
    return values | ({} if buyer.shipping_address is None else dict(vars(buyer.shipping_address)))


def _shipping(state: InlineState, _shown: Mapping[str, Any]) -> dict[str, Any]:
    return {"parcels": [] if state.quote is None else list(_parcels(state.quote, state.lines))}


def _parcels(quote: Quote, lines: Sequence[OrderLine]) -> Iterator[Parcel]:
    for merchant in shipping_choices(quote):
        picked = _picked(merchant)
        yield Parcel(
            host=merchant["host"],
            titles=tuple(line.title or line.link for line in lines if line.link in merchant["links"]),
            rates=tuple(
                Rate(
                    id=rate["rateId"],
                    name=rate["name"] or rate["optionId"],
                    cost=money_of(rate["cost"], rate["currency"] or ""),
                    time=_time_of(rate),
                    is_picked=rate["rateId"] == picked,
                )
                for rate in merchant["rates"]
            ),
        )


def _picked(merchant: Mapping[str, Any]) -> int:
    """Return the rate that was chosen, else the one that is in the price, else the first."""
    rates = merchant["rates"]
    if merchant["chosen"] is not None:
        return int(merchant["chosen"])
    in_price = (
        rate["rateId"] for rate in rates if rate["cost"] is not None and rate["cost"] == merchant["shipping"]
    )
    return int(next(in_price, rates[0]["rateId"]))


def _time_of(rate: Mapping[str, Any]) -> str:
    dates = [_day(each) for each in (rate["minDate"], rate["maxDate"]) if each]
    return str(rate["timeEstimate"] or " – ".join(dates))


def _day(text: str) -> str:
    """Write a day as people do in the active language; what is none stays as Henry wrote it."""
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        return text
    return date_format(day, "MONTH_DAY_FORMAT")


def _card(state: InlineState, shown: Mapping[str, Any]) -> dict[str, Any]:
    form = shown.get("card_form")
    if form is None and not state.card_on_page:
        form = CardForm(kind="element", settings=app_settings.CARD_ELEMENT)
    cart = None if state.session is None else state.session.order.cart
    return {
        "card_form": form,
        "element_url": "" if form is None else str(form.settings.get("url", "")),
        "cart_id": "" if cart is None else cart.ulid,
    }


def _review(state: InlineState, _shown: Mapping[str, Any]) -> dict[str, Any]:
    quote = state.quote
    names = dict(country_choices())
    address = state.buyer.shipping_address
    country = "" if address is None else names.get(address.country_code, address.country_code)
    shipping = (
        [] if quote is None else [rate for merchant in quote.merchants for rate in _chosen_rates(merchant)]
    )
    name = f"{state.buyer.first_name} {state.buyer.last_name}"
    lines = [] if address is None else address_lines(address, name=name)
    return {
        "quote": quote,
        "country_name": country,
        "address_lines": lines,
        "chosen": shipping,
        "buyer_digest": buyer_digest(state.buyer),
    }


def _chosen_rates(merchant: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for rate in merchant["rates"]:
        if rate["rateId"] == merchant["chosen"] or len(merchant["rates"]) == 1:
            yield {"host": merchant["host"], "name": rate["name"], "time": _time_of(rate)}


def _status(state: InlineState, _shown: Mapping[str, Any]) -> dict[str, Any]:
    return {"token": create_status_token(state.order)}


_STEP_CONTEXTS = {
    Step.ADDRESS: _address,
    Step.SHIPPING: _shipping,
    Step.CARD: _card,
    Step.REVIEW: _review,
    Step.STATUS: _status,
}
