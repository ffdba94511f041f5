"""[SIM] The card element of v1: a form in a frame of the shop's page, which hands the shop a token for the card.

Henry is known to have such an element; its address, its fields and its messages are not. All of them are ours.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from django_henry_checkout.sandbox.engine import validation as checking
from django_henry_checkout.sandbox.engine import vault
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.pages.checkout import Visit, page
from django_henry_checkout.sandbox.pages.forms import CardForm


def element(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(("GET", "HEAD", "POST"))
    context: JSON = {"visit": Visit.of(request), "action": request.get_full_path()}
    origin = request.GET.get("origin")
    if origin is not None and not checking.is_origin(origin):
        # Not passed over like a wrong `returnUrl`: the token would then go to whoever listens.
        return page("notice.html", {**context, "kind": "wrong-origin"}, status=400)
    context["origin"] = origin or store.options.message_origin
    if request.method != "POST":
        return page("card_element.html", {**context, "form": CardForm(now=store.now())})
    form = CardForm(request.POST, now=store.now())
    if not form.is_valid():
        return page("card_element.html", {**context, "form": form}, status=422)
    values = form.cleaned_data
    # A card that will be declined gets a token too: only a payment finds out.
    card = vault.keep(values["card_number"], name=values["card_name"].strip())
    return page("card_element.html", {**context, "card": card})
