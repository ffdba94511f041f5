"""Context of the inline checkout, shared by its view and by `{% henry_inline_checkout %}`.

It is built from the database and from the request, never from a call to Henry: a tag must render quickly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest
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
_CONTACT_PARTS = (
    AddressPart(name="email", label=_("E-mail"), is_required=True, autocomplete="email"),
    AddressPart(name="phone", label=_("Phone"), is_required=True, autocomplete="shipping tel"),
)
_NAME_PARTS = (
    AddressPart(
        name="first_name", label=_("First name"), is_required=True, autocomplete="shipping given-name"
    ),
    AddressPart(
        name="last_name", label=_("Last name"), is_required=True, autocomplete="shipping family-name"
    ),
)
_COUNTRY_PART = AddressPart(
    name="country_code", label=_("Country or region"), is_required=True, autocomplete="shipping country"
)
_MISSING_TEXTS = {
    "email": _("Enter your e-mail address."),
    "phone": _("Enter a phone number for the delivery."),
    "first_name": _("Enter your first name."),
    "last_name": _("Enter your last name."),
    "country_code": _("Choose your country."),
    "line1": _("Enter your street and number."),
    "city": _("Enter your town or city."),
    "postal_code": _("Enter your postal code."),
}
#: What the flows report for each empty field.
_REQUIRED = "This is needed."
#: The other errors that the flows report for a buyer, listed here for the catalogues.
BUYER_ERROR_TEXTS = (
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
class FormState:
    """What only the current request knows of the section: the form as submitted, and how that went.

    Args:
        values: the address as entered; empty for the stored one.
        errors: one text for each wrong field.
        notice: a message above the form.
        announcement: a text for screen readers.
        card_form: Henry's page that collects the card.
        card_token: carried along in a hidden field, and stored nowhere.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: Any = None
    announcement: str = ""
    card_form: CardForm | None = None
    card_token: str = field(default="", repr=False)
    card_last4: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class FormField:
    """A field of the address form: its part of the address, its value and its error."""

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
        """The `inputmode` of the input, which selects the keyboard of a phone."""
        return "numeric" if self.part.is_numeric else _INPUT_TYPES.get(self.part.name, "text")

    @property
    def hint(self) -> str:
        """The help text: an example of the value, or why it is needed."""
        if self.part.name == "phone":
            return gettext("Only for questions about the delivery.")
        if not self.part.example:
            return ""
        return gettext("For instance %(example)s") % {"example": self.part.example}


@dataclass(frozen=True, kw_only=True)
class ProgressStep:
    """An entry of the progress list."""

    step: Step
    name: str | Promise
    is_current: bool
    is_done: bool
    is_reachable: bool


@dataclass(frozen=True, kw_only=True)
class ShippingRate:
    """A delivery method of one merchant."""

    id: int
    name: str
    cost: Money | None
    time: str
    is_selected: bool


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """The items that one merchant sends, and the delivery methods to choose from."""

    host: str
    titles: tuple[str, ...]
    rates: tuple[ShippingRate, ...]


def inline_context(
    request: HttpRequest | None, state: InlineState, form: FormState | None = None
) -> dict[str, Any]:
    """Return the context of `henry_checkout/inline/section.html`. No call to Henry."""
    form = form or FormState()
    shared = {
        "request": request,
        "order": state.order,
        "lines": state.lines,
        "state": state,
        "step": state.step.value,
        "steps": _progress_steps(state),
        "url": reverse("henry_checkout:inline", args=[state.order.ulid]),
        "uid": _html_id(state.order),
        "notice": form.notice,
        "announcement": form.announcement,
        "seconds_left": _seconds_left(state),
        "card_token": form.card_token,
        "card_last4": form.card_last4,
    }
    if request is not None:
        shared["csrf_token"] = get_token(request)
    step_context = _STEP_CONTEXTS.get(state.step)
    return shared if step_context is None else shared | step_context(state, form)


def _html_id(order: Order) -> str:
    return f"henry-{order.ulid}"


def _seconds_left(state: InlineState) -> int | None:
    """Return how long the session still lives, or None at a step where nothing is lost when it expires."""
    if state.session is None or state.step not in {Step.PRICE, Step.SHIPPING, Step.CARD, Step.REVIEW}:
        return None
    return max(int((state.session.expires_at - timezone.now()).total_seconds()), 0)


def _progress_steps(state: InlineState) -> list[ProgressStep]:
    if state.step == Step.EXPIRED:
        return []
    steps = state.steps
    current = Step.SHIPPING if state.step == Step.PRICE else state.step
    position = steps.index(current) if current in steps else 0
    return [
        ProgressStep(
            step=step,
            name=_STEP_NAMES[step],
            is_current=number == position,
            is_done=number < position,
            is_reachable=number < position and state.may_see(step),
        )
        for number, step in enumerate(steps)
    ]


# Address ---------------------------------------------------------------------------------


def _address_context(state: InlineState, form: FormState) -> dict[str, Any]:
    values = form.values or buyer_values(state.buyer)
    uid = _html_id(state.order)
    country_code = values.get("country_code") or default_country()

    def build_field(part: AddressPart, *, is_last: bool = False) -> FormField:
        value = values.get(part.name, "")
        return FormField(
            part=part,
            id=f"{uid}-{part.name}",
            value=_match_choice(part.choices, value) if part.choices else value,
            error=_field_error(part, form.errors.get(part.name, "")),
            is_last=is_last,
            choices=part.choices,
        )

    country = FormField(
        part=_COUNTRY_PART,
        id=f"{uid}-country_code",
        value=country_code,
        error=_field_error(_COUNTRY_PART, form.errors.get("country_code", "")),
        choices=country_choices(),
    )
    part_rows = [list(row) for row in (address_rows(country_code) if country_code else ())]
    rows = [
        [build_field(part, is_last=row is part_rows[-1] and part is row[-1]) for part in row]
        for row in part_rows
    ]
    contact = [build_field(part) for part in _CONTACT_PARTS]
    names = [build_field(part) for part in _NAME_PARTS]
    fields = [*contact, country, *names, *(each for row in rows for each in row)]
    return {
        "contact": contact,
        "country": country,
        "rows": [names, *rows],
        "invalid_fields": [each for each in fields if each.error],
    }


def _match_choice(choices: tuple[tuple[str, str], ...], value: str) -> str:
    """Return the code of a choice entered as code or name in any case, or "" if there is none."""
    wanted = value.casefold()
    return next((code for code, name in choices if wanted in {code.casefold(), name.casefold()}), "")


def _field_error(part: AddressPart, text: str) -> str:
    if text != _REQUIRED:
        return gettext(text) if text else ""
    if part.name in _MISSING_TEXTS:
        return str(_MISSING_TEXTS[part.name])
    return gettext("%(part)s: please fill this in.") % {"part": part.label}


def buyer_values(buyer: Buyer) -> dict[str, str]:
    """Return a buyer's details under the names of the form's fields."""
    values = {name: getattr(buyer, name) for name in ("email", "phone", "first_name", "last_name")}
    return values | ({} if buyer.shipping_address is None else dict(vars(buyer.shipping_address)))


# Shipping --------------------------------------------------------------------------------


def _shipping_context(state: InlineState, _form: FormState) -> dict[str, Any]:
    return {"shipments": [] if state.quote is None else list(_shipments(state.quote, state.lines))}


def _shipments(quote: Quote, lines: Sequence[OrderLine]) -> Iterator[Shipment]:
    for merchant in shipping_choices(quote):
        selected = _selected_rate(merchant)
        yield Shipment(
            host=merchant["host"],
            titles=tuple(line.title or line.link for line in lines if line.link in merchant["links"]),
            rates=tuple(
                ShippingRate(
                    id=rate["rateId"],
                    name=rate["name"] or rate["optionId"],
                    cost=money_of(rate["cost"], rate["currency"] or ""),
                    time=_delivery_time(rate),
                    is_selected=rate["rateId"] == selected,
                )
                for rate in merchant["rates"]
            ),
        )


def _selected_rate(merchant: Mapping[str, Any]) -> int:
    """Return the rate that was chosen, else the one that the price includes, else the first."""
    rates = merchant["rates"]
    if merchant["chosen"] is not None:
        return int(merchant["chosen"])
    in_price = (
        rate["rateId"] for rate in rates if rate["cost"] is not None and rate["cost"] == merchant["shipping"]
    )
    return int(next(in_price, rates[0]["rateId"]))


def _delivery_time(rate: Mapping[str, Any]) -> str:
    dates = [format_day(each) for each in (rate["minDate"], rate["maxDate"]) if each]
    return str(rate["timeEstimate"] or " – ".join(dates))


def format_day(text: str) -> str:
    """Format an ISO date in the active language; return any other text as Henry wrote it."""
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        return text
    return date_format(day, "MONTH_DAY_FORMAT")


# Card, review, status --------------------------------------------------------------------


def _card_context(state: InlineState, form: FormState) -> dict[str, Any]:
    card_form = form.card_form
    if card_form is None and not state.card_on_page:
        card_form = CardForm(kind="element", settings=app_settings.CARD_ELEMENT)
    cart = None if state.session is None else state.session.order.cart
    return {
        "card_form": card_form,
        "element_url": "" if card_form is None else str(card_form.settings.get("url", "")),
        "cart_id": "" if cart is None else cart.ulid,
    }


def _review_context(state: InlineState, _form: FormState) -> dict[str, Any]:
    quote, buyer = state.quote, state.buyer
    address = buyer.shipping_address
    country_names = dict(country_choices())
    country = "" if address is None else country_names.get(address.country_code, address.country_code)
    name = f"{buyer.first_name} {buyer.last_name}"
    merchants = [] if quote is None else quote.merchants
    return {
        "quote": quote,
        "country_name": country,
        "address_lines": [] if address is None else address_lines(address, name=name),
        "chosen_rates": [rate for merchant in merchants for rate in _chosen_rates(merchant)],
        "buyer_digest": buyer_digest(buyer),
    }


def _chosen_rates(merchant: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for rate in merchant["rates"]:
        if rate["rateId"] == merchant["chosen"] or len(merchant["rates"]) == 1:
            yield {"host": merchant["host"], "name": rate["name"], "time": _delivery_time(rate)}


def _status_context(state: InlineState, _form: FormState) -> dict[str, Any]:
    return {"token": create_status_token(state.order)}


_STEP_CONTEXTS = {
    Step.ADDRESS: _address_context,
    Step.SHIPPING: _shipping_context,
    Step.CARD: _card_context,
    Step.REVIEW: _review_context,
    Step.STATUS: _status_context,
}
