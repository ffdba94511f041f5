"""Henry's v1: a card for a token. No body of these calls is known, so every field name here is the sandbox's own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine import vault
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import envelope
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.v1.wire import read_address, read_name


def _tokenize(request: HttpRequest) -> HttpResponse:
    """Take the fields that a purchase of early v1 had, and keep the last four digits."""
    body = checking.read_json(request.body)
    number = vault.read_secrets(body)
    name = read_name(body, "nameOnCard", where="card", required=False)
    read_address(body, "billingAddress", where="card", required=False)
    card = vault.keep(number, name=f"{name.first_name} {name.last_name}" if name else "")
    return envelope("Card tokenized successfully", {"cardToken": card.token})


def _retrieve(request: HttpRequest, token: str) -> HttpResponse:
    card = vault.find(token)
    if card is None:
        raise RefusedError("Card not found.", status=404)
    data = {"cardToken": card.token, "last4": card.last4, "nameOnCard": card.name, "status": "active"}
    return envelope("Card fetched successfully", data)


tokenize = api(POST=_tokenize)
one = api(GET=_retrieve)
