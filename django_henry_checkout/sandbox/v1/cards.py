"""Henry's v1: exchange a card for a token. [SIM] Henry's bodies are not known; all field names are ours."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import validation, vault
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v1.wire import read_address, read_name


def _tokenize(request: HttpRequest) -> HttpResponse:
    """Store a card, sent in the fields of a purchase of early v1."""
    body = validation.read_json(request.body)
    number = vault.read_raw_card(body)
    name = read_name(body, "nameOnCard", where="card", required=False)
    read_address(body, "billingAddress", where="card", required=False)
    card = vault.store_card(number, name=f"{name.first_name} {name.last_name}" if name else "")
    return envelope("Card tokenized successfully", {"cardToken": card.token})


def _retrieve(request: HttpRequest, token: str) -> HttpResponse:
    card = vault.find_card(token)
    if card is None:
        raise ApiError("Card not found.", status=404)
    data = {"cardToken": card.token, "last4": card.last4, "nameOnCard": card.name, "status": "active"}
    return envelope("Card fetched successfully", data)


tokenize = api_view(POST=_tokenize)
card = api_view(GET=_retrieve)
