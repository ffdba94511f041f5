"""Henry's v0: collecting a card for a user, on a page of the sandbox or, where that is allowed, raw."""

from __future__ import annotations

import re
import uuid

from django.http import HttpRequest, HttpResponse

from django_henry_checkout.sandbox.engine import signed_links as links
from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine import vault
from django_henry_checkout.sandbox.engine.http.api_views import api
from django_henry_checkout.sandbox.engine.responses import answer, envelope
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.engine.validation import RefusedError
from django_henry_checkout.sandbox.v0.wire import user_of

_PATTERNS = {
    "cardNumber": r"[0-9]{12,19}",
    "cardExp": r"(0[1-9]|1[0-2])/[0-9]{2}",
    "cardCvv": r"[0-9]{3,4}",
    "phoneNumber": r"\+[1-9][0-9]{1,14}",
}
_TEXTS = ("cardHolder", "email", "billingAddress", "zipCode")


def collect(request: HttpRequest) -> HttpResponse:
    """Make a link to the card page. The form of Henry's is not known; `auth` changes nothing here."""
    user_id = user_of(request)
    checking.query_switch(request.GET.get("auth", "true"), "auth")
    url = request.build_absolute_uri(f"/wallet/card?session={links.token_for(user_id)}")
    return envelope("Card collection modal created", {"modal_url": url})


def collect_raw(request: HttpRequest) -> HttpResponse:
    user_id = user_of(request)
    body = checking.read_json(request.body)
    if not store.options.allow_raw_card:
        raise RefusedError("Raw card numbers are refused. Use /wallet/card-collect.")
    for key, pattern in _PATTERNS.items():
        if not re.fullmatch(pattern, checking.text(body, key, limit=30)):
            raise RefusedError(f"{key} has the wrong form.")
    for key in _TEXTS:
        checking.text(body, key)
    checking.email(body["email"].strip(), "email")
    for key in ("city", "state", "last4Digits"):
        checking.text(body, key, required=False)
    checking.switch(body, "isDefault")
    number = vault.read_number(body)
    card = vault.keep(number, name=body["cardHolder"].strip(), user_id=user_id)
    # The page shows `requestId` and `id` beside the envelope and says nothing of `data`; its content is ours.
    return answer(
        {
            "success": True,
            "status": "success",
            "message": "Card stored successfully",
            "data": {"cardId": card.token, "last4Digits": card.last4},
            "requestId": str(uuid.uuid4()),
            "id": card.token,
        }
    )


card_links = api(POST=collect)
raw_cards = api(POST=collect_raw)
