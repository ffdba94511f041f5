"""Henry's v0: collect a card for a user, on the card page or, if allowed, as raw data."""

from __future__ import annotations

import re
import uuid

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import signed_links, validation, vault
from django_henry_checkout.sandbox.engine.http.api_views import api_view
from django_henry_checkout.sandbox.engine.responses import envelope, json_response
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import ApiError
from django_henry_checkout.sandbox.v0.wire import read_user_id

_PATTERNS = {
    "cardNumber": r"[0-9]{12,19}",
    "cardExp": r"(0[1-9]|1[0-2])/[0-9]{2}",
    "cardCvv": r"[0-9]{3,4}",
    "phoneNumber": r"\+[1-9][0-9]{1,14}",
}
_REQUIRED_TEXTS = ("cardHolder", "email", "billingAddress", "zipCode")


def _create_link(request: HttpRequest) -> HttpResponse:
    """Create a link to the card page. Henry's format is not known; `auth` has no effect here."""
    user_id = read_user_id(request)
    validation.parse_query_boolean(request.GET.get("auth", "true"), "auth")
    url = request.build_absolute_uri(f"/wallet/card?session={signed_links.create_token(user_id)}")
    return envelope("Card collection modal created", {"modal_url": url})


def _store_raw_card(request: HttpRequest) -> HttpResponse:
    user_id = read_user_id(request)
    body = validation.read_json(request.body)
    if not store.options.allow_raw_card:
        raise ApiError("Raw card numbers are refused. Use /wallet/card-collect.")
    for key, pattern in _PATTERNS.items():
        if not re.fullmatch(pattern, validation.read_text(body, key, limit=30)):
            raise ApiError(f"{key} has the wrong form.")
    for key in _REQUIRED_TEXTS:
        validation.read_text(body, key)
    validation.parse_email(body["email"].strip(), "email")
    for key in ("city", "state", "last4Digits"):
        validation.read_text(body, key, required=False)
    validation.read_boolean(body, "isDefault")
    number = vault.read_card_number(body)
    card = vault.store_card(number, name=body["cardHolder"].strip(), user_id=user_id)
    # The documentation has `requestId` and `id` beside the envelope and does not describe `data`, which is ours.
    return json_response(
        {
            "success": True,
            "status": "success",
            "message": "Card stored successfully",
            "data": {"cardId": card.token, "last4Digits": card.last4},
            "requestId": str(uuid.uuid4()),
            "id": card.token,
        }
    )


card_link = api_view(POST=_create_link)
raw_card = api_view(POST=_store_raw_card)
