"""The card page of v0: a user stores a card, and the shop that embeds the page gets a message."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from django_henry_checkout.sandbox.engine import signed_links, vault
from django_henry_checkout.sandbox.engine.signed_links import LinkClaims
from django_henry_checkout.sandbox.engine.store import store
from django_henry_checkout.sandbox.pages.forms import CardForm
from django_henry_checkout.sandbox.pages.page import PageOptions, render_notice, render_page


def collect(request: HttpRequest) -> HttpResponse:
    """Show the card form of a signed link and store the card."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(("GET", "HEAD", "POST"))
    page = PageOptions.from_request(request)
    link = signed_links.read_token(page.session)
    if link is None or link.cart_id:
        return render_notice(page, "missing-card", status=404)
    if request.GET.get("saved"):
        return _show_saved(link, page)
    if link.is_expired:
        return render_notice(page, "expired-card", status=410)
    if request.method != "POST":
        return _show_form(link, page, CardForm(now=store.now()))
    form = CardForm(request.POST, now=store.now())
    if not form.is_valid():
        return _show_form(link, page, form, status=422)
    values = form.cleaned_data
    # [SIM] A card that will be declined can be stored: only the payment fails.
    vault.store_card(values["card_number"], name=values["card_name"].strip(), user_id=link.user_id)
    return HttpResponseRedirect(f"{reverse('card')}{page.query}&saved=1")


def _show_form(link: LinkClaims, page: PageOptions, form: CardForm, *, status: int = 200) -> HttpResponse:
    context = {
        "page": page,
        "form": form,
        "stored": store.user_card(link.user_id),
        "action": reverse("card") + page.query,
        "cancel_url": page.cancel_url or reverse("card-closed") + page.query,
    }
    return render_page("card.html", context, status=status)


def _show_saved(link: LinkClaims, page: PageOptions) -> HttpResponse:
    card = store.user_card(link.user_id)
    if card is None:
        return render_notice(page, "missing-card", status=404)
    return render_notice(page, "card-saved", card=card)


def closed(request: HttpRequest) -> HttpResponse:
    """Show that no card was stored."""
    page = PageOptions.from_request(request)
    return render_notice(page, "card-closed", retry_url=reverse("card") + page.query)
