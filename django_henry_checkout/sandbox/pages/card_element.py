"""[SIM] The card element of v1: a form in a frame on the shop's page, which gives the shop a token of the card.

Henry has such an element, but its URL, fields and messages are not known: all of them are ours.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from django_henry_checkout.sandbox.engine import validation, vault
from django_henry_checkout.sandbox.engine.state import JSON
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.pages.forms import CardForm
from django_henry_checkout.sandbox.pages.page import PageOptions, render_notice, render_page


def element(request: HttpRequest) -> HttpResponse:
    """Show the form or, after a valid POST, the token."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(("GET", "HEAD", "POST"))
    page = PageOptions.from_request(request)
    origin = request.GET.get("origin")
    if origin is not None and not validation.is_origin(origin):
        # Refused, not ignored like an unusable `returnUrl`: any page could receive the token then.
        return render_notice(page, "wrong-origin", status=400)
    context: JSON = {
        "page": page,
        "action": request.get_full_path(),
        "origin": origin or store.options.message_origin,
    }
    if request.method != "POST":
        return render_page("card_element.html", {**context, "form": CardForm(now=store.now())})
    form = CardForm(request.POST, now=store.now())
    if not form.is_valid():
        return render_page("card_element.html", {**context, "form": form}, status=422)
    values = form.cleaned_data
    # A card that will be declined gets a token too: only the payment fails.
    card = vault.store_card(values["card_number"], name=values["card_name"].strip())
    return render_page("card_element.html", {**context, "card": card})
